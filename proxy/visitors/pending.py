"""Pages that were given and that nobody was told of yet.

Each is a view of its visitor's, and most are to be counted and to be logged. To do that for one at once costs several
times as much as to do it among others: between two pages a machine's caches are cold. So what is to be told of a page
is one tuple, appended to a list here. Its law: whoever asks for any of it has the list told first (`settle`), who asks
what a visitor did if there is anything of theirs in it, so nobody can tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter

from proxy.http.message import Own, Question
from proxy.metrics import Metrics
from proxy.visitors.telling import Shown, Telling

MANY = 250
"""So many are told without anybody asking: a fifth of a millisecond of work. One request in so many waits for it, which
is less than its 99th percentile shows."""
FEW = 50
"""So many are, while somebody looks through them: they cost 0.6 us more a page."""


Given = tuple[float, str, Telling | None, Shown | None, Question, Own, str, bytes, int]
"""A page: the Unix second; whose view it is, what it tells (None: it does not count) and what was done to the page; the
question, what this one said of its own beside it, and who sent it; the fields above the answer and the length of its
body, without which others count and log it."""

_WHOSE = itemgetter(1)
NOTHING_MORE: Own = {}
Tell = Callable[[Sequence[Given]], None]


class Pending:
    """The list of one worker's pages (`given`). Whoever appends to it calls `tend` when it has 1, or `enough`."""

    __slots__ = ("_count", "_expect", "_expect_too", "_log", "_metrics", "enough", "given")

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.given: list[Given] = []
        self.enough = MANY
        self._metrics = metrics or Metrics()
        self._metrics.told_by(self.settle)
        self._count: Tell = lambda _: None
        self._log: Tell = lambda _: None
        self._expect: Callable[[], None] = lambda: None
        self._expect_too: Callable[[], None] = lambda: None

    def counted_by(self, count: Tell, expect: Callable[[], None]) -> None:
        """Sets the function that counts views, and the one that is told that there will be some to count."""
        self._count, self._expect = count, expect

    def logged_by(self, log: Tell, expect: Callable[[], None]) -> None:
        """The same of those that log pages."""
        self._log, self._expect_too = log, expect

    def add(self, page: Given) -> None:
        """Appends a page."""
        self.given.append(page)
        if len(self.given) == 1 or len(self.given) >= self.enough:
            self.tend()

    def tend(self) -> None:
        """Has pages told soon; at once, where there are many."""
        if len(self.given) < self.enough:
            self._expect()
            self._expect_too()
        else:
            self.settle()

    def whose(self) -> Iterator[str]:
        """Of whom something is in the list; it is kept short while somebody asks this."""
        self.enough = FEW
        return map(_WHOSE, self.given)

    def settle(self) -> None:
        """Has all told that are in the list."""
        if self.given:
            given = self.given.copy()
            self.given.clear()  # first: who is told may ask
            self.enough = MANY
            ours = [page for page in given if page[7]]
            self._metrics.show_all(
                [(at, question.path, done.decided) for at, _, _, done, question, _, _, _, _ in ours if done is not None]
            )
            if ours:
                self._log(ours)
            self._count(given)
