"""What is remembered of one visitor, and what pages find by it, is what all of their events say."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from proxy.audience.readings import Readings
from proxy.audience.tracked import Measures, bin_of
from proxy.audience.traits import trait
from proxy.events.fold import fold
from proxy.model import Arrival, AttributeValue, Cap, Event, PackedEvent, Profile
from proxy.stores.record import event_of, packed_event_of
from proxy.visitors.known import MOST_NEWS, Known
from tests.audience.test_readings import ATTRIBUTES, EVERY_KIND, HOUR, NOON, happened, reached

MEASURES = Measures(EVERY_KIND, ATTRIBUTES)


def packed(event: Event) -> PackedEvent:
    return packed_event_of(Arrival("anna", event, "page", event.at))


def history(arrivals: Sequence[Arrival]) -> tuple[Event, ...]:
    return fold(None, arrivals).history if arrivals else ()


class Page:
    """What one page found of the visitor, and kept for as long as it holds: the limits that are reached, and the bins
    of some attributes."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers
        self.kept: tuple[Known, int, object, float, float] | None = None

    def found(self, known: Known, now: float) -> tuple[object, bool]:
        """It, and whether it was found before."""
        kept = self.kept
        if kept is not None and kept[:2] == (known, known.version) and known.is_current and kept[3] <= now < kept[4]:
            return kept[2], True
        readings = known.readings(MEASURES)
        assert readings is not None
        caps = {MEASURES.caps[number] for number in readings.limits(now, known.current)}
        values = [readings.value(number, now, known.current) for number in self.numbers]
        found = caps, self.matter(values)
        until = min([readings.reached_until, *(readings.holds_until(number, now) for number in self.numbers)])
        self.kept = known, known.version, found, now, until
        return found, False

    def right(self, history: tuple[Event, ...], caps: set[Cap], now: float) -> object:
        """What it should find of who has reached these limits."""
        asked = [MEASURES.all[number] for number in self.numbers]
        values = [trait(Profile("anna", history=history), one.name, one.measure, now) for one in asked]
        return caps, self.matter(values)

    def matter(self, values: Sequence[AttributeValue | None]) -> list[object]:
        return [bin_of(MEASURES.all[number].breaks, value) for number, value in zip(self.numbers, values, strict=True)]


@pytest.mark.parametrize("seed", range(20))
def test_values_of_each_worker_are_those_of_the_whole_history(seed: int) -> None:
    random = Random(seed)
    arrivals: list[Arrival] = []
    workers = [Known(NOON, Profile("anna"), []) for _ in range(3)]
    attributes = range(len(EVERY_KIND), len(MEASURES.all))
    pages = [[Page(), Page(*random.sample(attributes, 2)), Page(*random.sample(attributes, 6))] for _ in workers]
    late: list[list[PackedEvent]] = [[] for _ in workers]
    now, found = NOON, 0
    for number in range(120):
        now += random.choice((0.0, 1.0, 60.0, 1_500.0, 2_000.0, 2 * HOUR))
        event = happened(random, now + random.choice((0.0,) * 9 + (-50.0, -30 * HOUR)), number)
        arrivals.append(Arrival("anna", event, "page", event.at))
        for others in late:
            others.append(packed(event))
        if random.random() < 0.02:  # they are erased
            arrivals, late = [], [[] for _ in workers]
            for known in workers:
                known.end()
            workers = [Known(now, Profile("anna"), []) for _ in workers]
        past = history(arrivals)
        caps = reached(EVERY_KIND, past, now)
        for place, worker in enumerate(workers):
            if late[place] and random.random() < 0.8:
                for one in late[place]:
                    worker.add(one)
                late[place].clear()
            if random.random() < 0.03:  # read from the store again
                worker.end()
                workers[place] = Known(now, Profile("anna", history=past), [])
                late[place].clear()
            if not late[place]:
                page = random.choice(pages[place])
                told, was_kept = page.found(workers[place], now)
                assert told == page.right(past, caps, now), f"after {number}"
                found += was_kept
    assert found > 5


def test_what_many_did_is_folded_in_though_nobody_asks() -> None:
    known = Known(NOON, Profile("anna"), [])
    for number in range(MOST_NEWS):
        known.add(packed(Event(NOON + number, f"{number:03}", "page viewed", "/")))
    assert known.profile is not None and len(known.profile.history) == MOST_NEWS
    assert known.news == []


def test_folding_in_what_they_did_changes_nothing_that_pages_found() -> None:
    known = Known(NOON, Profile("anna"), [])
    assert known.profile is not None
    Page(len(EVERY_KIND)).found(known, NOON)
    known.add(packed(Event(NOON, "1", "page viewed", "/", shown=("Sale",))))
    before, kept = known.version, known.kept
    profile = known.current()
    assert known.version == before and kept is not None and profile is not None
    assert profile.remembered[Readings] is kept and kept.read


def test_a_page_that_asks_what_nobody_did_has_nothing_folded() -> None:
    known = Known(NOON, Profile("anna"), [])
    page = Page(*(number for number, one in enumerate(MEASURES.all) if one.name in ("orders", "pages viewed")))
    page.found(known, NOON)
    for number in range(MOST_NEWS - 1):
        known.add(packed(Event(NOON + number, f"{number:03}", "page viewed", "/")))
        found, _ = page.found(known, NOON + number)
        past = tuple(map(event_of, known.news))
        assert found == page.right(past, reached(EVERY_KIND, past, NOON + number), NOON + number)
    assert len(known.news) == MOST_NEWS - 1
    assert page.found(known, NOON + 20) == (found, True)


def test_a_reference_to_a_forgotten_visitor_is_empty() -> None:
    known = Known(NOON, Profile("anna"), [packed(Event(NOON, "1", "page viewed", "/"))])
    known.end()
    assert (known.is_current, known.current()) == (False, None)
