"""Static texts (styles, scripts, SVG, JSON) in the client's preferred coding, and the background thread that compresses
them: once, with the best effort, when a stored text is asked for again. No answer waits for it.

Only shared answers are compressed by us: a text with somebody's secret must not be (BREACH).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Protocol
from weakref import WeakSet

from proxy.httpcache.coding import ENCODERS, ranked_codings
from proxy.httpcache.stored import StoredResponse, cache_control

LEAST_BYTES = 512
WORTH_IT = 0.95
CODED_BYTES = 64 * 1024 * 1024
"""Memory for the coded texts of a worker."""

_TEXTS = frozenset(
    b"application/javascript application/x-javascript application/ecmascript application/json application/xml "
    b"application/rss+xml application/atom+xml application/manifest+json application/ld+json application/geo+json "
    b"image/svg+xml".split()
)


class Precompressed:
    """One stored text, in the codings made so far."""

    __slots__ = ("__weakref__", "_asked", "_begun", "body", "codings")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.codings: dict[bytes, bytes] = {}
        self._asked = 0
        self._begun: set[bytes] = set()

    def get(self, accept_encoding: bytes) -> tuple[bytes, bytes] | None:
        """The best ready coding and the body in it; None for the body as it is."""
        for coding in ranked_codings(accept_encoding):
            if coding in self.codings:
                return coding, self.codings[coding]
        return None

    def tend(self, accept_encoding: bytes, background: Background) -> None:
        """Has the best coding made, once, on the second request for it."""
        self._asked += 1
        best = next(iter(ranked_codings(accept_encoding)), None)
        if best is not None and best not in self._begun and self._asked > 1:
            self._begun.add(best)
            background.make(self, partial(self._make, best))

    def _make(self, coding: bytes) -> None:
        coded = ENCODERS[coding](self.body)
        if len(coded) <= WORTH_IT * len(self.body):
            self.codings[coding] = coded

    def forget(self) -> None:
        """Drops the codings; they are made again when asked for."""
        self.codings.clear()
        self._begun.clear()

    @property
    def size(self) -> int:
        """Bytes of the codings."""
        return sum(map(len, self.codings.values()))


def precompressible(stored: StoredResponse) -> Precompressed | None:
    """The text of an answer to be compressed; None when it is left as it is."""
    return Precompressed(stored.body) if len(stored.body) >= LEAST_BYTES and is_precompressible(stored) else None


def is_precompressible(head: StoredResponse) -> bool:
    """Whether an answer with this head is compressed, if it is not small: not if it is coded already, of a compressed
    type, or must not be changed (RFC 9111 5.2.2.6)."""
    media_type = (head.get(b"content-type") or b"").partition(b";")[0].strip().lower()
    is_text = media_type.startswith(b"text/") or media_type in _TEXTS
    is_coded = head.get(b"content-encoding") is not None
    length = head.get(b"content-length") or b""
    is_small = length.isdigit() and int(length) < LEAST_BYTES
    may_change = not cache_control(head.headers).no_transform
    return head.status == 200 and is_text and not is_coded and not is_small and may_change


# -- Makes answers smaller, in a thread beside the event loop: no answer waits for it; one that comes earlier is only
# larger. The results take bounded memory: beyond that all are dropped, and those in use are made again.

log = logging.getLogger("tailorbird.background")


class Shrunk(Protocol):
    """Something with smaller forms in memory."""

    @property
    def size(self) -> int:
        """Their size in bytes, about."""

    def forget(self) -> None:
        """Drops them; they are made again when asked for."""


class Background:
    """One thread, whose work takes little more than `most_bytes` of memory."""

    def __init__(self, name: str, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: WeakSet[Shrunk] = WeakSet()  # touched by the thread alone, as is the next
        self._bytes = 0  # of them, and of those that are gone since they were counted
        self._thread = ThreadPoolExecutor(1, name)

    def make(self, what: Shrunk, make: Callable[[], None]) -> None:
        """Has `make` produce smaller forms of it."""
        self._thread.submit(self._make, what, make).add_done_callback(_complain)

    def _make(self, what: Shrunk, make: Callable[[], None]) -> None:
        if self._bytes > self._most_bytes:
            self._count_anew()
        self._kept.add(what)
        before = what.size
        make()
        self._bytes += what.size - before

    def _count_anew(self) -> None:
        """Drops all unless a fourth of the room is free: to count takes too long to be done for each."""
        self._bytes = sum(each.size for each in self._kept)
        if self._bytes > 0.75 * self._most_bytes:
            for each in self._kept:
                each.forget()
            self._bytes = 0


def _complain(done: Future[None]) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("an answer could not be made smaller", exc_info=done.exception())
