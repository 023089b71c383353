"""What is remembered of one visitor, and what pages find by it, is what all of their events say."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from proxy.audience.limits import Limits, Used
from proxy.events.fold import fold
from proxy.model import Arrival, Cap, Deed, Event, Profile
from proxy.stores.record import deed_of
from proxy.visitors.known import MOST_NEWS, Known
from tests.audience.test_limits import EVERY_KIND, HOUR, NOON, happened, reached

LIMITS = Limits(EVERY_KIND)


def deed(event: Event) -> Deed:
    return deed_of(Arrival("anna", event, "page", event.at))


def history(arrivals: Sequence[Arrival]) -> tuple[Event, ...]:
    return fold(None, arrivals).history if arrivals else ()


class Page:
    """What one page found of the visitor, and kept for as long as it holds."""

    def __init__(self) -> None:
        self.kept: tuple[Known, int, frozenset[int], float, float] | None = None

    def reached(self, known: Known, now: float) -> tuple[set[Cap], bool]:
        """The limits that are reached, and whether that was found before."""
        kept = self.kept
        if kept is not None and kept[:2] == (known, known.version) and known.is_current and kept[3] <= now < kept[4]:
            return {LIMITS.caps[number] for number in kept[2]}, True
        profile = known.current()
        assert profile is not None
        used = LIMITS.used(profile, now)
        self.kept = known, known.version, used.reached, now, used.until
        return {LIMITS.caps[number] for number in used.reached}, False


@pytest.mark.parametrize("seed", range(60))
def test_on_each_of_several_workers_limits_are_what_the_whole_history_says(seed: int) -> None:
    random = Random(seed)
    arrivals: list[Arrival] = []
    workers = [Known(NOON, Profile("anna"), []) for _ in range(3)]
    pages = [[Page(), Page()] for _ in workers]
    late: list[list[Deed]] = [[] for _ in workers]
    now, found = NOON, 0
    for number in range(120):
        now += random.choice((0.0, 1.0, 60.0, 1_500.0, 2_000.0, 2 * HOUR))
        event = happened(random, now + random.choice((0.0,) * 9 + (-50.0, -30 * HOUR)), number)
        arrivals.append(Arrival("anna", event, "page", event.at))
        for others in late:
            others.append(deed(event))
        if random.random() < 0.02:  # they are erased
            arrivals, late = [], [[] for _ in workers]
            for known in workers:
                known.end()
            workers = [Known(now, Profile("anna"), []) for _ in workers]
        for place, worker in enumerate(workers):
            if late[place] and random.random() < 0.8:
                for one in late[place]:
                    worker.add(one)
                late[place].clear()
            if random.random() < 0.03:  # read from the store again
                worker.end()
                workers[place] = Known(now, Profile("anna", history=history(arrivals)), [])
                late[place].clear()
            if not late[place]:
                told, was_kept = random.choice(pages[place]).reached(workers[place], now)
                assert told == reached(EVERY_KIND, history(arrivals), now), f"after {number}"
                found += was_kept
    assert found > 10


def test_what_many_did_is_folded_in_though_nobody_asks() -> None:
    known = Known(NOON, Profile("anna"), [])
    for number in range(MOST_NEWS):
        known.add(deed(Event(NOON + number, f"{number:03}", "page viewed", "/")))
    assert known.profile is not None and len(known.profile.history) == MOST_NEWS
    assert known.news == []


def test_folding_in_what_they_did_changes_nothing_that_pages_found() -> None:
    known = Known(NOON, Profile("anna"), [])
    assert known.profile is not None
    LIMITS.used(known.profile, NOON)
    known.add(deed(Event(NOON, "1", "page viewed", "/", shown=("Sale",))))
    before, used = known.version, known.used
    profile = known.current()
    assert known.version == before and used is not None and profile is not None
    assert profile.remembered[Used] is used and used.counts


def test_who_is_forgotten_is_nobody_for_those_who_still_hold_it() -> None:
    known = Known(NOON, Profile("anna"), [deed(Event(NOON, "1", "page viewed", "/"))])
    known.end()
    assert (known.is_current, known.current()) == (False, None)
