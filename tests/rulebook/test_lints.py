"""Warnings that take to know the hour and the site."""

from __future__ import annotations

import pytest

from proxy.diagnostics import Finding
from proxy.model import View
from proxy.rulebook.lints import Site
from tests.rulebook.conftest import Publish

NOW = 1_795_600_000.0
DAY = 86_400.0
RULE = "rules:\n  - {name: Sale, slot: home.hero, show: nothing new%s}\n"


def warned(publish: Publish, text: str, *views: View) -> list[Finding]:
    loaded = publish(text, site=Site(NOW, views))
    assert loaded.publication is not None, loaded.findings
    assert all(finding.is_warning and finding.help for finding in loaded.findings)
    return loaded.findings


def test_a_dead_rule_is_reported_with_what_takes_its_visitors(publish: Publish) -> None:
    below = "  - {name: Below, slot: home.hero, show: nothing new, priority: low, when: {country: NO}}\n"
    (found,) = warned(publish, RULE % "" + below)
    assert (found.code, found.place.line, found.note) == ("L1", 3, "a.rules.yaml:2")
    assert found.what == '"Below" can never show: "Sale" comes first for everybody it fits'


@pytest.mark.parametrize(("strategy", "codes"), [("recently viewed", []), ("{popular in: everything}", ["L1"])])
def test_a_rule_below_one_whose_row_may_be_empty_is_not_dead(publish: Publish, strategy: str, codes: list[str]) -> None:
    row = f"rules:\n  - {{name: Own, slot: home.hero, show: {{products: {{strategy: [{strategy}]}}}}}}\n"
    below = "  - {name: Below, slot: home.hero, show: nothing new, priority: low}\n"
    assert [finding.code for finding in warned(publish, row + below)] == codes


def test_a_contradiction_names_what_it_is_about(publish: Publish) -> None:
    (found,) = warned(publish, RULE % ", when: {orders: at least 5}, unless: {orders: at least 3}")
    assert found.code == "L1" and found.help.startswith('take one of its lines about "orders" out')


def test_nobody_is_in_two_regions(publish: Publish) -> None:
    (found,) = warned(publish, RULE % ", when: {all of: [{region: Nordland}, {region: Troms}]}")
    assert found.code == "L1" and found.help.startswith('take one of its lines about "region" out')
    assert warned(publish, RULE % ", when: {all of: [{region: Bayern}, {region: Bavaria}]}") == []


def test_an_attribute_that_may_be_a_set_contradicts_nothing(publish: Publish) -> None:
    both = ", when: {all of: [{%s: a}, {%s: b}]}"
    assert warned(publish, RULE % (both % ("tags", "tags"))) == []
    assert [finding.code for finding in warned(publish, RULE % (both % ("city", "city")))] == ["L1"]


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("page: /c/shoes", ["L16"]),
        ("page: [starts with /c/, /cart]", ["L16"]),
        ("any of: [{page: /cart}, {country: NO}]", []),
        ("page: [/, /c]", []),
        ("page: not /cart", []),
    ],
)
def test_a_rule_asks_for_a_page_on_which_its_slot_is(publish: Publish, asked: str, codes: list[str]) -> None:
    assert [finding.code for finding in warned(publish, RULE % f", when: {{{asked}}}")] == codes


def test_a_contradiction_about_the_page_is_reported_once(publish: Publish) -> None:
    both = ", when: {all of: [{page: /c}, {page: /p}]}"
    assert [finding.code for finding in warned(publish, RULE % both)] == ["L1"]


def test_what_is_over_is_told_until_it_is_removed(publish: Publish) -> None:
    holdout = "holdout: {name: Q4, share: 5%, until: 2026-01-01}\n"
    found = warned(publish, holdout + RULE % ", until: 2026-11-25 00:00")
    assert [(finding.code, finding.what) for finding in found] == [("L2", '"Q4" is over'), ("L2", '"Sale" is over')]
    assert warned(publish, RULE % ", until: 2026-11-26 18:00") == []
    (found,) = warned(publish, RULE % ", from: 2026-11-01, run for: 14 days")
    assert found.help == "remove it, or give it a later end", "it has no `until`, and may have none"


def test_a_slot_is_missed_when_recent_pages_have_others_only(publish: Publish) -> None:
    old, recent = View(NOW - 8 * DAY, "v", {"home.hero": ""}), View(NOW - DAY, "v", {"all.topbar": ""})
    assert warned(publish, RULE % "") == warned(publish, RULE % "", old) == []
    assert [finding.code for finding in warned(publish, RULE % "", old, recent)] == ["L3"]


def test_a_segment_is_empty_when_many_came_and_none_was_in_it(publish: Publish) -> None:
    text = "segments: {VIP: {when: {orders: at least 4}}, Unused: {}}\n" + RULE % ", when: {segment: VIP}"
    others = [View(NOW - second, "v", {"home.hero": ""}, {"orders": 1.0}) for second in range(1_000)]
    assert [finding.code for finding in warned(publish, text, *others)] == ["L7"]
    assert warned(publish, text, *others[:999]) == []
    named = View(NOW, "v", {"home.hero": ""}, {"segment": frozenset({"vip"})})
    assert warned(publish, text, *others, named) == []


def test_rules_without_a_test_are_reported_once_a_file(publish: Publish) -> None:
    test = "tests: [{name: T, expect: {home.hero: Sale}}]\n"
    other = "rules:\n" + "".join(
        f"  - {{name: R{number}, slot: all.topbar, show: nothing new, when: {{orders: {number}}}}}\n"
        for number in range(3)
    )
    loaded = publish(RULE % "" + test, site=Site(NOW), **{"b.rules.yaml": other})
    assert [(finding.code, finding.what) for finding in loaded.findings] == [("L8", 'no test expects "R0" and 2 more')]


def test_a_rule_for_a_list_is_tested_by_what_stands_first_there(publish: Publish) -> None:
    rules = "rules:\n  - {name: Pinned, listing: search, pin: {product: SKU-9}}\n"
    rules += "  - {name: Other, listing: sale, pin: {product: SKU-9}}\n"
    test = "tests: [{name: T, expect: {'listing:search': {of: [SKU-1, SKU-9], begins with: [SKU-9]}}}]\n"
    found = publish(rules + test, site=Site(NOW)).findings
    assert [finding.what for finding in found if finding.code == "L8"] == ['no test expects "Other"']


def test_experiments_fight_unless_a_group_or_their_visitors_keep_them_apart(publish: Publish) -> None:
    one = "  - {name: %s, slot: home.hero, variants: [{name: a, show: nothing new}, {name: b, show: nothing new}]%s}\n"
    two = "experiments:\n" + one + one
    assert [found.code for found in warned(publish, two % ("A", "", "B", ""))] == ["L9"]
    assert warned(publish, two % ("A", ", when: {country: NO}", "B", ", when: {country: NL}")) == []
    assert warned(publish, two % ("A", ", until: 2026-12-01", "B", ", from: 2026-12-01")) == []
    assert warned(publish, "groups: {G: {A: 50%, B: 50%}}\n" + two % ("A", "", "B", "")) == []


def test_an_experiment_that_fights_many_is_reported_once(publish: Publish) -> None:
    one = "  - {name: E%d, slot: home.hero, variants: [{name: a, show: nothing new}, {name: b, show: nothing new}]}\n"
    found = publish("experiments:\n" + "".join(one % n for n in range(6)), site=Site(NOW)).findings
    assert [finding.what for finding in found] == [f'"E0" and "E{n}" fight for home.hero' for n in range(1, 6)]
    assert [finding.note.count("a.rules.yaml") for finding in found] == [1, 2, 3, 3, 3]


def test_words_that_nothing_acts_on_are_reported(publish: Publish) -> None:
    tried = (
        "experiments:\n  - {name: Two, slot: home.hero, variants: [{name: a, show: nothing new}, {name: b, show: "
        "nothing new}], goal: order completed, guardrails: [bounce, product added], run for: at least 2 weeks}\n"
    )
    found = warned(publish, tried + RULE % ", priority: low, also on: [email, app]")
    assert [(one.code, one.what) for one in found if one.code == "L13"] == [
        ("L13", 'nothing measures the `bounce` of "Two"'),
        ("L13", 'nothing acts on `also on` of "Sale"'),
    ]


@pytest.mark.parametrize("word", ["clicked", "shown"])
@pytest.mark.parametrize(
    ("banner", "help"), [("Sail", 'did you mean "Sale"?'), ("Nobody", "write the name of a rule as it stands there")]
)
def test_a_banner_of_no_rule_is_reported_once(publish: Publish, banner: str, help: str, word: str) -> None:
    asked = f"when: {{any of: [{{{word}: {{banner: {banner}}}}}, {{{word}: {{banner: [sale, {banner}]}}}}]}}"
    (found,) = warned(publish, RULE % f", {asked}")
    assert (found.code, found.help) == ("L18", help)
    assert found.what == f'no rule is called "{banner}", which this asks for'


def test_clicks_are_no_goal_where_a_variant_shows_nothing(publish: Publish) -> None:
    variants = "[{name: a, show: %s}, {name: b, show: %s}]"
    text = "experiments:\n  - {name: X, slot: home.hero, goal: banner clicked, variants: " + variants + "}"
    banner = "{banner: {title: T}}"
    assert [(one.code, one.place.line) for one in warned(publish, text % ("nothing new", banner))] == [("L13", 2)]
    assert warned(publish, text % (banner, banner)) == []


@pytest.mark.parametrize(
    ("line", "help"),
    [
        ("cart total: 50 EUR", "write: at least 50 EUR; or, if you mean it, exactly 50 EUR"),
        ("spend in the last 30 days: 100", "write: at least 100; or, if you mean it, exactly 100"),
        ("cart total: exactly 50 EUR", ""),
        ("lifetime spend: 0", ""),
        ("orders: 3", ""),
        ("average order: between 20 and 30 EUR", ""),
    ],
)
def test_an_amount_to_the_cent_is_hardly_ever_meant(line: str, help: str, publish: Publish) -> None:
    found = warned(publish, RULE % f", when: {{{line}}}")
    assert [str(finding.help) for finding in found if finding.code == "L20"] == [help][: bool(help)]


def test_clicks_on_a_banner_are_no_goal_in_a_list(publish: Publish) -> None:
    variants = "[{name: a, pin: {product: SKU-1}}, {name: b, boost: {brand: Northwind}}]"
    text = "experiments:\n  - {name: X, listing: search, goal: banner clicked, variants: " + variants + "}"
    (found,) = [one for one in warned(publish, text) if one.code == "L13"]
    assert found.what == '"X" hopes for clicks on a banner, in a list'


ROW = "rules:\n  - {name: Sale, slot: home.hero%s, show: {products: {strategy: {%s}%s}}}\n"
ON_SALE_LATER = (
    '{"id": "A", "title": "A", "link": "/a", "price": 9, "sale_price": 5, "tags": ["new"],'
    ' "sale_price_effective_date": "2026-12-24T00:00Z/2026-12-27T00:00Z"}\n'
)


@pytest.mark.parametrize(
    ("begins", "strategy", "and_more", "help"),
    [
        ("", "chosen: A", ", never: A", '"chosen: A" found 1 and gave 0; left out: 1 never: product a'),
        ("", "popular in: everything", ", only: on sale", "found 1 and gave 0; left out: 1 not on sale"),
        (", from: 2026-12-25", "popular in: everything", ", only: on sale", ""),
        ("", "popular in: everything", "", ""),
        ("", "trending in: everything", "", ""),
        ("", "also viewed with: A", "", ""),
        ("", "instead of: A", "", ""),
        ("", "bought together with: A", "", ""),
        ("", "goes with: A", "", ""),
        ("", "popular in: this category", "", ""),
    ],
)
def test_a_row_that_would_be_empty_is_told_with_what_left_everything_out(
    publish: Publish, begins: str, strategy: str, and_more: str, help: str
) -> None:
    """But not of what visitors have yet to do, nor of a sale before it begins."""
    files = {"products.jsonl": ON_SALE_LATER}
    found = publish(ROW % (begins, strategy, and_more), site=Site(NOW), **files)
    assert found.publication is not None and found.publication.asks
    told = [finding for finding in found.findings if finding.code == "L22"]
    assert [finding.what for finding in told] == (['the row of "Sale" would be empty'] if help else [])
    assert all(finding.is_warning and finding.help.endswith(help) for finding in told)
