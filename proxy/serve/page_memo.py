"""The page memo: the variants in which stored pages were shown, remembered by everything they depend on.

Most visitors of a page belong to the same class for its rules: the same device, language, segments. The page made for
one is then right for the other. Where rules tell visitors apart finely, or split them at random, there are still few
outcomes: whoever is not known is decided for, and gets the page made for others with the same decisions. Its law: the
key holds everything that deciding and filling may look at, by value; nothing of a visitor is in the value.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any
from weakref import WeakSet

from proxy.decide.engine import SharedBits
from proxy.garbage import let_go
from proxy.model import Decision
from proxy.page.encode import AT_ONCE_BYTES, Coding
from proxy.personalise import Personalised

MOST_PAGES = 32_768
"""The most pages that a worker remembers. One takes some 750 bytes, since their bytes are shared."""
ENTRY_SIZE = 1 / 8
"""The size of a further key for a page that is remembered already, as a share of a page: some 100 bytes."""

Outcome = tuple[Coding | int, ...]
"""The coding, and which decisions were made."""


def outcome_of(decisions: tuple[Decision, ...], coding: Coding) -> Outcome:
    """The outcome, valid as long as these decision objects live. They are compared by identity, as a plan has one
    object of each: to compare their contents takes longer than to put the page together."""
    return (coding, *map(id, decisions))


class PagesByClass(dict[int, Personalised]):
    """The variants of one page in some circumstances, by the number of their visitors' class. `shared_bits` is the
    first step of deciding, the same for all of them."""

    __slots__ = ("shared_bits",)

    def __init__(self) -> None:
        super().__init__()
        self.shared_bits: SharedBits | None = None


class PageMemoEntry:
    """The variants of one page: by circumstances and class (`shown`); and by the decisions made (`outcomes`)."""

    __slots__ = ("__weakref__", "outcomes", "shown")

    def __init__(self) -> None:
        self.shown: dict[Hashable, PagesByClass] = {}
        self.outcomes: dict[Outcome, Personalised] = {}

    def get(self, circumstances: Hashable, number: int) -> Personalised | None:
        """The page for this class of visitors; None when it is not remembered."""
        shown = self.shown.get(circumstances)
        return None if shown is None else shown.get(number)

    def shared_bits(self, circumstances: Hashable) -> SharedBits | None:
        """The first step of deciding in these circumstances; None when it is not remembered."""
        shown = self.shown.get(circumstances)
        return None if shown is None else shown.shared_bits


class PageMemo:
    """Remembers at most `most` variants of pages, or fewer with many keys each. When it is full, all are forgotten;
    those in use come back."""

    def __init__(self, most: int = MOST_PAGES) -> None:
        self._most = most
        self._taken = 0.0
        self._pages: WeakSet[PageMemoEntry] = WeakSet()

    def shared_bits_of(self, page: PageMemoEntry, circumstances: Hashable, shared_bits: SharedBits) -> None:
        """Remembers the first step of deciding in these circumstances."""
        self._make_room(page, 1)
        page.shown.setdefault(circumstances, PagesByClass()).shared_bits = shared_bits

    def keep(self, page: PageMemoEntry, circumstances: Hashable, number: int, shown: Personalised) -> None:
        """Remembers the page for a class of visitors, if its bytes depend on nothing else."""
        if shown.page.is_settled:
            self._take(page, shown)
            page.shown.setdefault(circumstances, PagesByClass())[number] = shown

    def keep_outcome(self, page: PageMemoEntry, outcome: Outcome, shown: Personalised) -> None:
        """The same by its outcome; `shown` holds the decisions, so that their identities stay valid."""
        if shown.page.is_settled:
            self._take(page, shown)
            page.outcomes[outcome] = shown

    def forget(self) -> None:
        """Forgets all. To free them takes 35 ms, so a thread does it, one after the other."""
        gone: list[dict[Any, Personalised]] = []
        for page in self._pages:
            gone += (*page.shown.values(), page.outcomes)
            page.shown, page.outcomes = {}, {}
        self._taken = 0.0
        let_go(partial(_one_of, gone), linger_seconds=0)

    def _take(self, page: PageMemoEntry, shown: Personalised) -> None:
        """Makes room for a key, and for its page unless that is remembered already."""
        self._make_room(page, ENTRY_SIZE if shown.is_remembered else 1)
        shown.is_remembered = True
        _ready(shown)

    def _make_room(self, page: PageMemoEntry, size: float) -> None:
        """Makes room for one more key of the page."""
        if self._taken + size > self._most:
            self.forget()
        if not (page.shown or page.outcomes):
            self._pages.add(page)
        self._taken += size


def _ready(shown: Personalised) -> None:
    """Prepares the pieces that are joined when the page is shown again."""
    if shown.pieces is None and shown.page.length <= AT_ONCE_BYTES:
        shown.pieces = [b"", shown.page.lines + b"\r\n", *shown.page.chunks]


def _one_of(gone: list[dict[Any, Personalised]]) -> object:
    """Removes one page. Raises `IndexError` when none is left."""
    while not gone[-1]:
        gone.pop()
    return gone[-1].popitem()
