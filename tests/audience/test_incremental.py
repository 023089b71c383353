"""Of every way to read a history, the value updated with one more event is what the history with it gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.audience.incremental import updated
from proxy.audience.measures import read
from proxy.audience.traits import TRAIT_MEASURES
from proxy.model import Event, Item, Measure, Period, Reading, Then
from tests.audience.test_readings import BOUGHT, DAY, HOUR, NOON, PAGE, SHOES, VIEWED

PAST = (
    Event(NOON - 9 * DAY, "1", PAGE, "/"),
    Event(NOON - 2 * DAY, "2", VIEWED, items=(Item("A", "shoes"),)),
    Event(NOON - HOUR, "3", BOUGHT, items=(Item("A", "shoes"),), value=20.0),
    Event(NOON - 60, "4", PAGE, "/sale"),
)
NEXT = Event(NOON + 5, "5", VIEWED, items=(Item("B", "shoes/trail", "N"),))
COUNT = Measure(Reading.COUNT, (VIEWED, PAGE))


@pytest.mark.parametrize(
    "measure",
    [
        COUNT,
        replace(COUNT, within_seconds=HOUR),
        replace(COUNT, where=SHOES),
        replace(COUNT, period=Period.DAY),
        replace(COUNT, period=Period.VISIT),
        replace(COUNT, then=Then((BOUGHT,), DAY)),
        replace(COUNT, reading=Reading.DAYS_SINCE),
        replace(COUNT, reading=Reading.DAYS_SINCE_FIRST),
        replace(COUNT, reading=Reading.LATEST),
        replace(COUNT, reading=Reading.SET, of="category"),
        TRAIT_MEASURES["visits"],
        TRAIT_MEASURES["days since last visit"],
    ],
)
@pytest.mark.parametrize("past", [PAST, PAST[:3], PAST[:1], ()], ids=[4, 3, 1, 0])
def test_the_updated_value_is_that_of_the_history_with_the_event(measure: Measure, past: tuple[Event, ...]) -> None:
    before, after = read(measure, past, NOON), read(measure, (*past, NEXT), NEXT.at)
    found = updated(measure, before, NEXT, is_alone=True)
    assert found is not None and found.value(NEXT.at) == after.value(NEXT.at)
    assert found.holds_until <= after.holds_until and found.last_at == after.last_at


@pytest.mark.parametrize(
    ("measure", "is_alone"),
    [
        (replace(COUNT, reading=Reading.FAVOURITE), True),
        (replace(COUNT, reading=Reading.SUM), True),
        (replace(COUNT, grades=(1.0, 2.0)), True),
        (replace(COUNT, then=Then((VIEWED,), DAY)), True),
        (replace(COUNT, then=Then((BOUGHT,), DAY, wanted=False)), True),
        (replace(COUNT, then=Then((BOUGHT,), DAY)), False),
        (replace(COUNT, within_seconds=HOUR), True),
    ],
    ids=["favourite", "sum", "grade", "it follows", "it must not follow", "at one moment", "it ended"],
)
def test_what_only_the_history_can_tell_is_not_updated(measure: Measure, is_alone: bool) -> None:
    event = NEXT if measure.within_seconds > DAY else replace_at(NEXT, NOON + 2 * HOUR)
    assert updated(measure, read(measure, PAST, NOON), event, is_alone=is_alone) is None


def replace_at(event: Event, at: float) -> Event:
    return Event(at, event.id, event.kind, event.subject, event.items)
