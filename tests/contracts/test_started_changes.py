"""Who was about to be changed when a crash came: what stores tell those who follow the log, on the real thing."""

from __future__ import annotations

from proxy.model import Arrival, Event
from proxy.outbox.unfinished import READ_SECONDS, Unfinished
from proxy.ports import LONGEST_CHANGE_SECONDS, Store
from proxy.stores.redis import RedisStore
from tests.wire.cluster import MASTERS

NOON = 1_795_435_200.0
VISITORS = [f"v{number}" for number in range(4 * MASTERS)]
"""On a cluster, of several nodes."""


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


async def crash(store: Store, *arrivals: Arrival) -> None:
    """A process adds these events, and is killed before it tells of them. SQLite would undo it."""
    if isinstance(store, RedisStore):
        await store._log._turn({arrival.visitor_id: [arrival] for arrival in arrivals}, ())


async def test_whose_event_a_crash_kept_out_of_the_log_is_to_be_looked_at_when_it_must_be_over(store: Store) -> None:
    await store.apply([seen(visitor_id, 1) for visitor_id in VISITORS])
    unfinished = Unfinished(store)
    assert await unfinished.overdue(NOON) == {}
    await crash(store, *(seen(visitor_id, 9) for visitor_id in VISITORS[:8]))
    await store.apply([seen(visitor_id, 2) for visitor_id in VISITORS[4:]])
    told = [arrival.visitor_id for arrival in (await store.log("", 1_000))[0]]
    left_out = {id for id in VISITORS if len(await store.log_of(id)) > told.count(id)}
    later = NOON + READ_SECONDS
    assert await unfinished.overdue(later) == {}, "somebody may be at it"
    found = await unfinished.overdue(later + LONGEST_CHANGE_SECONDS)
    assert {visitor_id for ids in found.values() for visitor_id in ids} == left_out
    assert left_out == (set(VISITORS[:8]) if isinstance(store, RedisStore) else set())
    unfinished.done(found)
    assert await unfinished.overdue(later + 2 * LONGEST_CHANGE_SECONDS) == {}


async def test_a_new_reader_finds_changes_begun_before_it(store: Store) -> None:
    first, second = Unfinished(store), Unfinished(store)
    await store.apply([seen("anna", 1)])
    await first.overdue(NOON)
    await crash(store, seen("anna", 2))
    await store.apply([seen("ben", 1)])
    await first.overdue(NOON + READ_SECONDS)
    second.start(first.place)
    await second.overdue(NOON + READ_SECONDS)
    found = await second.overdue(NOON + READ_SECONDS + LONGEST_CHANGE_SECONDS)
    assert [list(ids) for ids in found.values()] == ([["anna"]] if isinstance(store, RedisStore) else [])
    second.done(found)
    third = Unfinished(store)
    third.start(second.place)
    await third.overdue(NOON)
    assert await third.overdue(NOON + LONGEST_CHANGE_SECONDS) == {}, "it was looked at"
