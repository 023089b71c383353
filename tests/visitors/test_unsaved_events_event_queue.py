from __future__ import annotations

from proxy.model import Arrival, Event
from proxy.visitors.unsaved_events import Entry, Queue


def entry(*numbers: int) -> Entry:
    return Entry([Arrival("anna", Event(1.0, f"web:{n}", "page viewed", "/")) for n in numbers], 10 * len(numbers))


def test_entries_are_taken_whole_and_in_order_until_they_are_enough() -> None:
    queue, entries = Queue(), [entry(1), entry(2, 3), entry(4)]
    for one in entries:
        queue.add(one)
    assert (queue.rows, queue.size) == (4, 40)
    assert queue.take(2) == entries[:2]
    assert (queue.rows, queue.size) == (1, 10)
    queue.add(entries[0], is_first=True)
    assert queue.take(500) == [entries[0], entries[2]]
    assert queue.take(500) == []


def test_one_is_taken_however_large_it_is() -> None:
    queue = Queue()
    queue.add(entry(1, 2, 3))
    assert len(queue.take(1)) == 1
