"""What is paused shows nowhere, and the decision says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.decide.why import why, why_text
from proxy.model import Decision, EvaluationContext, Reason, Rule
from proxy.rulebook.compile import Publication, load
from proxy.rulebook.pauses import Pause, What, paused, pauses_in, text_of

RULES = """version: 1
rules:
  - {name: First, slot: home.hero, priority: high, show: {banner: {title: First}}}
  - {name: Second, slot: home.hero, show: {banner: {title: Second}}}
  - {name: Row, slot: home.row, show: {banner: {title: Row}}}
"""
FIRST, SECOND = (Pause(What.RULE, name) for name in ("First", "Second"))
HERO, ALL = Pause(What.SLOT, "home.hero"), Pause(What.EVERYTHING)
NOW = EvaluationContext(now=1_795_435_200.0)


def published(*pauses: Pause) -> Publication:
    publication = load(
        {"a.rules.yaml": RULES.encode(), "slots.yaml": b"slots: {home.hero: {}, home.row: {}}"}
    ).publication
    assert publication is not None
    return paused(publication, pauses)


def off(slot: str) -> Decision:
    return Decision(slot, reason=Reason.DISABLED, detail="paused")


@pytest.mark.parametrize(
    ("pauses", "hero", "row"),
    [
        ((), "First", "Row"),
        ((FIRST,), "Second", "Row"),
        ((FIRST, SECOND), off("home.hero"), "Row"),
        ((HERO,), off("home.hero"), "Row"),
        ((ALL,), off("home.hero"), off("home.row")),
        ((Pause(What.RULE, "Gone"),), "First", "Row"),
    ],
)
def test_a_paused_rule_is_passed_over_and_a_paused_slot_shows_the_pages_own(
    pauses: tuple[Pause, ...], hero: str | Decision, row: str | Decision
) -> None:
    shown = decide(published(*pauses).plan, NOW)
    for slot, expected in (("home.hero", hero), ("home.row", row)):
        assert shown[slot] == expected if isinstance(expected, Decision) else shown[slot].rule == expected


def test_a_holdout_holds_beside_a_pause_and_not_where_everything_is_off() -> None:
    rules = RULES + "holdout: {name: Global, share: 5%}\n"
    publication = load(
        {"a.rules.yaml": rules.encode(), "slots.yaml": b"slots: {home.hero: {}, home.row: {}}"}
    ).publication
    assert publication is not None
    assert [one.name for one in paused(publication, [FIRST]).plan.holdouts] == ["Global"]
    assert not paused(publication, [ALL]).plan.holdouts


def test_rules_that_only_the_plan_has_stay_in_it() -> None:
    publication = published()
    ours = Rule("Ours", "our.bar", variant="ours")
    plan = compile_plan([*publication.plan.rules, ours], version="v1")
    shown = paused(replace(publication, plan=plan), [FIRST])
    assert decide(shown.plan, NOW)["our.bar"].rule == "Ours"
    assert (shown.plan.version, [rule.name for rule in shown.rules if rule.paused]) == ("v1", ["First"])


def test_why_says_what_is_paused() -> None:
    text = why_text(why(published(FIRST).plan, NOW, ["home.hero"]))
    assert "✘ not            First" in text
    assert "     ✘ paused" in text
    assert "✔ SHOWN          Second" in text


def test_with_everything_paused_no_slot_is_declared() -> None:
    publication = published(ALL)
    assert (publication.declared, publication.is_off) == ((), True)
    assert published(HERO).declared


def test_pauses_are_lines_of_text() -> None:
    pauses = frozenset({FIRST, HERO, ALL})
    assert text_of(pauses) == "everything\nrule First\nslot home.hero\n"
    assert pauses_in(text_of(pauses)) == pauses
    assert pauses_in("rule\neverything else\nsegment VIP\n\n") == frozenset()


@pytest.mark.parametrize(
    "name", ["Winter\nsale", "Winter sale\n", " Winter sale ", "Winter\u2028sale", "Winter\x85sale"]
)
def test_a_rule_whose_name_is_no_plain_line_can_be_paused(name: str) -> None:
    publication = published()
    first, *others = publication.rules
    renamed = replace(publication, rules=(replace(first, name=name), *others))
    pauses = pauses_in(text_of({Pause(What.RULE, name)}))
    assert [rule.paused for rule in paused(renamed, pauses).rules] == [True, False, False]
