"""Page views that are not counted yet, because nobody has asked what their visitors did.

Counting one view at once costs several times as much as counting it among a hundred: between two pages a machine's
caches are cold. So where a page's slots do not depend on what visitors did, its views are only appended to a list here.
Its law: whoever asks what visitors did has the list counted first (`settle`), so nobody can tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from proxy.page.about import About
from proxy.visitors.telling import Shown, Telling

ENOUGH = 100
"""So many are counted without anybody asking: a third of a millisecond's work."""


class Page(NamedTuple):
    """A page as many ask for it: what it is about, and what its views say; None for what does not count."""

    about: About
    telling: Telling | None


Pend = tuple[float, str, Page, Shown | None]
"""A view: its Unix second, whose it is, of what, and what was done to the page."""


class Pending:
    """The list of one worker's `views`; `add` appends to it."""

    __slots__ = ("_begin", "_count", "add", "views")

    def __init__(self) -> None:
        self.views: list[Pend] = []
        self.add = self.views.append
        self._count: Callable[[Sequence[Pend]], None] = lambda _: None

    def counted_by(self, count: Callable[[Sequence[Pend]], None]) -> None:
        """Sets the function that counts views."""
        self._count = count

    def settle(self) -> None:
        """Has all views counted that are in the list."""
        if self.views:
            views = self.views.copy()
            self.views.clear()  # first: counting may ask
            self._count(views)
