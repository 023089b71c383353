"""Profiles and events in a SQLite file: the embedded default, for several worker processes on one machine.

Reads run in batches on a few threads with a connection each, so that a slow disk never blocks the event loop. Writes
run one after the other (`threads.py`), in transactions that are on disk when they end (`synchronous=FULL`),
except page views, which nobody awaits. With WAL, reads and writes run concurrently. Not for network file systems.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from proxy.errors import DamagedValueError, OperatorError, StoreError
from proxy.model import Arrival, PackedEvent, Profile
from proxy.ports import ALL, Applied, Changed, KnownVisitors, Partition, Refused, StartedChanges, Tombstones
from proxy.settings import DEFAULTS, Settings
from proxy.stores import (
    sqlite_changes,
    sqlite_diverted,
    sqlite_erasing,
    sqlite_file,
    sqlite_log,
    sqlite_schema,
    sqlite_shared,
    sqlite_tombstones,
    sqlite_visitor,
)
from proxy.stores.read_batches import ReadBatches
from proxy.stores.sqlite_answers import AnswerCache
from proxy.stores.sqlite_cache import CachingConnection, cache_of
from proxy.stores.threads import Threads, Writers

READERS = 2
CONNECTION = """
PRAGMA busy_timeout = 2000;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
PRAGMA foreign_keys = ON;
"""
DUE_AT_ONCE, MOST_DUE = 50, 10_000
"""So many checkpoints are written beside events because they were missed by a read, and so many wait at most."""
Answer = TypeVar("Answer")


def connect(url: str, _: Settings = DEFAULTS) -> SqliteStore:
    """The store in the file of `sqlite:PATH`, made when missing, in a folder that is there. Raises `OperatorError`."""
    return SqliteStore(sqlite_file.path_of(url))


class SqliteStore:
    """A `Store` in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers = AnswerCache(path)
        self._connections: list[sqlite3.Connection] = []
        sqlite_file.must_be_usable(path)
        try:
            sqlite_file.make(path)
            self._writing = self._connect()
            sqlite_schema.prepare(self._writing)
            # Opening takes longer than a page may wait, so it is done before there are pages.
            reading = [self._connect() for _ in range(READERS)]
        except (OSError, sqlite3.Error) as error:
            self._disconnect()
            help = sqlite_file.help_for(error) or "name a file in a folder that Tailorbird's user may write into"
            raise OperatorError(f"`{path}` cannot be used as a store: {error}", help=help) from error
        self._readers = Threads(reading, "tailorbird-read")
        self._writers = Writers(self._writing, sqlite_file.Place(path))
        self._batches = ReadBatches(self._read_many, self._unpacked, at_once=READERS)
        self._due: set[str] = set()  # whose profiles take long to read

    async def get_profile(self, visitor_id: str) -> Profile | None:
        try:
            return await self._batches.get(visitor_id)
        except DamagedValueError:
            profile = await self._read(partial(sqlite_visitor.remade, visitor_id=visitor_id))
            if profile is None:
                raise
            return profile

    async def profiles(self, part: Partition = ALL) -> AsyncIterator[Profile]:
        begun, until = await self._read(partial(sqlite_log.places_of, part=part))
        last = begun - 1
        while last < begun:
            last = begun
            some, begun = await self._read(partial(sqlite_log.profiles, after=last, until=until))
            for profile in some:
                yield profile

    async def sample(self, most: int) -> tuple[Sequence[Profile], int]:
        return await self._read(partial(sqlite_log.sample, most=most))

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        latest = {profile.visitor_id: profile for profile in profiles}
        return await self._change(lambda connection: sqlite_log.put(connection, latest.values()))

    async def newest_change(self) -> str:
        return await self._answers.answer("newest change", "", lambda: self._read(sqlite_changes.newest))

    async def changed(self, after: str, until: str, known: Collection[str] = ()) -> Changed | None:
        missed = sqlite_changes.missed(after, until, known)
        if missed is None or missed.is_nothing:
            return None if missed is None else Changed()
        return await self._read(partial(sqlite_changes.changed, missed=missed))

    async def known_visitors(self, after: str) -> KnownVisitors | None:
        return await self._read(partial(sqlite_changes.known_visitors, after=after))

    async def attribute_names(self) -> frozenset[str]:
        return await self._answers.answer("names", "", lambda: self._read(sqlite_log.names))

    async def is_ready(self) -> bool:
        try:
            return await self._read(lambda connection: connection.execute("SELECT 1") is not None)
        except StoreError:
            return False

    async def forgets(self) -> bool:
        return False

    async def aclose(self) -> None:
        await asyncio.to_thread(self._close)

    # -- events

    async def apply(self, arrivals: Sequence[Arrival], page_events: Sequence[PackedEvent] = ()) -> Applied:
        due = {self._due.pop() for _ in range(min(len(self._due), DUE_AT_ONCE))}
        return await self._change(
            lambda connection: sqlite_log.apply(connection, arrivals, page_events, due), is_awaited=bool(arrivals)
        )

    async def log(self, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
        read = partial(sqlite_log.log, after=after, limit=limit)
        return await self._answers.answer("log", (after, limit), lambda: self._read(read))

    async def started_changes(self, after: str) -> StartedChanges:
        return StartedChanges({}, (), after)  # an event and what `log` lists are one row

    async def end_of_log(self) -> str:
        return await self._read(sqlite_log.end_of_log)

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        return await self._read(lambda connection: sqlite_visitor.log_of(connection, visitor_id))

    async def logs_of(self, visitor_ids: Sequence[str]) -> Sequence[Sequence[Arrival]]:
        return await self._read(lambda connection: [sqlite_visitor.log_of(connection, id) for id in visitor_ids])

    async def visitors(self) -> AsyncIterator[str]:
        last = ""
        while some := await self._read(partial(sqlite_log.visitors, after=last)):
            for last in some:
                yield last

    async def visitors_before(self, moment: float) -> AsyncIterator[str]:
        place, end, told = 0, await self._read(sqlite_visitor.last_place), set[str]()
        while place < end:
            some = await self._read(partial(sqlite_log.visitors_before, moment=moment, after=place))
            place += sqlite_log.PLACES_AT_ONCE
            for visitor_id in some - told:
                yield visitor_id
            told |= some

    async def rebuild(self) -> int:
        changed, last = 0, ""
        while some := await self._read(partial(sqlite_log.visitors, after=last)):
            changed += await self._change(partial(sqlite_log.rebuild, visitor_ids=some))
            last = some[-1]
        return changed

    async def merge_rules(self) -> Mapping[str, str]:
        return await self._read(sqlite_shared.merge_rules)

    async def put_merge_rules(self, rules: Mapping[str, str]) -> None:
        await self._change(lambda connection: sqlite_shared.put_merge_rules(connection, rules))

    async def withdraw(self, gone: Mapping[str, Collection[str]]) -> None:
        left = dict(gone)
        while left:
            began = time.monotonic()
            for visitor_id in await self._change(lambda connection: sqlite_log.withdraw(connection, left)):
                del left[visitor_id]
            if left:  # now others have their turn, of other processes too
                await asyncio.sleep(time.monotonic() - began)

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        return await self._change(partial(sqlite_erasing.erase, visitor_ids=visitor_ids, now=now))

    async def mark_erased(self, visitor_ids: Collection[str], now: float) -> None:
        await self._change(partial(sqlite_erasing.mark, path=self._path, visitor_ids=visitor_ids, now=now))

    async def scrub(self, *, is_due: bool = False) -> bool:
        scrub = partial(sqlite_erasing.scrub, path=self._path, is_due=is_due)
        return await self._run(self._writers.usual, self._writers.alone(scrub))

    async def tombstones(self) -> Tombstones:
        return await self._read(sqlite_tombstones.all)

    async def put_tombstones(self, tombstones: Tombstones) -> None:
        await self._change(lambda connection: sqlite_tombstones.bring(connection, tombstones))

    async def refuse(self, refused: Sequence[Refused]) -> None:
        await self._change(lambda connection: sqlite_shared.refuse(connection, refused))

    async def refused(self) -> Sequence[Refused]:
        return await self._read(sqlite_shared.refused)

    async def forget_refused(self, refused: Sequence[Refused]) -> None:
        await self._change(lambda connection: sqlite_shared.forget_refused(connection, refused))

    async def forget_before(self, moment: float) -> None:
        def forget_names(connection: sqlite3.Connection) -> None:
            sqlite_changes.forget_names(connection)
            sqlite_diverted.forget_names(connection)

        await self._change(forget_names)
        await self._change(partial(sqlite_shared.forget_before, moment=moment))

    # -- on the threads

    async def _read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        return await self._run(self._readers, work)

    async def _change(self, work: Callable[[sqlite3.Connection], Answer], *, is_awaited: bool = True) -> Answer:
        do = self._writers.alone(partial(whole, work=work, is_awaited=is_awaited), is_awaited=is_awaited)
        return await self._run(self._writers.usual if is_awaited else self._writers.gentle, do)

    async def _run(self, threads: Threads[sqlite3.Connection], work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        try:
            return await threads.run(work)
        except sqlite3.Error as error:
            if str(error).startswith("no such") and await threads.run(sqlite_schema.is_newer):
                error = sqlite_file.newer()
            raise StoreError(f"`{self._path}`: {error}", help=sqlite_file.help_for(error)) from error
        except RuntimeError as error:  # the threads were closed
            raise StoreError(f"`{self._path}` is closed") from error

    async def _read_many(self, visitor_ids: Sequence[str]) -> Sequence[sqlite_visitor.Stored]:
        return await self._read(partial(sqlite_visitor.stored, visitor_ids=visitor_ids))

    def _unpacked(self, stored: sqlite_visitor.Stored, visitor_id: str) -> Profile | None:
        if stored.is_long and len(self._due) < MOST_DUE:
            self._due.add(visitor_id)
        return sqlite_visitor.profile_of(stored, visitor_id)

    # -- connections

    def _connect(self) -> sqlite3.Connection:
        # Used by one thread at a time, not always by the one that opened it.
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, factory=CachingConnection
        )
        self._connections.append(connection)
        sqlite_file.must_be_ours(connection)
        connection.executescript(CONNECTION)
        return connection

    def _disconnect(self) -> None:
        while self._connections:
            self._connections.pop().close()

    def _close(self) -> None:
        self._readers.close()
        self._writers.close()
        self._disconnect()


def whole(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Answer], *, is_awaited: bool = True
) -> Answer:
    """Runs the work in one transaction. Work that nobody awaits survives a crash of the process at once, and one of the
    machine as soon as the next awaited transaction is on disk."""
    try:
        if not is_awaited:
            connection.execute("PRAGMA synchronous = NORMAL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            return work(connection)
    except BaseException:
        cache_of(connection).forget()  # it may know what is in no file
        raise
    finally:
        if not is_awaited:
            connection.execute("PRAGMA synchronous = FULL")
