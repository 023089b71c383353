"""What is hardly meant in what a rule shows."""

from __future__ import annotations

import pytest

from proxy.rulebook.lints import Site
from tests.rulebook.conftest import Publish

RULE = "rules:\n  - name: A\n    slot: home.hero\n    show:\n      %s\n"


OUTSIDE = 'L12 5:32 from /c/shoes, "www.shop.example" leads to /c/www.shop.example'


@pytest.mark.parametrize(
    ("show", "told"),
    [
        ("banner: {title: 'Hello {city}'}", ["L5 5:23 visitors without `city` see a gap"]),
        ("banner: {title: 'Only {5 - orders}'}", ["L5 5:23 visitors without `orders` see a gap"]),
        ("banner: {title: 'Hello {city|you}'}", []),
        ("banner: {title: 'Only {days until 2026-12-24}'}", ["L5 5:23 from 2026-12-24 on, visitors see a gap"]),
        ("banner: {title: 'Only {days until 2026-12-24|today}'}", []),
        ("banner: {title: 'Only {hours until 17:00}'}", []),
        ("banner: promo", []),
        ("banner: gap", ["L5 5:7 visitors without `city` see a gap"]),
        (
            "banner: {title: A, image: /a.avif}",
            [
                "L6 5:33 this picture says nothing to people who cannot see it",
                "L6 5:33 this picture has no size, so the page moves when it comes",
            ],
        ),
        ("banner: {title: A, image: /a.avif, alt: A, image width: 6, image height: 4}", []),
        (
            "banner: {title: 'Everything {city|everywhere} must go this week, yes'}",
            ["L10 5:23 this title has 44 characters, and home.hero has room for 40"],
        ),
        (
            "banner: {title: A, alt: A, image width: 6}",
            ['L13 5:26 "alt" changes nothing here', 'L13 5:34 "image width" changes nothing here'],
        ),
        ("banner: {title: A, link: sale}", ['L12 5:32 from /c/shoes, "sale" leads to /c/sale']),
        ("banner: {title: A, link: www.shop.example}", [OUTSIDE]),
        ("banner: {title: A, link: /sale}", []),
        ("banner: {title: A, link: 'https://shop.example/sale'}", []),
        ("banner: {title: A, link: '#top'}", []),
        ("banner: {title: A <b>sale</b>}", ["L17 5:23 visitors read `<b>` as it stands"]),
        ("banner: {title: A, text: “Now”}", ["L17 5:32 visitors see the quotes around this text: “"]),
        ("banner: {title: 5 < 6 > 4 <3, text: “One” or “two”}", []),
        ("products: {strategy: {chosen: [SKU-1, SKU-9]}}", ["L4 5:45 Rain jacket (SKU-9) is out of stock"]),
        ("products: {strategy: [{popular in: everything}]}", []),
    ],
)
def test_it_is_told_where_it_stands(show: str, told: list[str], publish: Publish) -> None:
    found = publish(
        RULE % show + "\ntimezone: UTC", site=Site(0.0), **{"banners/gap.html": "<p>Hello {{ city }}</p>"}
    ).findings
    said = [f"{finding.code} {finding.place.line}:{finding.place.column} {finding.what}" for finding in found]
    assert said == told and all(finding.is_warning for finding in found)


def test_who_serves_a_folder_is_not_told(publish: Publish) -> None:
    assert publish(RULE % "banner: {title: A, image: /a.avif}").findings == []


def test_a_pinned_product_that_is_sold_out_is_reported(publish: Publish) -> None:
    pins = "    pin:\n      - {product: SKU-9, at: 1}\n      - {product: SKU-1, at: 2}\n"
    found = publish("rules:\n  - name: A\n    listing: search\n" + pins, site=Site(0.0)).findings
    assert [(finding.code, finding.place.line) for finding in found] == [("L4", 5)]


@pytest.mark.parametrize(
    ("when", "is_told"),
    [
        ("{city: Oslo}", False),
        ("{orders: at least 1, city: any}", False),
        ("{orders: at least 1}", True),
        ("{city: none}", True),
        ("{any of: [{city: Oslo}, {orders: 1}]}", True),
    ],
)
def test_what_a_rule_asks_for_needs_no_default(when: str, is_told: bool, publish: Publish) -> None:
    show = "banner: {title: 'Hello {city}'}"
    told = publish(RULE.replace("    show:", f"    when: {when}\n    show:") % show, site=Site(0.0)).findings
    assert ("L5" in [finding.code for finding in told]) is is_told


def test_a_countdown_may_lack_a_default_in_a_rule_that_ends_with_it(publish: Publish) -> None:
    show = "banner: {title: 'Only {hours until 2026-12-24 17:00}'}\n    until: 2026-12-24 %s\n"
    told = [publish(RULE % (show % end) + "timezone: UTC", site=Site(0.0)).findings for end in ("17:00", "17:01")]
    assert [[finding.what for finding in found] for found in told] == [
        [],
        ["from 2026-12-24 17:00 on, visitors see a gap"],
    ]


@pytest.mark.parametrize("field", ["{days until 2025-12-01, day/days|today}", "{days until 2025-12-01}"])
def test_a_countdown_that_is_over_when_its_rule_begins_is_told(field: str, publish: Publish) -> None:
    show = f"banner: {{title: 'Only {field}'}}\n    from: 2026-11-27\n    until: 2026-12-01 00:00\n"
    (told,) = publish(RULE % show + "timezone: UTC", site=Site(0.0)).findings
    assert (told.code, told.is_warning) == ("R506", True)
    assert told.what == "2025-12-01 is over when the rule begins, so everybody sees its default or a gap"
