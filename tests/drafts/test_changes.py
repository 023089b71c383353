"""What a draft means differently, in an editor's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.diagnostics import as_text
from proxy.drafts.changes import COUNTED_ON, Kind, changes, in_words
from proxy.model import AllOf, AnyOf, Fact, NoneOf, OneOf
from proxy.rulebook.compile import Publication, load

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
SLOTS = b"slots: {home.hero: {}, cart.extras: {}}"
RULES = """version: 1
segments:
  VIP:
    when: {visitor: returning}
rules:
  - name: Sale
    slot: home.hero
    when:
      country: [NL, BE]
      segment: VIP
    show: {banner: {title: Sale}}
  - name: Goodbye
    slot: home.hero
    until: 2026-09-30
    show: {banner: {title: Goodbye}}
"""


def publication(rules: str = RULES, slots: bytes = SLOTS) -> Publication:
    loaded = load({"a.rules.yaml": rules.encode(), "slots.yaml": slots})
    assert loaded.publication is not None, as_text(loaded.findings, loaded.sources)
    return loaded.publication


def said(rules: str, slots: bytes = SLOTS) -> list[str]:
    found = changes(publication(), publication(rules, slots), NOW)
    return [f"{change.kind} {change.name}: {change.what}" for change in found]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[NL, BE]", "[NL, BE, NO]", "~ Sale: country: NL, BE  →  NL, BE, NO"),
        ("      segment: VIP\n", "", "~ Sale: segment: VIP  →  anything"),
        ("segment: VIP\n", "segment: VIP\n      device: phone\n", "~ Sale: device: anything  →  phone"),
        ("slot: home.hero\n    when", "slot: cart.extras\n    when", "~ Sale: slot: home.hero  →  cart.extras"),
        ("    when:\n      country", "    priority: 70\n    when:\n      country", "~ Sale: priority: normal  →  70"),
        (
            "    when:\n      country",
            "    from: 2026-12-01 08:00\n    when:\n      country",
            "~ Sale: from: anything  →  2026-12-01 08:00",
        ),
        (
            "    when:\n      country",
            "    needs: verified\n    when:\n      country",
            "~ Sale: needs verified: no  →  yes",
        ),
        (
            "    when:\n      country",
            "    holdout: 5%\n    when:\n      country",
            "~ Sale: holdout: anything  →  5 %",
        ),
        ("title: Sale", "title: Big sale", "~ Sale: shows something else"),
        ("show: {banner: {title: Sale}}", "show: nothing new", "~ Sale: shows something else"),
        ("visitor: returning", "visitor: new", "~ segment VIP: visitor: returning  →  new"),
    ],
)
def test_a_changed_rule_or_segment_says_what_was_and_what_is(old: str, new: str, told: str) -> None:
    assert old in RULES
    assert said(RULES.replace(old, new, 1)) == [told]


TRIED = """version: 1
experiments:
  - name: Bar
    slot: home.hero
    variants: [{name: new, show: {banner: {title: Free}}}, {name: control, show: nothing new}]
rules:
  - {name: Hero, slot: cart.extras, holdout: 5%, show: {banner: {title: Hi}}}
  - {name: List, listing: search, holdout: 5%, pin: {product: SKU-1}}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title: Free", "title: Free today", ["shows something else", COUNTED_ON]),
        ("title: Hi}", "title: Hello}", ["shows something else", COUNTED_ON]),
        ("holdout: 5%, show", "holdout: 10%, show", ["holdout: 5 %  →  10 %", COUNTED_ON]),
        ("pin: {product: SKU-1}", "pin: {product: SKU-2}", ["pin: SKU-1 at 1  →  SKU-2 at 1", COUNTED_ON]),
        (
            "{name: new, show: {banner: {title: Free}}}, {name: control,",
            "{name: new, share: 20%, show: {banner: {title: Free}}}, {name: control, share: 80%,",
            ["experiment: new 50 %, control 50 %  →  new 20 %, control 80 %", COUNTED_ON],
        ),
        ("slot: cart.extras", "priority: 70, slot: cart.extras", ["priority: normal  →  70"]),
    ],
)
def test_a_change_of_what_results_compare_says_that_it_is_counted_on(old: str, new: str, told: list[str]) -> None:
    assert TRIED.count(old) == 1
    found = changes(publication(TRIED), publication(TRIED.replace(old, new)), NOW)
    assert [change.what for change in found] == told


def test_what_did_not_begin_yet_may_change() -> None:
    later = TRIED.replace("    variants", "    from: 2026-12-01\n    variants")
    found = changes(publication(later), publication(later.replace("title: Free", "title: Free today")), NOW)
    assert [change.what for change in found] == ["shows something else"]


def test_rules_come_and_go() -> None:
    assert said(
        RULES.replace("Goodbye\n    slot", "Mustard\n    slot").replace("until: 2026-09-30", "from: 2026-12-01")
    ) == [
        "+ Mustard: new in home.hero, from 2026-12-01 00:00",
        "- Goodbye: removed (ended 2026-09-30)",
    ]


def test_a_renamed_rule_says_that_its_results_begin_anew() -> None:
    told = 'was called "Sale": what it brings, and how often it is shown, is counted anew'
    assert said(RULES.replace("name: Sale", "name: Big sale")) == [f"~ Big sale: {told}"]
    twice = RULES.replace("name: Sale", "name: Big sale").replace("title: Sale", "title: Big sale")
    assert said(twice) == ["+ Big sale: new in home.hero", "- Sale: removed from home.hero"]


def test_segments_and_slots_come_and_go() -> None:
    rules = RULES.replace("  VIP:", "  Best:").replace("segment: VIP", "segment: Best")
    told = said(rules, b"slots: {home.hero: {height: 100}, cart.extras: {}, blog.aside: {}}")
    assert told == [
        "~ Sale: segment: VIP  →  Best",
        "+ segment Best: new",
        "- segment VIP: removed",
        "~ slot home.hero: declared otherwise",
        "+ slot blog.aside: declared",
    ]


ROW = """version: 1
rules:
  - name: Row
    slot: cart.extras
    show: {products: {strategy: {popular in: food}, card: wide}}
"""
ROW_FILES = {
    "slots.yaml": SLOTS,
    "products.jsonl": b'{"id": "BUN-4", "title": "Buns", "link": "/p/BUN-4", "category": "food"}\n',
    "cards/wide.html": b'<a href="{{ product.link }}">{{ product.title }}</a>',
}


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("a.rules.yaml", "popular in: food", "in category: food", "strategy: popular in: food  →  in category: food"),
        ("a.rules.yaml", "card: wide", "card: wide, count: 2", "count: 4  →  2"),
        ("cards/wide.html", "</a>", " now</a>", "shows something else"),
    ],
)
def test_a_row_of_products_is_what_it_asks_for_and_how_it_draws(file: str, old: str, new: str, told: str) -> None:
    files = {"a.rules.yaml": ROW.encode(), **ROW_FILES}
    live, same, draft = (
        load(each).publication
        for each in (files, files, files | {file: files[file].replace(old.encode(), new.encode())})
    )
    assert live is not None
    assert same is not None
    assert draft is not None
    assert changes(live, same, NOW) == ()
    assert [change.what for change in changes(live, draft, NOW)] == [told]


def test_comments_order_and_another_name_of_the_file_mean_nothing() -> None:
    other = load({"b.rules.yaml": b"# hello\n" + RULES.encode(), "slots.yaml": SLOTS}).publication
    assert other is not None
    assert changes(publication(), other, NOW) == ()


def test_a_change_names_its_place_in_the_draft() -> None:
    (change,) = changes(publication(), publication(RULES.replace("[NL, BE]", "NL")), NOW)
    assert (change.kind, str(change.place)) == (Kind.CHANGED, "a.rules.yaml:6")


def test_groups_are_said_on_one_line() -> None:
    phone, new = (Fact(name, OneOf(frozenset({"x"})), f"{name}: x") for name in ("device", "visitor"))
    assert in_words(AnyOf((phone, NoneOf((new,))))) == "any of: (device: x, none of: (visitor: x))"
    assert in_words(AllOf((phone, new))) == "all of: (device: x, visitor: x)"
