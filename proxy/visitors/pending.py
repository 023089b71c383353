"""Pages that were served but not counted and logged yet.

Most served pages are a view to be counted and a line to be logged. Doing that for one page between two requests costs
several times as much as doing it for many in a row, because the CPU's caches are cold. So what is known of a page is
appended to a list here, as one tuple. Its law: whoever reads what is counted flushes the list first (`flush`), and
whoever reads a visitor's history does if the list has a view of theirs, so nobody sees a difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from proxy.http.message import OwnFields, Question
from proxy.metrics import Metrics
from proxy.page.encode import Assembled
from proxy.visitors.view_content import DecidedPage, ViewContent

FLUSH_AT = 500
"""So many pages are flushed without anybody asking, once the last of them has been answered: fewer at a time cost more
each, for caches are cold when it begins."""
STEP = 32
"""So many are counted in one turn of the loop, shown in the metrics in the next, and logged in the third; each takes up
to 25 us, and whoever has asked meanwhile is answered before the next. Half as many in one turn that does all of it cost
a sixth more each. (While the list is searched, half as many are enough, since it is kept short.)"""
SHORT = 32
"""While somebody searches the list for a visitor, it is no longer than this."""


@dataclass(slots=True, eq=False)
class ServedFrom:
    """What pages have in common that are served from one stored page to one question: what their view tells (None: it
    does not count), and the header fields of their answers. `line` is a cache for the access log."""

    question: Question
    view_content: ViewContent | None
    head: bytes = b""
    line: tuple[bytes, bytes] | None = None


ServedPage = tuple[float, str, ServedFrom, DecidedPage | None, Assembled | None, OwnFields, str]
"""A page that was served: when (Unix seconds); the visitor's id; from what; the page as decided, and as it was sent
(None: it was counted and logged elsewhere); the request's own fields beside the question, and the client's address."""

_VISITOR_ID = itemgetter(1)
NOTHING_MORE: OwnFields = {}
Tell = Callable[[Sequence[ServedPage]], None]


class Pending:
    """The pages of one worker that are not counted yet. Whoever appends to `pages` calls `flush_or_schedule` when there
    is one, or there are `flush_at`."""

    __slots__ = (
        "_asked",
        "_count",
        "_counted",
        "_is_flushing",
        "_log",
        "_metrics",
        "_schedule_count",
        "_schedule_log",
        "_shown",
        "_waiting",
        "flush_at",
        "pages",
    )

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.pages: list[ServedPage] = []
        self.flush_at = FLUSH_AT
        self._counted: list[ServedPage] = []  # but not in the metrics yet
        self._shown: list[ServedPage] = []  # there, but not logged yet
        self._is_flushing = False
        self._asked = 0  # so many of the first pages somebody waits for
        self._waiting: list[asyncio.Future[None]] = []
        self._metrics = metrics or Metrics()
        self._metrics.flush_before_reading(self.flush)
        self._count: Tell = lambda _: None
        self._log: Tell = lambda _: None
        self._schedule_count: Callable[[], None] = lambda: None
        self._schedule_log: Callable[[], None] = lambda: None

    def set_counter(self, count: Tell, schedule: Callable[[], None]) -> None:
        """Sets the function that counts views, and the one that schedules this."""
        self._count, self._schedule_count = count, schedule

    def set_logger(self, log: Tell, schedule: Callable[[], None]) -> None:
        """Sets the function that logs pages, and the one that schedules this."""
        self._log, self._schedule_log = log, schedule

    def add(self, page: ServedPage) -> None:
        """Appends a page."""
        self.pages.append(page)
        if len(self.pages) == 1 or len(self.pages) >= self.flush_at:
            self.flush_or_schedule()

    def flush_or_schedule(self) -> None:
        """Begins to flush when there are many pages, else has it done soon."""
        if len(self.pages) < self.flush_at:
            self._schedule_count()
            self._schedule_log()
        else:
            self.flush_in_steps()

    def flush_in_steps(self) -> None:
        """Flushes from now on, a step in each turn of the loop: never two in one, whoever asks."""
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._next_step)

    def _next_step(self) -> None:
        self._is_flushing = False
        try:
            if self._shown:
                self._log_shown()
            elif self._counted:
                self._show_counted()
            else:
                step = min(STEP, self.flush_at // 2)
                self._count_first(
                    max(step, len(self.pages) + step - self.flush_at)
                )  # or the list would grow under load
        finally:
            is_done = not (self._counted or self._shown) and self._asked <= 0
            if not is_done or len(self.pages) >= STEP:
                self.flush_in_steps()
            while is_done and self._waiting:
                if not (waiting := self._waiting.pop()).done():
                    waiting.set_result(None)

    async def flushed(self) -> None:
        """Flushes all pages that are in the list by now, in steps."""
        self._asked = max(self._asked, len(self.pages))
        self.flush_in_steps()
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting
        if self.pages:
            self._schedule_count()
            self._schedule_log()

    def visitor_ids(self) -> Iterator[str]:
        """The visitors of these pages. The list is kept short for as long as this is asked between flushes."""
        self.flush_at = SHORT
        return map(_VISITOR_ID, self.pages)

    def flush(self) -> None:
        """Counts and logs all pages of the list."""
        self._count_first(len(self.pages))
        self.log_counted()

    def _count_first(self, count: int) -> None:
        pages = self.pages[:count]
        del self.pages[:count]  # first: counting may ask for a flush
        self._asked -= len(pages)
        self.flush_at = FLUSH_AT
        if pages:
            self._counted += pages
            self._count(pages)

    def log_counted(self) -> None:
        """Logs the pages that are counted by now."""
        self._show_counted()
        self._log_shown()

    def _show_counted(self) -> None:
        pages, self._counted = self._counted, []
        if pages:
            self._shown += pages
            self._metrics.show_all(
                [(at, source.question.path, done.decided) for at, _, source, done, sent, _, _ in pages if sent and done]
            )

    def _log_shown(self) -> None:
        pages, self._shown = self._shown, []
        if ours := [page for page in pages if page[4] is not None]:
            self._log(ours)
