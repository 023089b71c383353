"""When visitors of unfinished changes are evaluated. For the stores see `tests/contracts/test_started_changes.py`."""

from __future__ import annotations

from proxy.outbox.unfinished import READ_SECONDS, Unfinished
from proxy.ports import LONGEST_CHANGE_SECONDS, StartedChanges


class Store:
    """Returns `changes`, once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.changes = StartedChanges({}, (), "")

    async def started_changes(self, after: str) -> StartedChanges:
        self.asked.append(after)
        changes, self.changes = self.changes, StartedChanges({}, (), self.changes.place)
        return changes


async def test_a_change_that_finishes_in_time_is_not_overdue() -> None:
    store = Store()
    unfinished = Unfinished(store)  # type: ignore[arg-type]
    store.changes = StartedChanges({"1": ["anna"], "2": ["ben"]}, (), "2")
    assert await unfinished.overdue(0.0) == {}
    store.changes = StartedChanges({}, {"1"}, "3")
    assert await unfinished.overdue(READ_SECONDS) == {}
    assert await unfinished.overdue(LONGEST_CHANGE_SECONDS) == {"2": ["ben"]}


async def test_a_clock_that_was_set_back_delays_nobody() -> None:
    store = Store()
    unfinished = Unfinished(store)  # type: ignore[arg-type]
    store.changes = StartedChanges({"1": ["anna"]}, (), "1")
    assert await unfinished.overdue(7_200.0) == {}
    store.changes = StartedChanges({"2": ["ben"]}, (), "2")
    assert await unfinished.overdue(3_600.0) == {}
    assert await unfinished.overdue(3_600.0 + LONGEST_CHANGE_SECONDS) == {"1": ["anna"], "2": ["ben"]}


async def test_the_store_is_read_every_few_seconds_from_the_last_place() -> None:
    store = Store()
    unfinished = Unfinished(store)  # type: ignore[arg-type]
    unfinished.start("7")
    store.changes = StartedChanges({}, (), "9")
    for at in (0.0, 0.5, READ_SECONDS - 0.5, READ_SECONDS):
        await unfinished.overdue(at)
    unfinished.start("8")
    await unfinished.overdue(2 * READ_SECONDS)
    assert store.asked == ["7", "9", "9"]


async def test_the_place_for_another_process_is_before_the_oldest_waiting_change() -> None:
    store = Store()
    unfinished = Unfinished(store)  # type: ignore[arg-type]
    unfinished.start("7")
    store.changes = StartedChanges({"8": ["anna"]}, (), "9")
    await unfinished.overdue(0.0)
    assert unfinished.place == "7"
    unfinished.done(await unfinished.overdue(LONGEST_CHANGE_SECONDS))
    assert unfinished.place == "9"
