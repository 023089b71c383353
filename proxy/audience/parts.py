"""The parts that results are told apart by: the week in which visitors met a choice, and what they had done before.
Only what was so before they met it parts them: what they did since may follow from what they saw. Calculation only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from proxy.audience.results import ORDER
from proxy.model import Event

VISIT_SECONDS = 1_800.0
"""What was done so shortly before is of the same visit."""

PartOf = Callable[[float, Sequence[Event], str], str]
"""The part of a visitor, by when they met the choice (Unix seconds), all their events in order, and a time zone."""


def week_of(at: float, events: Sequence[Event], timezone: str) -> str:
    """The Monday of the week, on the clocks of the time zone."""
    day = datetime.fromtimestamp(at, ZoneInfo(timezone)).date()
    return f"week of {day - timedelta(days=day.weekday())}"


def past_of(at: float, events: Sequence[Event], timezone: str) -> str:
    """Whether they had bought, else whether they had been there before this visit."""
    if any(event.kind == ORDER and event.at < at for event in events):
        return "had bought"
    return "had come" if events[0].at < at - VISIT_SECONDS else "new"


BY: Mapping[str, PartOf] = {"week": week_of, "past": past_of}
