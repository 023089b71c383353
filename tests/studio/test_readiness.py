"""The readiness of a machine, and what alerts are told of it."""

from __future__ import annotations

import pytest

from proxy.diagnostics import Finding
from proxy.metrics import GAUGES
from proxy.model import NOWHERE
from proxy.studio.readiness import CAUSES, Readiness, state_gauges, together


def said(state: str = "ready", *reasons: str, version: str = "v1", store_ready: bool = True) -> Readiness:
    return Readiness(state, list(reasons), version, store_ready, 1, ["store" for _ in reasons])


@pytest.mark.parametrize(
    ("workers", "missing", "expected"),
    [
        ([said(), said()], 0, Readiness("ready", [], "v1", True, 2)),
        ([said(), said("degraded", "no")], 0, Readiness("degraded", ["no"], "v1", True, 2, ["store"])),
        ([said("degraded", "no"), said("degraded", "no")], 0, Readiness("degraded", ["no"], "v1", True, 2, ["store"])),
        ([said(), said("stopping")], 0, Readiness("stopping", [], "v1", True, 2)),
        ([said()], 1, Readiness("degraded", ["a worker does not answer"], "v1", True, 1, ["workers"])),
        ([said(store_ready=False)], 0, Readiness("ready", [], "v1", False, 1)),
    ],
    ids=["both ready", "one degraded", "the same reason", "one is told to stop", "one is silent", "no store"],
)
def test_workers_are_as_well_as_the_worst_of_them(workers: list[Readiness], missing: int, expected: Readiness) -> None:
    assert together(workers, missing) == expected


def test_workers_with_different_rules_are_not_ready_yet() -> None:
    both = together([said(version="v1"), said(version="v2")], 0)
    assert (both.state, both.reasons) == ("degraded", ["not all workers have the newest rules yet"])


def test_alerts_are_told_what_is_amiss_since_readyz_says_200_while_it_is_degraded() -> None:
    problem, warning = (Finding("R101", "x", NOWHERE, "y", is_warning=is_warning) for is_warning in (False, True))
    for ready, expected in ((said(), set()), (said("degraded", "no"), {"store"}), (said("stopping"), set())):
        told = state_gauges(ready, [problem, warning, warning], None)
        degraded = {cause: value for (name, _, cause), value in told.items() if name == "tailorbird_degraded"}
        assert {cause for cause, value in degraded.items() if value} == expected and set(degraded) == set(CAUSES)
        assert told["tailorbird_workers", "", ""] == told["tailorbird_rule_problems", "", ""] == 1
        assert told["tailorbird_rules_paused", "", ""] == 0
        assert {name for name, _, _ in told} <= set(GAUGES)
