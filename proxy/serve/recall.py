"""What stored pages were shown as, remembered by all that it followed from.

Most visitors of a page are alike to its rules: the same device, language, segments. What was decided for one and put
together for one is then the other's too. Its law: the key holds everything that deciding and filling may look at, by
value; what is in it is a calculation done before, never a visitor's.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from weakref import WeakSet

from proxy.garbage import let_go
from proxy.page.encode import AT_ONCE_BYTES
from proxy.personalise import Personalised

MOST_RECALLED = 32_768
"""For all pages of a worker. One takes some 750 bytes, since the bytes of pages are not copied."""


class Recalled:
    """What one page was shown as: by the circumstances, as its maker calls them, and by the number of those who are
    alike."""

    __slots__ = ("__weakref__", "shown")

    def __init__(self) -> None:
        self.shown: dict[Hashable, dict[int, Personalised]] = {}

    def get(self, circumstances: Hashable, number: int) -> Personalised | None:
        """What it was shown as; None when that is not known."""
        shown = self.shown.get(circumstances)
        return None if shown is None else shown.get(number)


class Recall:
    """Keeps at most `most`; beyond that all are forgotten, and those in use return."""

    def __init__(self, most: int = MOST_RECALLED) -> None:
        self._most = most
        self._count = 0
        self._pages: WeakSet[Recalled] = WeakSet()

    def keep(self, page: Recalled, circumstances: Hashable, number: int, shown: Personalised) -> None:
        """Remembers what the page was shown as, if it is worth it."""
        if not shown.page.is_settled:
            return
        if self._count >= self._most:
            self.forget()
        if not page.shown:
            self._pages.add(page)
        if shown.page.length <= AT_ONCE_BYTES:
            shown.pieces = [b"", shown.page.lines, b"\r\n", *shown.page.chunks]
        page.shown.setdefault(circumstances, {})[number] = shown
        self._count += 1

    def forget(self) -> None:
        """Starts again without any. To free all of them takes 35 ms: a thread does it, one after the other."""
        gone: list[dict[int, Personalised]] = []
        for page in self._pages:
            gone += page.shown.values()
            page.shown = {}
        self._count = 0
        let_go(partial(_one_of, gone), linger_seconds=0)


def _one_of(gone: list[dict[int, Personalised]]) -> object:
    """The next that goes. Raises `IndexError` when there is none."""
    while not gone[-1]:
        gone.pop()
    return gone[-1].popitem()
