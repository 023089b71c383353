"""What stored pages were shown as, remembered by all that it followed from.

Most visitors of a page are alike to its rules: the same device, language, segments. What was decided for one and put
together for one is then the other's too. Where rules tell visitors apart finely, or draw lots, it comes to the same
few outcomes all the same: who is not known is decided for, and what was put together for others of whom the same was
decided is theirs too. Its law: the key holds everything that deciding and filling may look at, by value; what is in it
is a calculation done before, never a visitor's.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any
from weakref import WeakSet

from proxy.decide.engine import Begun
from proxy.garbage import let_go
from proxy.model import Decision
from proxy.page.encode import AT_ONCE_BYTES, Coding
from proxy.personalise import Personalised

MOST_RECALLED = 32_768
"""For all pages of a worker. One takes some 750 bytes, since the bytes of pages are not copied."""
ENTRY = 1 / 8
"""What an entry more takes that leads to one of them: some 100 bytes."""

Outcome = tuple[Coding | int, ...]
"""Which decisions were made, and the coding."""


def outcome_of(decisions: tuple[Decision, ...], coding: Coding) -> Outcome:
    """The outcome, good for as long as there are these decisions: they are known by where they are, since a plan has
    one of each, and to compare all that they say takes longer than to put the page together."""
    return (coding, *map(id, decisions))


class PagesByClass(dict[int, Personalised]):
    """What one page was shown as in some circumstances, by the number of those who are alike. `begun` is what deciding
    for any of them begins with."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        super().__init__()
        self.begun: Begun | None = None


class PageMemoEntry:
    """What one page was shown as: by the circumstances, as its maker calls them; and by the outcome."""

    __slots__ = ("__weakref__", "outcomes", "shown")

    def __init__(self) -> None:
        self.shown: dict[Hashable, PagesByClass] = {}
        self.outcomes: dict[Outcome, Personalised] = {}

    def get(self, circumstances: Hashable, number: int) -> Personalised | None:
        """What it was shown as; None when that is not known."""
        shown = self.shown.get(circumstances)
        return None if shown is None else shown.get(number)

    def begun(self, circumstances: Hashable) -> Begun | None:
        """What deciding in these circumstances begins with; None when that is not known."""
        shown = self.shown.get(circumstances)
        return None if shown is None else shown.begun


class PageMemo:
    """Remembers at most `most` pages as they were shown, or fewer with many entries each; when that is reached all are
    forgotten, and those in use come back."""

    def __init__(self, most: int = MOST_RECALLED) -> None:
        self._most = most
        self._taken = 0.0
        self._pages: WeakSet[PageMemoEntry] = WeakSet()

    def begin(self, page: PageMemoEntry, circumstances: Hashable, begun: Begun) -> None:
        """Remembers what deciding in these circumstances begins with."""
        self._make_room(page, 1)
        page.shown.setdefault(circumstances, PagesByClass()).begun = begun

    def keep(self, page: PageMemoEntry, circumstances: Hashable, number: int, shown: Personalised) -> None:
        """Remembers what the page was shown as, if that is worth it."""
        if shown.page.is_settled:
            self._take(page, shown)
            page.shown.setdefault(circumstances, PagesByClass())[number] = shown

    def keep_outcome(self, page: PageMemoEntry, outcome: Outcome, shown: Personalised) -> None:
        """The same, by an outcome of the very decisions that `shown` has."""
        if shown.page.is_settled:
            self._take(page, shown)
            page.outcomes[outcome] = shown

    def forget(self) -> None:
        """Starts again without any. To free all of them takes 35 ms: a thread does it, one after the other."""
        gone: list[dict[Any, Personalised]] = []
        for page in self._pages:
            gone += (*page.shown.values(), page.outcomes)
            page.shown, page.outcomes = {}, {}
        self._taken = 0.0
        let_go(partial(_one_of, gone), linger_seconds=0)

    def _take(self, page: PageMemoEntry, shown: Personalised) -> None:
        """Makes room for an entry, and for what it leads to, if no other leads there."""
        self._make_room(page, ENTRY if shown.is_remembered else 1)
        shown.is_remembered = True
        _ready(shown)

    def _make_room(self, page: PageMemoEntry, size: float) -> None:
        """Makes room for one more of the page."""
        if self._taken + size > self._most:
            self.forget()
        if not (page.shown or page.outcomes):
            self._pages.add(page)
        self._taken += size


def _ready(shown: Personalised) -> None:
    """The pieces that are joined for who is shown it again."""
    if shown.pieces is None and shown.page.length <= AT_ONCE_BYTES:
        shown.pieces = [b"", shown.page.lines + b"\r\n", *shown.page.chunks]


def _one_of(gone: list[dict[Any, Personalised]]) -> object:
    """The next that goes. Raises `IndexError` when there is none."""
    while not gone[-1]:
        gone.pop()
    return gone[-1].popitem()
