"""The access log: for each request that was answered, a line of JSON in a file or on standard output.

Lines are collected until there are many, or half a second is over; then a thread writes them, in the order of their
times. Of pages answered from memory only the data is collected: their lines are formatted together, which takes a third
of the time that each takes between two requests. Its law: nobody waits for the log.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import itemgetter

from proxy.http.client import networks
from proxy.metrics import Metrics
from proxy.serve.logfile import LogFile
from proxy.serve.logline import Line, Lines
from proxy.settings import Settings
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
