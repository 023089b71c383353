"""The studio's views say what serves, what is wrong, and nothing about who saw it."""

from __future__ import annotations

import msgspec
import pytest

from proxy.metrics import Shown
from proxy.model import Decision, Place, Reason, Rule
from proxy.studio.views import Readiness, rule_view, shown_view, together

NOW = 1_000.0


@pytest.mark.parametrize(
    ("live_from", "live_until", "state"),
    [(0, 2_000, "live"), (1_000, 2_000, "live"), (1_001, 2_000, "waiting"), (0, 1_000, "over")],
)
def test_a_rules_schedule_is_read_at_the_moment(live_from: float, live_until: float, state: str) -> None:
    rule = Rule("Sale", "home.hero", live_from=live_from, live_until=live_until)
    assert rule_view(rule, NOW, 0).state == state


@pytest.mark.parametrize(("priority", "word"), [(80, "high"), (50, "normal"), (20, "low"), (65, "65")])
def test_priorities_are_shown_as_editors_write_them(priority: int, word: str) -> None:
    assert rule_view(Rule("Sale", "home.hero", priority=priority), NOW, 3).priority == word


def test_a_rule_tells_where_it_stands_and_how_often_it_was_shown() -> None:
    view = rule_view(Rule("Sale", "home.hero", place=Place("a.rules.yaml", 7, 5, 9)), NOW, 3)
    assert (view.where, view.shown) == ("a.rules.yaml:7", 3)


def test_the_live_list_names_rules_by_slot() -> None:
    shown = Shown(
        NOW, "/", (Decision("home.hero", "b", Reason.TARGETING_MATCH, "Sale", "rule"), Decision("all.topbar"))
    )
    assert msgspec.to_builtins(shown_view(shown)) == {
        "at": NOW,
        "path": "/",
        "slots": {"home.hero": "Sale", "all.topbar": ""},
    }


def said(state: str = "ready", *reasons: str, version: str = "v1", store_ready: bool = True) -> Readiness:
    return Readiness(state, list(reasons), version, store_ready, 1)


@pytest.mark.parametrize(
    ("workers", "missing", "expected"),
    [
        ([said(), said()], 0, Readiness("ready", [], "v1", True, 2)),
        ([said(), said("degraded", "no")], 0, Readiness("degraded", ["no"], "v1", True, 2)),
        ([said("degraded", "no"), said("degraded", "no")], 0, Readiness("degraded", ["no"], "v1", True, 2)),
        ([said(), said("stopping")], 0, Readiness("stopping", [], "v1", True, 2)),
        ([said()], 1, Readiness("degraded", ["a worker does not answer"], "v1", True, 1)),
        ([said(store_ready=False)], 0, Readiness("ready", [], "v1", False, 1)),
    ],
    ids=["both ready", "one degraded", "the same reason", "one is told to stop", "one is silent", "no store"],
)
def test_workers_are_as_well_as_the_worst_of_them(workers: list[Readiness], missing: int, expected: Readiness) -> None:
    assert together(workers, missing) == expected


def test_workers_with_different_rules_are_not_ready_yet() -> None:
    both = together([said(version="v1"), said(version="v2")], 0)
    assert (both.state, both.reasons) == ("degraded", ["not all workers have the newest rules yet"])
