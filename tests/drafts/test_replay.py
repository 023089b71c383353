"""Recorded views decided again: counted where they differ, never guessed where the recording does not tell."""

from __future__ import annotations

import msgspec

from proxy.drafts.replay import PAGE_DEFAULT, Shift, replay, replay_recorded
from proxy.model import View
from proxy.rulebook.compile import Publication, load

RULES = """version: 1
rules:
  - {name: Dutch, slot: home.hero, when: {country: NL}, show: {banner: {title: Dag}}}
  - {name: Still, slot: home.row, when: {country: NL}, show: nothing new}
"""
FILES = {"slots.yaml": b"slots: {home.hero: {}, home.row: {}}", "attributes.yaml": b"attributes: {orders: number}"}
LONG = ("device", "language", "referrer")


def publication(rules: str = RULES) -> Publication:
    loaded = load({"a.rules.yaml": rules.encode(), **FILES})
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


def view(country: str, hero: str = "", at: float = 1_795_435_200.0) -> View:
    row = "Still" if country == "NL" else ""
    return View(at, "v1", {"home.hero": hero, "home.row": row}, {"page": "/", "country": country}, LONG, "anna")


VIEWS = [view("NL", "Dutch", 1_000.0), view("NL", "Dutch"), view("NO"), view("DE", at=2e9)]


def test_the_live_rules_change_nothing() -> None:
    told = replay(VIEWS, publication(), publication())
    assert (told.views, told.different, told.unsure, told.slots) == (4, 0, 0, ())
    assert (told.since, told.until) == (1_000.0, 2e9)
    assert replay_recorded(VIEWS, publication()).different == 0


def test_changed_views_are_counted_by_before_and_after() -> None:
    told = replay(
        VIEWS,
        publication(),
        publication(RULES.replace("when: {country: NL}, show: {b", "when: {country: NO}, show: {b")),
    )
    (hero,) = told.slots
    assert (hero.slot, hero.views, hero.different) == ("home.hero", 4, 3)
    assert hero.shifts == (Shift("Dutch", PAGE_DEFAULT, 2), Shift(PAGE_DEFAULT, "Dutch", 1))


def test_new_content_under_the_same_name_is_something_different() -> None:
    (hero,) = replay(VIEWS, publication(), publication(RULES.replace("Dag", "Goedendag"))).slots
    assert hero.shifts == (Shift("Dutch", "Dutch", 2),)


def test_the_same_content_under_another_name_is_not() -> None:
    assert replay(VIEWS, publication(), publication(RULES.replace("Dutch", "Netherlands"))).different == 0


def test_a_rule_that_shows_nothing_new_changes_nothing() -> None:
    without = RULES[: RULES.index("  - {name: Still")]
    assert replay(VIEWS, publication(), publication(without)).different == 0


def test_missing_recorded_values_make_only_affected_views_uncertain() -> None:
    draft = publication(RULES.replace("when: {country: NL}, show: {b", "when: {country: NL, orders: 3}, show: {b"))
    told = replay(VIEWS, publication(), draft)
    (hero,) = told.slots
    assert (told.unsure, hero.unsure, hero.different) == (2, 2, 0)
    assert hero.not_recorded == ("orders",)


def test_views_shown_something_else_than_now_are_reported() -> None:
    old = [*VIEWS, view("NO", "Norway"), msgspec.structs.replace(VIEWS[0], shown={"home.hero": ""})]
    (hero,) = replay_recorded(old, publication()).slots
    assert hero.shifts == (Shift("Norway", PAGE_DEFAULT, 1), Shift(PAGE_DEFAULT, "Dutch", 1))


def test_a_recorded_view_that_cannot_be_decided_again_is_unsure() -> None:
    draft = publication(RULES.replace("when: {country: NL}, show: {b", "when: {orders: 3}, show: {b"))
    told = replay_recorded(VIEWS, draft)
    assert (told.different, told.unsure) == (0, 2)


def test_what_the_product_itself_puts_into_a_page_is_no_difference() -> None:
    seen = View(1_000.0, "v1", {"tailorbird.toolbar": "Demo toolbar", "home.hero": ""}, {"page": "/", "country": "NO"})
    told = replay_recorded([seen], publication())
    assert (told.views, told.different, told.slots) == (1, 0, ())


def test_no_views_are_no_replay() -> None:
    assert replay([], publication(), publication()).views == 0
