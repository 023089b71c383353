from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from proxy.stores.sqlite_answers import SETTLED_SECONDS, AnswerCache

LONG_AGO = 1_000_000_000


class Asking:
    """A file that was written to long ago, and how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s.db"
        self.writing = sqlite3.connect(self.path, isolation_level=None)
        self.writing.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER);")
        self.still = AnswerCache(self.path)
        self.asked = 0
        self.settle()

    def settle(self) -> None:
        """As if so much time had passed."""
        for path in (self.path, Path(f"{self.path}-wal")):
            os.utime(path, (LONG_AGO, LONG_AGO))

    async def count(self, by: str = "") -> int:
        return await self.still.answer("count", by, self._count)

    async def _count(self) -> int:
        self.asked += 1
        return int(self.writing.execute("SELECT count(*) FROM t").fetchone()[0])


async def test_a_file_that_stands_still_is_asked_once(tmp_path: Path) -> None:
    asking = Asking(tmp_path)
    assert [await asking.count() for _ in range(3)] == [0, 0, 0]
    assert asking.asked == 1
    assert await asking.count("other words") == 0 and asking.asked == 2


async def test_what_anybody_writes_is_seen_by_the_next_who_asks(tmp_path: Path) -> None:
    asking = Asking(tmp_path)
    other = sqlite3.connect(asking.path, isolation_level=None)
    for number in range(3):
        assert await asking.count() == number
        other.execute("INSERT INTO t VALUES (1)")
        assert await asking.count() == number + 1
        asking.settle()
    other.close()


async def test_while_it_may_be_written_to_at_the_same_instant_it_is_asked_each_time(tmp_path: Path) -> None:
    asking = Asking(tmp_path)
    cache = time.time() - SETTLED_SECONDS / 2
    os.utime(asking.path, (cache, cache))
    assert [await asking.count() for _ in range(3)] == [0, 0, 0] and asking.asked == 3


async def test_a_file_in_its_place_is_another(tmp_path: Path) -> None:
    asking = Asking(tmp_path)
    await asking.count()
    (tmp_path / "other").write_bytes(asking.path.read_bytes())
    os.utime(tmp_path / "other", (LONG_AGO, LONG_AGO))
    (tmp_path / "other").rename(asking.path)
    await asking.count()
    assert asking.asked == 2
