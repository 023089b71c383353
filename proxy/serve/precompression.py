"""Static texts (styles, scripts, pictures as SVG, JSON) in the coding a client likes best: coded once, as small as it
gets, in a thread beside the event loop, when what is stored is asked for again. No answer waits for it.

Only what is stored for everybody is coded by us: a text that holds somebody's secret must not be (BREACH).
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from weakref import WeakSet

from proxy.httpcache.coding import CODERS, ranked
from proxy.httpcache.stored import StoredResponse, cache_control

log = logging.getLogger("tailorbird.packing")

LEAST_BYTES = 512
WORTH_IT = 0.95
PACKED_BYTES = 64 * 1024 * 1024
"""Memory for the packed texts of a worker. Beyond that all are forgotten, and those in use return."""

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
        for coding in ranked(accept_encoding):
            if coding in self.codings:
                return coding, self.codings[coding]
        return None

    def wanted(self, accept_encoding: bytes) -> bytes | None:
        """The coding to be made now, if any; returned once, when one asks again after others."""
        self._asked += 1
        best = next(iter(ranked(accept_encoding)), None)
        if best is None or best in self._begun or self._asked < 2:
            return None
        self._begun.add(best)
        return best

    def forget(self) -> None:
        """Drops the codings; they are made again when asked for."""
        self.codings.clear()
        self._begun.clear()

    @property
    def size(self) -> int:
        """Bytes of the codings."""
        return sum(map(len, self.codings.values()))


def precompressible(stored: StoredResponse) -> Precompressed | None:
    """What to pack of an answer; None when it stays as it is."""
    return Precompressed(stored.body) if len(stored.body) >= LEAST_BYTES and is_precompressible(stored) else None


def is_precompressible(head: StoredResponse) -> bool:
    """Whether an answer with this head is packed once it is there, and not small: not if it is coded or compressed
    already, or not to be changed (RFC 9111 5.2.2.6)."""
    media_type = (head.get(b"content-type") or b"").partition(b";")[0].strip().lower()
    is_text = media_type.startswith(b"text/") or media_type in _TEXTS
    is_coded = head.get(b"content-encoding") is not None
    length = head.get(b"content-length") or b""
    is_small = length.isdigit() and int(length) < LEAST_BYTES
    may_change = not cache_control(head.headers).no_transform
    return head.status == 200 and is_text and not is_coded and not is_small and may_change


class Precompressor:
    """One thread that codes texts; all codings together take at most `most_bytes`."""

    def __init__(self, most_bytes: int = PACKED_BYTES) -> None:
        self._most_bytes = most_bytes
        self._packed: WeakSet[Precompressed] = WeakSet()  # touched by the thread alone
        self._thread = ThreadPoolExecutor(1, "packing")

    def tend(self, packed: Precompressed, accept_encoding: bytes) -> None:
        """Has the coding made that is wanted by now."""
        coding = packed.wanted(accept_encoding)
        if coding is not None:
            self._thread.submit(self._make, packed, coding).add_done_callback(_complain)

    def _make(self, packed: Precompressed, coding: bytes) -> None:
        coded = CODERS[coding](packed.body)
        if len(coded) > WORTH_IT * len(packed.body):
            return
        self._packed.add(packed)
        packed.codings[coding] = coded
        if sum(each.size for each in self._packed) > self._most_bytes:
            for each in self._packed:
                each.forget()


def _complain(done: Future[None]) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("a text could not be packed", exc_info=done.exception())
