"""Names that are unknown, or taken."""

from __future__ import annotations

import pytest

from proxy.conditions.nodes import Scalar
from proxy.diagnostics import Finding
from proxy.model import Place
from proxy.rulebook.names import Names, twice

HERE = Place("a.rules.yaml", 8, 11, 21)


def test_an_unknown_slot_is_reported_with_the_nearest_and_all_there_are() -> None:
    findings: list[Finding] = []
    Names({}, ("all.topbar", "home.hero")).slot(Scalar("home.heroo", HERE), findings)
    assert findings[0].help == 'did you mean "home.hero"?'
    assert findings[0].note == "slots seen on your site: all.topbar, home.hero"


@pytest.mark.parametrize("slots", [(), ("all.topbar",)])
def test_the_help_for_a_slot_like_none_there_is_tells_how_to_name_it(slots: tuple[str, ...]) -> None:
    findings: list[Finding] = []
    Names({}, slots).slot(Scalar("home.hero", HERE), findings)
    assert findings[0].help == "where your pages have it, write `home.hero: {}` under `slots:` in slots.yaml"
    assert bool(findings[0].note) == bool(slots)


@pytest.mark.parametrize("written", ["search", "listing:search"])
def test_the_help_for_a_list_that_is_taken_for_a_slot_tells_how_lists_are_written(written: str) -> None:
    findings: list[Finding] = []
    Names({}, ("search.banner",), ("search",)).slot(Scalar(written, HERE), findings)
    assert findings[0].help == "it is a list: for a rule write `listing: search`, elsewhere `listing:search`"


def test_a_known_slot_is_fine() -> None:
    findings: list[Finding] = []
    assert Names({}, ("home.hero",)).slot(Scalar("home.hero", HERE), findings) == "home.hero"
    assert not findings


def test_a_list_that_is_a_slots_name_is_warned_of() -> None:
    findings: list[Finding] = []
    names = Names({}, ("grid",), ("search",))
    assert names.listing(Scalar("grid", HERE), findings) == "grid"
    assert [(one.what, one.is_warning) for one in findings] == [('"grid" is a slot, and no list', True)]
    assert names.listing(Scalar("of-a-page", HERE), findings) == "of-a-page"
    assert len(findings) == 1


def test_a_name_taken_before_is_reported_with_where_the_other_is() -> None:
    elsewhere = Place("b.rules.yaml", 3, 5, 8)
    findings = twice(
        "rules", [("Sale", Place("a.rules.yaml", 7, 1, 2)), ("sale", HERE), ("SALE", elsewhere), ("x", HERE)]
    )
    assert [finding.note for finding in findings] == [
        "the other one is on line 7",
        "the other one is in a.rules.yaml on line 7",
    ]


def test_a_name_whose_letters_are_made_in_another_way_is_the_same_name() -> None:
    assert len(twice("rules", [("Für VIPs", Place("a.rules.yaml", 7, 1, 2)), ("Fu\u0308r VIPs", HERE)])) == 1
