"""What is used up of limits, carried on from event to event, is what the whole history says."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from random import Random

import pytest

from proxy.audience import limits as module
from proxy.audience.limits import Limits, Used
from proxy.audience.traits import reading
from proxy.events import types
from proxy.events.fold import merged
from proxy.events.types import Class
from proxy.model import Cap, Event, Measure, OneOf, Period, Profile, Reading, Then

NOON = 1_795_435_200.0
HOUR, DAY = 3_600.0, 86_400.0
SHOWN, CLICKED, BOUGHT, PAGE = "banner shown", "banner clicked", "order completed", "page viewed"
RULES = ("Sale", "Hello", "Shoes")


def cap(enough: float, *names: str, kind: str = SHOWN, **more: object) -> Cap:
    where = (("subject", OneOf(frozenset(names))),)
    return Cap("", Measure(Reading.COUNT, (kind,), where=where, **more), enough)  # type: ignore[arg-type]


EVERY_KIND = (
    cap(2, "sale", period=Period.DAY),
    cap(3, "Sale", "Hello", within_seconds=3 * HOUR),
    cap(1, "Hello", period=Period.VISIT),
    cap(2, "Shoes", period=Period.WEEK, timezone="Europe/Oslo"),
    cap(4, "Shoes"),
    cap(1, "SALE", kind=CLICKED),
    cap(1, "Hello", then=Then((BOUGHT,), inf)),
)
UNUSUAL = (
    Cap("", Measure(Reading.COUNT, (SHOWN,)), 3),
    Cap("", Measure(Reading.COUNT, (PAGE,), where=(("subject", OneOf(frozenset({"/sale"}))),)), 2),
    Cap("", Measure(Reading.SUM, (BOUGHT,)), 30.0),
)


def reached(caps: Sequence[Cap], history: Sequence[Event], now: float) -> set[Cap]:
    """What is said by reading each cap off the whole history."""
    profile = Profile("anna", history=tuple(history))
    read = {one: reading(profile, one.measure, now) for one in caps}
    return {one for one, value in read.items() if isinstance(value, float) and value >= one.enough}


def told(limits: Limits, used: Used) -> set[Cap]:
    return {limits.caps[number] for number in used.reached}


def happened(random: Random, at: float, number: int) -> Event:
    kind = random.choices((PAGE, SHOWN, CLICKED, BOUGHT, "product viewed"), (8, 2, 2, 1, 2))[0]
    shown = tuple(random.choices(RULES, k=random.randrange(4))) if kind == PAGE else ()
    subject = random.choice(("/", "/sale")) if kind == PAGE else random.choice((*RULES, "hello", ""))
    return Event(at, f"web:{number:04}", kind, subject, value=10.0, shown=shown)


@pytest.mark.parametrize("most", [250, 5])
@pytest.mark.parametrize("caps", [EVERY_KIND, UNUSUAL, EVERY_KIND[:3], EVERY_KIND[2:5]], ids=["all", "odd", "3", "2"])
def test_carried_on_it_is_what_the_whole_history_says(
    caps: Sequence[Cap], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_IMPRESSIONS", most)
    for one in (Class.EXPOSURE, Class.ACTION, Class.ORDER):
        monkeypatch.setitem(types.MOST, one, most + 2 * (one is not Class.EXPOSURE))
    carried = 0
    for seed in range(150):
        random = Random(seed)
        limits, history, now = Limits(caps), tuple[Event, ...](), NOON
        used = limits.used(Profile("anna"), now)
        for number in range(40):
            now += random.choice((0.0, 1.0, 60.0, 1_500.0, 2_000.0, 2 * HOUR, 9 * HOUR))
            late = random.choice((0.0,) * 12 + (-50.0, 30.0, -DAY))
            event = happened(random, now + late, number)
            history, before = merged(history, [event], of_one_log=True), (used.reached, used.until)
            is_same = used.add(event)
            assert is_same == (used.limits is not None and before == (used.reached, used.until)) or used.limits is None
            now += random.choice((0.0, 0.0, 5.0, 1_000.0, 30 * HOUR))
            if used.holds(limits, now):
                assert told(limits, used) == reached(caps, history, now), f"seed {seed}, after {number}: {history}"
                carried += 1
            else:
                used = limits.used(Profile("anna", history=history), now).copy()
                assert told(limits, used) == reached(caps, history, now), f"seed {seed}, {number} read: {history}"
    assert carried > 300 or caps is UNUSUAL


def test_it_holds_until_time_alone_changes_something() -> None:
    limits = Limits([cap(1, "Sale", within_seconds=HOUR)])
    used = limits.used(Profile("anna"), NOON)
    assert not used.add(Event(NOON, "1", PAGE, "/", shown=("SALE",))), "another is reached"
    assert used.reached and used.holds(limits, NOON + HOUR - 0.001) and not used.holds(limits, NOON + HOUR)
    assert used.add(Event(NOON + 1, "2", PAGE, "/", shown=("Hello",))), "nothing changes by what no limit counts"


@pytest.mark.parametrize(
    "event",
    [
        Event(NOON - 1, "9", PAGE, "/"),
        Event(NOON + 1, "1", PAGE, "/"),
        Event(NOON + 2, "3", BOUGHT, "", value=10.0),
    ],
    ids=["late", "again", "what a limit waits for"],
)
def test_it_is_given_up_where_only_the_history_can_tell(event: Event) -> None:
    limits = Limits(EVERY_KIND)
    used = limits.used(Profile("anna"), NOON)
    used.add(Event(NOON + 1, "1", PAGE, "/"))
    assert used.holds(limits, NOON + 1)
    assert not used.add(event)
    assert not used.holds(limits, NOON + 2)
    assert used.add(Event(NOON + 3, "4", PAGE, "/")), "what was given up changes no more"


def test_what_a_history_has_no_room_for_any_more_counts_no_more() -> None:
    limits, at = Limits([cap(1, "Sale")]), NOON
    history: tuple[Event, ...] = (Event(at, "1", SHOWN, "Sale"),)
    used = limits.used(Profile("anna", history=history), NOON)
    while used.holds(limits, at):
        assert reached(limits.caps, history, at) == told(limits, used) != set()
        at += 1
        history = merged(history, [event := Event(at, "2", PAGE, "/", shown=("Hello",))], of_one_log=True)
        used.add(event)
    assert not reached(limits.caps, history, at) and len(history) == module.MOST_IMPRESSIONS


def test_what_a_profile_remembers_is_not_carried_on_with_a_copy_of_it() -> None:
    limits, profile = Limits([cap(1, "Sale")]), Profile("anna")
    used = limits.used(profile, NOON)
    used.copy().add(Event(NOON, "1", PAGE, "/", shown=("Sale",)))
    assert not used.reached and limits.used(profile, NOON) is used


def test_what_was_read_of_other_limits_is_read_again() -> None:
    profile = Profile("anna", history=(Event(NOON, "1", PAGE, "/", shown=("Sale",)),))
    few, many = Limits([]), Limits([cap(1, "Sale")])
    assert [bool(limits.used(profile, NOON).reached) for limits in (few, many, few)] == [False, True, False]
    assert many.numbers(many.caps) == many.used(profile, NOON).reached
