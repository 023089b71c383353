"""The access log and its file: for each request that was answered, a line of JSON there or on standard output.

Lines are collected until there are many, or half a second is over; then a thread writes them, in the order of their
times. Of pages answered from memory only the data is collected: their lines are formatted together, which takes a third
of the time that each takes between two requests. Its law: nobody waits for the log.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from proxy.environment import mistaken
from proxy.errors import OperatorError
from proxy.http.client import networks
from proxy.metrics import Metrics
from proxy.serve.logline import Line, Lines
from proxy.settings import Settings
from proxy.turns import give_way
from proxy.visitors.pending import Pending, ServedPage

PAUSE_SECONDS = 0.5
"""How long a line waits for others."""
ENOUGH = 500
"""So many lines are written at once."""
AT_ONCE = 32
"""So many lines are formatted at a time. Pages wait for that: 20 us; for 500 lines it was 300."""
HEAD_BYTES = 4_096
"""Of an answer in one piece, so much is looked at: the head is in it."""
_AT = itemgetter(0)


class AccessLog:
    """The access log of one worker. `clock` gives Unix seconds."""

    def __init__(self, file: LogFile, lines: Lines, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self.lines = lines
        self.clock = clock
        self._noted: list[Line | ServedPage] = []
        self._made: list[bytes] = []  # formatted lines, and how many
        self._many = 0
        self._pending = Pending()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._is_due = False
        self._is_handing_over = False

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics, clock: Callable[[], float] = time.time) -> AccessLog | None:
        """The log by the settings; None when none is kept. Raises `OperatorError` when its file cannot be opened."""
        path = settings.access_log
        return cls(LogFile(path, metrics), Lines(networks(settings.trusted_proxies)), clock) if path else None

    def log(self, pending: Pending) -> None:
        """Logs the pages in `pending`, too."""
        self._pending = pending
        pending.set_logger(self.add_pages, self.schedule)

    def add(self, noted: Sequence[Line | ServedPage]) -> None:
        """Has these lines, and those of these pages, written soon."""
        self._noted += noted
        if len(self._noted) >= AT_ONCE and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._make_many)
        self.schedule()

    def add_pages(self, pages: Sequence[ServedPage]) -> None:
        """The same for pages alone, in a turn of the loop that does nothing else."""
        self._noted += pages
        if len(self._noted) >= AT_ONCE:
            self._make_many()
        self.schedule()

    def schedule(self) -> None:
        """Starts the timer, if it is not running."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._writing = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        await self._pending.flushed()
        self._make()
        self._hand_over()

    def _make_many(self) -> None:
        """Makes some of them in a turn of the loop of their own: whoever has asked meanwhile is answered before."""
        self._is_due = False
        self._make(max(AT_ONCE, len(self._noted) - AT_ONCE))  # or they would grow under load
        if self._many >= ENOUGH and not self._is_handing_over:
            self._is_handing_over = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _make(self, most: int | None = None) -> None:
        """Makes the lines up to the first page that is pending, or the `most` first of these."""
        self._pending.log_counted()
        noted, pending = self._noted, self._pending.pages
        noted.sort(key=_AT)  # some were added late
        many = bisect_left(noted, pending[0][0], key=_AT) if pending else len(noted)
        if many < len(noted):
            self._pending.flush_in_steps()
        if most is not None:
            many = min(many, most)
        if many:
            self._made.append(self.lines.joined(noted[:many]))
            self._many += many
            del noted[:many]

    def _hand_over(self) -> None:
        self._is_handing_over = False
        made, many, self._made, self._many = self._made, self._many, [], 0
        if many:
            self._file.write(b"".join(made), many)

    async def aclose(self) -> None:
        """Writes what is left."""
        if self._writing is not None:
            await self._writing
        self._pending.flush()
        self._make()
        self._hand_over()
        if self._timer is not None:
            self._timer.cancel()
        await self._file.aclose()


# -- The file of the access log, and the thread that writes to it.
# Its law: nobody waits for a disk, or for whoever reads standard output. What cannot be written is lost and counted. A
# file that was moved away, as logrotate does, is made anew.

log = logging.getLogger("tailorbird.accesslog")

MOST_WAITING = 50_000
"""More lines than these, while the disk takes none, are lost."""
LAST_SECONDS = 5.0
"""How long a worker that ends waits for its last lines to be written."""


class LogFile:
    """The file at `path`, or standard output for `-`. Raises `OperatorError` when it cannot be opened. All but `_run`
    and what that calls belongs to the event loop."""

    def __init__(self, path: str, metrics: Metrics) -> None:
        self._path = path
        self._metrics = metrics
        self._given, self._done = 0, 0  # lines; each is added to by one thread alone
        self._is_well = True
        self._is_cut = False  # the thread's own
        self._batches: SimpleQueue[tuple[bytes, int] | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._file = sys.stdout.fileno() if path == "-" else _opened(path)

    def write(self, lines: bytes, many: int) -> None:
        """Queues so many lines, as they stand one behind the other, with their line ends."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread = Thread(target=self._run, args=(self._loop,), name="access-log", daemon=True)
            self._thread.start()
        if self._given - self._done + many > MOST_WAITING:
            self._lost(many)
        else:
            self._given += many
            self._batches.put((lines, many))

    async def aclose(self) -> None:
        """Returns once what was queued has been written, or could not be."""
        if self._loop is not None:
            self._batches.put(None)
            await asyncio.to_thread(self._thread.join, LAST_SECONDS)
        is_free = self._loop is None or not self._thread.is_alive()  # else it would write to whatever had its number
        if self._path != "-" and is_free:
            os.close(self._file)

    def _went(self, lost: int, error: Exception | None) -> None:
        """Counts lines that were lost, and tells of it once."""
        self._lost(lost)
        if (error is None) != self._is_well:
            self._is_well = error is None
            if error is not None:
                why = getattr(error, "strerror", None) or error
                log.error("the access log `%s` cannot be written, lines are lost: %s", self._path, why)
            else:
                log.warning("the access log can be written again")

    def _lost(self, many: int) -> None:
        self._metrics.count("tailorbird_access_log_lost_total", by=many)

    # -- in the thread

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        give_way()
        while (batch := self._batches.get()) is not None:
            lines, many = batch
            lost, error = self._write(lines)
            self._done += many
            if error is not None or not self._is_well:  # else there is nothing to tell, which costs as much as to write
                loop.call_soon_threadsafe(self._went, min(lost, many), error)

    def _write(self, lines: bytes) -> tuple[int, Exception | None]:
        """Writes the lines; returns how many were lost, and the error, if any. After an error a line end goes first: a
        full disk may have taken half of a line, of ours or of another worker's."""
        left = memoryview(b"\n" + lines if self._is_cut else lines)
        try:
            if self._path != "-" and not _is_at(self._file, self._path):
                old, self._file = self._file, _opened(self._path)
                os.close(old)
            # One write for all: workers that share a file leave each other's lines whole.
            while left:
                left = left[os.write(self._file, left) :]
        except (OSError, OperatorError) as error:
            self._is_cut = True
            return bytes(left).count(b"\n"), error
        self._is_cut = False
        return 0, None


def _opened(path: str) -> int:
    try:
        way = os.O_RDWR if Path(path).is_fifo() else os.O_WRONLY  # a named pipe would else wait here for who reads it
        return os.open(path, way | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise mistaken(
            "access_log", f"`{path}` cannot be written: {error.strerror}", help="name a file in a folder that is there"
        ) from error


def _is_at(file: int, path: str) -> bool:
    try:
        there, ours = os.stat(path), os.fstat(file)
    except FileNotFoundError:
        return False
    return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)
