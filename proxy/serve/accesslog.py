"""The access log: for each request that was answered, a line of JSON in a file or on standard output.

The line is made where the request was answered, and lies there until there are many, or half a second is over: then
the file's thread has them, in the order of their times. Of a page given at once only what its line is made of lies
there: made one behind the other they take a third of what each takes between two pages. Its law: nobody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import itemgetter

from proxy.http.client import networks
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.serve.logfile import LogFile
from proxy.serve.logline import Line, Lines, LoggedRequest
from proxy.settings import Settings
from proxy.upstream.relay import OwedAnswer
from proxy.visitors.pending import Pending, ServedPage

PAUSE_SECONDS = 0.5
"""How long a line waits for others."""
ENOUGH = 500
"""So many wait no longer."""
AT_ONCE = 32
"""So many are made one behind the other. Meanwhile pages wait: 20 us; for 500 it was 300."""
HEAD_BYTES = 4_096
"""Of an answer that is one piece; what is told of it stands in its head."""
GONE = 499
"""The status of what nobody waited for, as nginx has it."""
_AT = itemgetter(0)


class AccessLog:
    """The access log of one worker. `clock` gives Unix seconds."""

    def __init__(self, file: LogFile, lines: Lines, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._lines = lines
        self.clock = clock
        self._noted: list[Line | ServedPage] = []
        self._made: list[bytes] = []  # one behind the other; so many they are
        self._many = 0
        self._pending = Pending()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics, clock: Callable[[], float] = time.time) -> AccessLog | None:
        """The log by the settings; None when none is kept. Raises `OperatorError` when its file cannot be opened."""
        path = settings.access_log
        return cls(LogFile(path, metrics), Lines(networks(settings.trusted_proxies)), clock) if path else None

    def log(self, pending: Pending) -> None:
        """Logs what is given at once, too."""
        self._pending = pending
        pending.set_logger(self.add, self.schedule)

    def note(
        self,
        at: float,
        asked: LoggedRequest,
        status: int,
        head: Headers | bytes,
        seconds: float = 0.0,
        *,
        is_whole: bool = True,
    ) -> None:
        """Has the line of an answer, as `Lines.of`, written soon."""
        self.add([(at, self._lines.of(at, asked, status, head, seconds, is_whole=is_whole))])

    def add(self, noted: Sequence[Line | ServedPage]) -> None:
        """Has lines written, and those of pages given at once."""
        self._noted += noted
        if len(self._noted) >= AT_ONCE:
            self._make()
        if self._many >= ENOUGH:
            self._hand_over()
        else:
            self.schedule()

    def schedule(self) -> None:
        """Says that there is something to be written, or to be noted later."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._time_is_over)

    def _time_is_over(self) -> None:
        self._timer = None
        self._pending.flush()
        self._make()
        self._hand_over()

    def _make(self) -> None:
        """Makes the lines up to the first page that is pending."""
        noted, pending = self._noted, self._pending.pages
        noted.sort(key=_AT)  # some were noted later
        many = bisect_left(noted, pending[0][0], key=_AT) if pending else len(noted)
        if many < len(noted):
            self._pending.flush_in_steps()
        if many:
            self._made.append(self._lines.joined(noted[:many]))
            self._many += many
            del noted[:many]

    def _hand_over(self) -> None:
        made, many, self._made, self._many = self._made, self._many, [], 0
        if many:
            self._file.write(b"".join(made), many)

    async def aclose(self) -> None:
        """Writes what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._time_is_over()
        await self._file.aclose()


class Turns:
    """What is to be logged of the answers that one connection still owes."""

    def __init__(self, log: AccessLog) -> None:
        self._log = log
        self._asked: dict[OwedAnswer, tuple[float, LoggedRequest]] = {}
        self._said: dict[OwedAnswer, tuple[int, Headers | bytes]] = {}

    def asked(self, turn: OwedAnswer, asked: LoggedRequest, *, instead_of: OwedAnswer | None = None) -> None:
        """Says that an answer is owed from now on, or in the place of another."""
        at, _ = self._asked.pop(instead_of, (self._log.clock(), None)) if instead_of else (self._log.clock(), None)
        self._asked[turn] = at, asked

    def said(self, turn: OwedAnswer, status: int, head: Headers | bytes) -> None:
        """Says how the answer begins."""
        self._said[turn] = status, head

    def over(self, turn: OwedAnswer, *, is_whole: bool) -> None:
        """Says that the answer is complete, or broke off."""
        status, head = self._said.pop(turn, (GONE, b""))
        if turn in self._asked:
            at, asked = self._asked.pop(turn)
            self._log.note(at, asked, status, head, self._log.clock() - at, is_whole=is_whole)

    def at_once(self, asked: LoggedRequest, status: int, head: Headers | bytes) -> None:
        """Says that a request was answered at once."""
        self._log.note(self._log.clock(), asked, status, head)
