"""Rollouts, ramps, groups and holdouts, as they are read."""

from __future__ import annotations

from math import inf

import pytest

from proxy.model import Draw, Holdout, Rule
from tests.rulebook.conftest import Publish

RULES = "rules:\n  - {name: Sale, slot: home.hero, show: nothing new, %s}\n"
MIDNIGHT = 1_796_079_600.0  # 1 December 2026 in Oslo


def rule(publish: Publish, lines: str = "priority: high", head: str = "") -> Rule:
    loaded = publish("timezone: Europe/Oslo\n" + head + RULES % lines)
    assert loaded.publication is not None, loaded.findings
    return loaded.publication.rules[0]


@pytest.mark.parametrize(
    ("text", "share"), [("12.34%", 1_234), ("5%", 500), ("0.01 %", 1), ("0.5%", 50), ("100%", 10_000), ("0%", 0)]
)
def test_a_share_is_read_in_steps_of_a_hundredth_of_a_percent(text: str, share: int, publish: Publish) -> None:
    assert rule(publish, f"rollout: {text}").draws == (Draw("rollout:Sale", ((-inf, share),), text="rollout"),)
    assert rule(publish, f"holdout: {text}").holdout == share


@pytest.mark.parametrize(("text", "help"), [("0.5", "write 50%, or 0.5%"), (".25", "write 25%, or 0.25%")])
def test_a_part_of_one_or_of_a_hundred_is_asked_and_not_guessed(text: str, help: str, publish: Publish) -> None:
    (finding,) = publish(RULES % f"rollout: {text}").findings
    assert (finding.code, finding.help, finding.edits) == ("R309", help, ())


def test_a_ramp_has_a_share_from_each_date_on(publish: Publish) -> None:
    steps = ((MIDNIGHT, 100), (MIDNIGHT + 8 * 3_600, 2_500), (MIDNIGHT + 7 * 86_400, 10_000))
    written = "ramp: {2026-12-01: 1%, 2026-12-01 08:00: 25%, 2026-12-08: 100%}"
    assert rule(publish, written).draws == (Draw("rollout:Sale", steps, text="ramp"),)


def test_members_of_a_group_lie_side_by_side(publish: Publish) -> None:
    other = "{name: Other, slot: home.hero, show: nothing new}"
    head = "groups:\n  Heroes: {Sale: 30%, Other: 50%}\n  Bars: {Other: 100%}\n"
    text = head + RULES % "priority: high" + f"  - {other}\n"
    loaded = publish(text)
    assert loaded.publication is not None, loaded.findings
    sale, second = loaded.publication.rules
    assert sale.draws == (Draw("group:Heroes", ((-inf, 3_000),), 0, "group Heroes"),)
    assert second.draws == (
        Draw("group:Heroes", ((-inf, 8_000),), 3_000, "group Heroes"),
        Draw("group:Bars", ((-inf, 10_000),), 0, "group Bars"),
    )


def test_holdouts_are_of_the_whole_shop_or_of_slots(publish: Publish) -> None:
    one = "holdout:\n  name: Q4\n  share: 5%\n  until: 2026-12-01\n"
    more = "holdout:\n  - {name: Q1, share: 1%}\n  - {name: Heroes, share: 2%, slots: [home.hero], from: 2026-12-01}\n"
    loaded = publish("timezone: Europe/Oslo\n" + one + RULES % "priority: high", **{"b.rules.yaml": more + "rules: []"})
    assert loaded.publication is not None, loaded.findings
    read = [(h.name, h.share, h.slots, h.live_from, h.live_until) for h in loaded.publication.plan.holdouts]
    assert read == [
        ("Q4", 500, frozenset(), -inf, MIDNIGHT),
        ("Q1", 100, frozenset(), -inf, inf),
        ("Heroes", 200, frozenset({"home.hero"}), MIDNIGHT + 3_600, inf),  # this file's clocks are UTC
    ]
    assert isinstance(loaded.publication.plan.holdouts[0], Holdout)


@pytest.mark.parametrize(
    ("line", "code", "help"),
    [
        ("rollout: 12.345%", "R309", "write a percentage from 0% to 100%, as 5% or 12.34%"),
        ("rollout: 101%", "R309", "write a percentage from 0% to 100%, as 5% or 12.34%"),
        ("rollout: 25", "R309", "write: 25%"),
        ("holdout: a few", "R309", "write a percentage from 0% to 100%, as 5% or 12.34%"),
        ("ramp: {2026-12-08: 5%, 2026-12-01: 25%}", "R403", "put the steps in order of their dates"),
        ("ramp: {2026-12-01: 5%, 2026-12-01 00:00: 25%}", "R403", "put the steps in order of their dates"),
        ("ramp: {soon: 5%}", "R402", "write it as 2026-11-25 08:00; the midnight after the 25th is 2026-11-26 00:00"),
        ("rollout: 5%, ramp: {2026-12-01: 25%}", "R104", "keep one of them"),
    ],
)
def test_what_is_wrong_with_a_share_is_reported(line: str, code: str, help: str, publish: Publish) -> None:
    assert [(finding.code, finding.help) for finding in publish(RULES % line).findings] == [(code, help)]


@pytest.mark.parametrize(
    ("head", "code", "what"),
    [
        ("groups: {Heroes: {Sail: 50%}}", "R310", 'there is no rule or experiment "Sail"'),
        ("groups: {Heroes: {Sale: 101%}}", "R309", '"101%" is not a share'),
        ("groups: {Heroes: Sale}", "R104", '"Heroes" should be lines of `word: value`'),
        ("holdout: {name: Q4}", "R103", 'this holdout has no "share"'),
        ("holdout: {name: Q4, share: 5%, slots: home.heroo}", "R301", 'no page has a slot "home.heroo"'),
        (
            "holdout: {name: Q4, share: 5%, from: 2026-12-01, until: 2026-11-01}",
            "R401",
            "this holdout ends before it starts",
        ),
        ("holdout: [{name: Q4, share: 5%}, {name: q4, share: 5%}]", "R201", 'two holdouts are called "q4"'),
    ],
)
def test_what_is_wrong_with_a_group_or_a_holdout_is_reported(head: str, code: str, what: str, publish: Publish) -> None:
    found = publish(f"{head}\n" + RULES % "priority: high").findings
    assert [(finding.code, finding.what) for finding in found] == [(code, what)]
