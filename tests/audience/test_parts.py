"""What visitors are told apart by in results."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.audience.parts import BY, past_of, week_of
from proxy.audience.results import Results
from proxy.model import Arrival, Event

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


def test_a_week_begins_on_the_monday_of_the_time_zone() -> None:
    sunday = datetime(2026, 11, 22, 23, 30, tzinfo=UTC).timestamp()
    assert (week_of(sunday, [], "UTC"), week_of(sunday, [], "Europe/Amsterdam")) == (
        "week of 2026-11-16",
        "week of 2026-11-23",
    )


@pytest.mark.parametrize(
    ("before", "part"),
    [
        ([], "new"),
        ([(-60, "page viewed")], "new"),
        ([(-7_200, "page viewed")], "had come"),
        ([(-7_200, "order completed")], "had bought"),
        ([(9, "order completed")], "new"),
    ],
)
def test_what_was_done_before_they_met_it_parts_visitors(before: list[tuple[float, str]], part: str) -> None:
    events = sorted(Event(NOON + at, f"e{at}", kind) for at, kind in [*before, (0.0, "page viewed")])
    assert past_of(NOON, events, "UTC") == part and set(BY) == {"week", "past"}


def test_parts_add_up_to_the_whole() -> None:
    results = Results(part_of=lambda at, events: week_of(at, events, "UTC"))
    for number in range(30):
        at = NOON + number * 86_400
        view = Event(at, "page:1", "page viewed", "/")
        details: dict[str, str | float | bool] = {"slot top": "Bar / new" if number % 2 else "Bar / control"}
        order = Event(at + 9, "order completed:1", "order completed", value=float(number))
        results.add([Arrival("v", view, "page", at, details=details), Arrival("v", order, "shop", at)], f"v{number}")
    results.sum_up()
    parts, whole = results.parts["Bar"], results.comparisons["Bar"]
    assert list(parts) == [f"week of 2026-{day}" for day in ("11-23", "11-30", "12-07", "12-14", "12-21")]
    for group, tally in whole.groups.items():
        each = [part.groups[group] for part in parts.values()]
        assert sum(one.visitors for one in each) == tally.visitors == 15
        assert sum(one.money.total for one in each) == tally.money.total
