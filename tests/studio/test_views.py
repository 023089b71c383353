"""The studio's views say what serves, what is wrong, and nothing about who saw it."""

from __future__ import annotations

import msgspec
import pytest

from proxy.diagnostics import Finding
from proxy.metrics import GAUGES, Shown
from proxy.model import NOWHERE, Decision, Reason
from proxy.studio.views import Readiness, shown_view, state_gauges, together

NOW = 1_000.0


def test_the_live_list_names_rules_by_slot() -> None:
    banner = Decision("home.hero", "b", Reason.TARGETING_MATCH, "Sale", "rule")
    shown = Shown(NOW, "/", (banner, Decision("all.topbar"), Decision("tailorbird.toolbar", "b", rule="Toolbar")))
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


def test_alerts_are_told_how_the_machine_is_since_readyz_says_200_while_it_is_degraded() -> None:
    problem, warning = (Finding("R101", "x", NOWHERE, "y", is_warning=is_warning) for is_warning in (False, True))
    for state, is_degraded in (("ready", 0), ("degraded", 1), ("stopping", 0)):
        told = state_gauges(said(state), [problem, warning, warning])
        assert {name: value for (name, label, _), value in told.items() if not label} == {
            "tailorbird_workers": 1, "tailorbird_degraded": is_degraded, "tailorbird_rule_problems": 1,
        }  # fmt: skip
        assert [label for _, label, _ in told] == ["", "", "", "version"] and {name for name, _, _ in told} <= set(
            GAUGES
        )
