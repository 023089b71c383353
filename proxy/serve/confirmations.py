"""Whether the origin may say that a visitor's copy of their own page is still good (304). Where a page has slots, only
copies that were filled here are. The origin would confirm one of its own, from before Tailorbird stood in front of it
or a slot was found in the page, and its slots would stay as they are: so it is asked only where all pages at the path
were passed on as they came.
"""

from __future__ import annotations

from proxy.http.message import Request
from proxy.memo import make_room
from proxy.upstream.asking import is_document

MOST_PATHS = 10_000
CONDITIONS = frozenset({b"if-none-match", b"if-modified-since"})


class Confirmations:
    """What one worker knows of the paths, with the slots declared at present."""

    def __init__(self) -> None:
        self._are_left: dict[bytes, bool] = {}

    def are_left(self, path: bytes) -> bool:
        """Whether pages at the path are passed on as they come; False before one was seen here."""
        return self._are_left.get(path, False)

    def may_come(self, method: bytes, path: bytes) -> bool:
        """Whether the origin may be told the conditions. Of a change they are for the origin alone, as
        `If-None-Match: *`, which overwrites nothing."""
        return self.are_left(path) or method not in (b"GET", b"HEAD")

    def note(self, path: bytes, *, is_left: bool) -> None:
        """A page was read, and passed on as it came, or filled."""
        make_room(self._are_left, MOST_PATHS)
        self._are_left[path] = is_left and self._are_left.get(path, True)

    def note_streamed(self, request: Request, status: int) -> None:
        """What was asked for as a page is none, or is passed on unread."""
        if status == 200 and any(request.get(name) for name in CONDITIONS) and is_document(request):
            self.note(request.path, is_left=True)

    def forget(self) -> None:
        """Forgets all paths: others may have slots now."""
        self._are_left.clear()
