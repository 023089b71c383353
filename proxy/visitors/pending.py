"""Views of pages that nobody has looked at since: given a moment ago, and not counted yet.

To count a view at once takes several times as long as to count it among a hundred: between two pages a machine forgets
what counting needs. So where what a page asks does not depend on what visitors did, its views are only put down here.
Its law: whoever asks what visitors did has them counted first (`settle`), so nobody can tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from proxy.page.about import About
from proxy.visitors.telling import Shown, Telling

ENOUGH = 100
"""So many are counted without anybody asking: a third of a millisecond's work."""


class Page(NamedTuple):
    """A page as many ask for it: what it is about, and what it tells; None for what is not counted."""

    about: About
    telling: Telling | None


Pend = tuple[float, str, Page, Shown | None]
"""A view: its Unix second, whose it is, of what, and what was done to the page."""


class Pending:
    """One worker's `views`, to be put down by `add`."""

    __slots__ = ("_begin", "_count", "add", "views")

    def __init__(self) -> None:
        self.views: list[Pend] = []
        self.add = self.views.append
        self._count: Callable[[Sequence[Pend]], None] = lambda _: None

    def counted_by(self, count: Callable[[Sequence[Pend]], None]) -> None:
        """Who counts them."""
        self._count = count

    def settle(self) -> None:
        """Has them counted."""
        if self.views:
            views = self.views.copy()
            self.views.clear()  # first: counting may ask
            self._count(views)
