"""Page views that are not counted yet, because nobody has asked what their visitors did.

Counting one view at once costs several times as much as counting it among others: between two pages a machine's
caches are cold. So views are only appended to a list here. Its law: whoever asks what a visitor did has the list
counted first (`settle`), if there is anything of theirs in it, so nobody can tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxy.visitors.telling import Shown, Telling

ENOUGH = 25
"""So many are counted without anybody asking: some 20 us of work. A hundred cost a little less a view, but made one
request in a hundred wait for them, which is where its 99th percentile is read."""


Pend = tuple[float, str, Telling, Shown | None]
"""A view: its Unix second, whose it is, what the page tells of it, and what was done to the page."""


class Pending:
    """The list of one worker's `views`. Whoever appends to it calls `tend` when it has 1, or `ENOUGH`."""

    __slots__ = ("_count", "_expect", "views")

    def __init__(self) -> None:
        self.views: list[Pend] = []
        self._count: Callable[[Sequence[Pend]], None] = lambda _: None
        self._expect: Callable[[], None] = lambda: None

    def counted_by(self, count: Callable[[Sequence[Pend]], None], expect: Callable[[], None]) -> None:
        """Sets the function that counts views, and the one that is told that there will be some to count."""
        self._count, self._expect = count, expect

    def add(self, view: Pend) -> None:
        """Appends a view."""
        self.views.append(view)
        if len(self.views) == 1 or len(self.views) >= ENOUGH:
            self.tend()

    def tend(self) -> None:
        """Has views counted soon; at once, where there are many."""
        if len(self.views) < ENOUGH:
            self._expect()
        else:
            self.settle()

    def settle(self) -> None:
        """Has all views counted that are in the list."""
        if self.views:
            views = self.views.copy()
            self.views.clear()  # first: counting may ask
            self._count(views)
