"""When those are looked at who were about to be changed. What stores tell of them: `tests/contracts/test_begun.py`."""

from __future__ import annotations

from proxy.outbox.unfinished import EVERY_SECONDS, Unfinished
from proxy.ports import LONGEST_CHANGE_SECONDS, Begun


class Store:
    """Tells what it is told to, once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told = Begun({}, (), "")

    async def begun(self, after: str) -> Begun:
        self.asked.append(after)
        told, self.told = self.told, Begun({}, (), self.told.place)
        return told


async def test_what_is_over_in_time_is_nobodys_business() -> None:
    store = Store()
    unfinished = Unfinished(store)  # type: ignore[arg-type]
    store.told = Begun({"1": ["anna"], "2": ["ben"]}, (), "2")
    assert await unfinished.overdue(0.0) == {}
    store.told = Begun({}, {"1"}, "3")
    assert await unfinished.overdue(EVERY_SECONDS) == {}
    assert await unfinished.overdue(LONGEST_CHANGE_SECONDS) == {"2": ["ben"]}


async def test_the_store_is_asked_now_and_then_from_where_it_was_asked_before() -> None:
    store = Store()
    unfinished = Unfinished(store)  # type: ignore[arg-type]
    unfinished.start("7")
    store.told = Begun({}, (), "9")
    for at in (0.0, 0.5, EVERY_SECONDS - 0.5, EVERY_SECONDS):
        await unfinished.overdue(at)
    unfinished.start("8")
    await unfinished.overdue(2 * EVERY_SECONDS)
    assert store.asked == ["7", "9", "9"]


async def test_another_goes_on_before_what_is_not_looked_at_yet() -> None:
    store = Store()
    unfinished = Unfinished(store)  # type: ignore[arg-type]
    unfinished.start("7")
    store.told = Begun({"8": ["anna"]}, (), "9")
    await unfinished.overdue(0.0)
    assert unfinished.place == "7"
    unfinished.done(await unfinished.overdue(LONGEST_CHANGE_SECONDS))
    assert unfinished.place == "9"
