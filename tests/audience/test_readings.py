"""Values read once and updated with each event are those of the whole history."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from random import Random

import pytest

from proxy.audience import incremental
from proxy.audience import readings as module
from proxy.audience.readings import Readings, readings_of
from proxy.audience.tracked import Measures, bin_of
from proxy.audience.traits import TRAIT_MEASURES, reading, trait
from proxy.events import types
from proxy.events.fold import merged
from proxy.events.types import EventClass
from proxy.model import Attributes, Cap, Event, Item, Measure, OneOf, Period, Profile, Reading, StartsWith, Then

NOON = 1_795_435_200.0
HOUR, DAY = 3_600.0, 86_400.0
SHOWN, CLICKED, BOUGHT, PAGE = "banner shown", "banner clicked", "order completed", "page viewed"
SEEDS = 25
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
    return {one for one, value in read.items() if isinstance(value, float) and value >= one.limit}


SALES = (("subject", StartsWith(("s",))),)
SHOES = (("category", OneOf(frozenset({"shoes"}))),)
VIEWED, SEARCHED = "product viewed", "searched"
ATTRIBUTES: dict[tuple[str, Measure], tuple[float, ...] | None] = {
    **dict.fromkeys(TRAIT_MEASURES.items(), (0.5, 2.0, 5.0)),
    ("shoes", Measure(Reading.COUNT, (VIEWED,), 6 * HOUR, SHOES)): (0.5, 2.5),
    ("shoes now", Measure(Reading.COUNT, (VIEWED,), where=SHOES, period=Period.VISIT)): (0.5, 2.5),
    ("sale", Measure(Reading.COUNT, (PAGE,), DAY, (("subject", StartsWith(("/s",))),))): (1.5,),
    ("opened", Measure(Reading.COUNT, (PAGE,), 2 * HOUR, period=Period.VISIT)): (1.5, 3.5),
    ("left", Measure(Reading.COUNT, (VIEWED,), DAY, then=Then((BOUGHT,), 2 * HOUR, wanted=False))): (0.5,),
    ("bought", Measure(Reading.COUNT, (VIEWED,), then=Then((BOUGHT,), DAY, same_product=True))): (0.5, 1.5),
    ("first seen", Measure(Reading.DAYS_SINCE_FIRST, (PAGE,), 3 * DAY)): (0.2, 1.0),
    ("last seen", Measure(Reading.DAYS_SINCE, (PAGE,), DAY)): (0.1, 0.4),
    ("visits today", Measure(Reading.VISITS, (PAGE, VIEWED), period=Period.DAY)): (1.5, 2.5),
    ("how many", Measure(Reading.COUNT, (PAGE, VIEWED))): None,
    ("shown anything", Measure(Reading.COUNT, (SHOWN,), 6 * HOUR)): (2.5,),
    ("shown now", Measure(Reading.COUNT, (SHOWN,), where=SALES, period=Period.VISIT)): (1.5,),
    ("last shown", Measure(Reading.DAYS_SINCE, (SHOWN,), DAY)): (0.4,),
}
"""By name and measure, where each matters; traits as they are, and what editors write that no trait is."""


def told(measures: Measures, profile: Profile, now: float) -> set[Cap]:
    return reached_by(measures, readings_of(measures, profile), profile, now)


def reached_by(measures: Measures, readings: Readings, profile: Profile, now: float) -> set[Cap]:
    return {measures.caps[number] for number in readings.limits(now, lambda: profile)}


def happened(random: Random, at: float, number: int) -> Event:
    kind = random.choices((PAGE, SHOWN, CLICKED, BOUGHT, VIEWED, SEARCHED), (8, 2, 2, 1, 2, 1))[0]
    shown = tuple(random.choices(RULES, k=random.randrange(4))) if kind == PAGE else ()
    subject = random.choice(("/", "/sale")) if kind == PAGE else random.choice((*RULES, "hello", ""))
    item = Item(random.choice("AB"), random.choice(("", "shoes", "shoes/trail")), random.choice(("", "N")), 2.5)
    items = (item,) if kind in (VIEWED, BOUGHT) else ()
    return Event(at, f"web:{number:04}", kind, subject, items, value=10.0, shown=shown)


def bounded(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Histories hold so little that events are lost all the time."""
    monkeypatch.setattr(module, "MOST_IMPRESSIONS", most)
    monkeypatch.setattr(incremental, "MOST_IMPRESSIONS", most)
    monkeypatch.setattr(incremental, "MOST_ACTIONS", most + 2)
    for one in (EventClass.EXPOSURE, EventClass.ACTION, EventClass.ORDER):
        monkeypatch.setitem(types.MOST, one, most + 2 * (one is not EventClass.EXPOSURE))


class Kept:
    """What somebody found by the readings, and goes by for as long as they say it is the same."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[object, float, float]] = {}

    def check(self, measures: Measures, readings: Readings, profile: Profile, now: float, which: Sequence[int]) -> int:
        """Whether it is so, of these attributes; how many of them were known."""
        known = 0
        for number in which:
            name, measure, breaks = measures.all[number]
            right = trait(Profile("", profile.attributes, history=profile.history), name, measure, now)
            worth, since, until = self.found.get(number, (None, 1.0, 0.0))
            if since <= now < until:
                known += 1
                assert worth == bin_of(breaks, right), f"{name}: {profile.history} at {now}"
            else:
                value = readings.value(number, now, lambda: profile)
                assert value == right, f"{name}: {profile.history} at {now}"
                self.found[number] = bin_of(breaks, value), now, readings.holds_until(number, now)
        return known


@pytest.mark.parametrize("said", [{}, {"orders": 2.0, "pages viewed": 4.0, "last search": "tents"}], ids=["", "said"])
@pytest.mark.parametrize("most", [250, 5])
def test_updated_attributes_are_those_of_the_whole_history(
    most: int, said: Attributes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded(monkeypatch, most)
    measures = Measures(EVERY_KIND, ATTRIBUTES)
    numbers = [number for number, one in enumerate(measures.all) if one.name]
    known = lasting = 0
    for seed in range(SEEDS):
        random, kept = Random(seed), Kept()
        profile, now = Profile("anna", said), NOON
        readings = readings_of(measures, profile)
        for number in range(50):
            now += random.choice((0.0, 1.0, 60.0, 1_500.0, 2_000.0, 2 * HOUR, 9 * HOUR))
            late = random.choice((0.0,) * 12 + (-50.0, 30.0, -DAY))
            event = happened(random, now + late, number)
            profile = Profile("anna", said, history=merged(profile.history, [event], of_one_log=True))
            if not readings.add(event):
                kept = Kept()
            if readings.measures is not measures:
                readings = readings_of(measures, profile)
            lasting += bool(kept.found)
            now += random.choice((0.0, 0.0, 0.0, 5.0, 1_000.0, 30 * HOUR))
            known += kept.check(measures, readings, profile, now, random.sample(numbers, random.randrange(20)))
    assert known > 100 and lasting > 50, (known, lasting)


@pytest.mark.parametrize("most", [250, 5])
@pytest.mark.parametrize("caps", [EVERY_KIND, UNUSUAL, EVERY_KIND[:3], EVERY_KIND[2:5]], ids=["all", "odd", "3", "2"])
def test_updated_limits_are_those_of_the_whole_history(
    caps: Sequence[Cap], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded(monkeypatch, most)
    carried = 0
    for seed in range(2 * SEEDS):
        random = Random(seed)
        measures, history, now = Measures(caps), tuple[Event, ...](), NOON
        readings = Readings(measures, {})
        reached_by(measures, readings, Profile("anna"), now)
        for number in range(40):
            now += random.choice((0.0, 1.0, 60.0, 1_500.0, 2_000.0, 2 * HOUR, 9 * HOUR))
            late = random.choice((0.0,) * 12 + (-50.0, 30.0, -DAY))
            event = happened(random, now + late, number)
            history, before = merged(history, [event], of_one_log=True), (readings.reached, readings.reached_until)
            is_same, is_kept = readings.add(event), readings.measures is not None
            assert not is_same or not is_kept or before == (readings.reached, readings.reached_until)
            now += random.choice((0.0, 0.0, 5.0, 1_000.0, 30 * HOUR))
            carried += is_kept and readings.newest_at <= now < readings.reached_until
            if not is_kept:
                readings = Readings(measures, {})
            found = reached_by(measures, readings, Profile("anna", history=history), now)
            assert found == reached(caps, history, now), f"seed {seed}, after {number}: {history}"
    assert carried > 100


def nobody() -> Profile:
    raise AssertionError("the history is not needed")


def limits(*caps: Cap) -> tuple[Measures, Readings]:
    """Limits, and what a visitor who did nothing has used up of them."""
    measures = Measures(caps)
    readings = Readings(measures, {})
    readings.limits(NOON, lambda: Profile("anna"))
    return measures, readings


def test_a_limit_is_reached_until_time_alone_changes_something() -> None:
    _, readings = limits(cap(1, "Sale", within_seconds=HOUR))
    assert not readings.add(Event(NOON, "1", PAGE, "/", shown=("SALE",))), "another is reached"
    assert readings.limits(NOON + HOUR - 0.001, nobody) == {0}
    assert not readings.limits(NOON + HOUR, lambda: Profile("anna"))


def test_events_that_no_measure_counts_change_nothing() -> None:
    _, readings = limits(cap(1, "Sale", within_seconds=HOUR))
    assert readings.add(Event(NOON + 1, "2", PAGE, "/", shown=("Hello",)))
    assert readings.limits(NOON + 2, nobody) == frozenset()


@pytest.mark.parametrize(
    "event",
    [Event(NOON - 1, "9", PAGE, "/"), Event(NOON + 1, "1", PAGE, "/")],
    ids=["late", "again"],
)
def test_everything_is_dropped_where_only_the_history_can_tell(event: Event) -> None:
    _, readings = limits(*EVERY_KIND)
    readings.add(Event(NOON + 1, "1", PAGE, "/"))
    assert not readings.add(event)
    assert readings.measures is None
    assert readings.add(Event(NOON + 3, "4", PAGE, "/")), "what was given up changes no more"


def test_a_limit_is_read_again_when_what_must_follow_happens() -> None:
    _, readings = limits(*EVERY_KIND)
    readings.add(Event(NOON + 1, "1", PAGE, "/", shown=("Hello",)))
    assert not readings.add(Event(NOON + 2, "3", BOUGHT, "", value=10.0))
    with pytest.raises(AssertionError):
        readings.limits(NOON + 3, nobody)


def test_events_that_the_history_no_longer_holds_do_not_count() -> None:
    measures, at = Measures([cap(1, "Sale")]), NOON
    history: tuple[Event, ...] = (Event(at, "1", SHOWN, "Sale"),)
    profile = Profile("anna", history=history)
    readings = readings_of(measures, profile)
    while found := reached_by(measures, readings, Profile("anna", history=history), at):
        assert found == reached(measures.caps, history, at)
        at += 1
        history = merged(history, [event := Event(at, "2", PAGE, "/", shown=("Hello",))], of_one_log=True)
        readings.add(event)
    assert not reached(measures.caps, history, at) and len(history) == module.MOST_IMPRESSIONS


@pytest.mark.parametrize("seed", range(3))
def test_who_did_more_than_a_history_holds_seldom_has_it_read_again(seed: int) -> None:
    random, now = Random(seed), NOON
    asked = {("pages", Measure(Reading.COUNT, (PAGE,))): (2.5,), ("visits", Measure(Reading.VISITS, (PAGE,))): (2.5,)}
    asked |= {(name, TRAIT_MEASURES[name]): (0.5, 1.5) for name in ("orders", "lifetime spend", "cart total", "visits")}
    asked["last", Measure(Reading.DAYS_SINCE_VISIT, (PAGE,))] = (1.0, 7.0)
    measures, kept, profile = Measures([cap(1_000, "Sale", period=Period.DAY)], asked), Kept(), Profile("anna")
    numbers, readings, changes = range(1, len(measures.all)), readings_of(measures, profile), 0
    for number in range(900):
        now += random.choice((1.0, 10.0, 4 * HOUR)) if number % 20 == 0 else 1.0
        event = happened(random, now, number)
        while event.kind == SHOWN or (event.kind == BOUGHT and number not in (20, 40)):
            event = happened(random, now, number)
        profile = Profile("anna", history=merged(profile.history, [event], of_one_log=True))
        if not readings.add(event):
            kept, changes = Kept(), changes + (number > 100)
        kept.check(measures, readings, profile, now, numbers)
        assert reached_by(measures, readings, profile, now) == reached(measures.caps, profile.history, now)
    assert readings.measures is measures and changes < 60


def test_updating_a_copy_leaves_the_original_as_it_is() -> None:
    measures, profile = Measures([cap(1, "Sale")]), Profile("anna")
    assert not told(measures, profile, NOON)
    readings = readings_of(measures, profile)
    readings.copy().add(Event(NOON, "1", PAGE, "/", shown=("Sale",)))
    assert not readings.reached and readings_of(measures, profile) is readings


def test_values_of_other_measures_are_read_again() -> None:
    profile = Profile("anna", history=(Event(NOON, "1", PAGE, "/", shown=("Sale",)),))
    few, many = Measures(), Measures([cap(1, "Sale")])
    assert [bool(told(each, profile, NOON)) for each in (few, many, few)] == [False, True, False]
    assert many.numbers(many.caps) == readings_of(many, profile).limits(NOON, lambda: profile)
