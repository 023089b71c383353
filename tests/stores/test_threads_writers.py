"""What nobody waits for is written gently, and never more slowly than it comes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.stores import threads
from proxy.stores.sqlite_file import Place
from proxy.stores.threads import Writers


@pytest.fixture
def writers() -> Iterator[Writers]:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    opened = Writers(connection, Place(Path(":memory:")))
    yield opened
    opened.close()
    connection.close()


def who(_: sqlite3.Connection) -> str:
    return threading.current_thread().name


async def test_each_has_a_thread_of_its_own(writers: Writers) -> None:
    assert await writers.usual.run(writers.alone(who)) == "tailorbird-write-0"
    assert await writers.gentle.run(writers.alone(who, is_awaited=False)) == "tailorbird-note-0"


async def test_a_writer_that_waited_writes_once(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LONGEST_SECONDS", -1.0)  # always for too long
    names = []
    for _ in range(4):
        names.append(await writers.gentle.run(writers.alone(who, is_awaited=False)))
        await writers.usual.run(writers.alone(who))  # which changes nothing in that
    assert names == ["tailorbird-note-0", "tailorbird-write-0"] * 2


async def test_one_writes_at_a_time(writers: Writers) -> None:
    began, may_end, order = threading.Event(), threading.Event(), list[str]()

    def slow(_: sqlite3.Connection) -> None:
        began.set()
        may_end.wait()
        order.append("noted")

    noting = asyncio.create_task(writers.gentle.run(writers.alone(slow, is_awaited=False)))
    await asyncio.to_thread(began.wait)
    writing = asyncio.create_task(writers.usual.run(writers.alone(lambda _: order.append("written"))))
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(noting, writing)
    assert order == ["noted", "written"]
