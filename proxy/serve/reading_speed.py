"""How long this machine takes to read a page with slots, and so which pages may be read on the event loop.

A page is parsed twice, and some machines take four times as long for it as others. Read in a thread it costs more, but
others have their turn between the two."""

from __future__ import annotations

import time
from collections.abc import Callable

QUICK_BYTES, QUICK_SECONDS = 64 * 1024, 0.001
"""Of a page that may be read on the event loop."""
TAG_SECONDS = 0.000_000_4
"""Taken for each tag, until the first pages were read."""
MANY_TAGS = 200
"""A page with fewer does not tell what one takes."""


class ReadingSpeed:
    """Learns the time of reading from the pages that are read. `clock` gives the seconds that the calling thread has
    computed."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self.clock = clock
        self._tag_seconds = TAG_SECONDS

    def is_quick(self, body: bytes) -> bool:
        """Whether reading the page takes no more than `QUICK_SECONDS`, as far as can be told."""
        return len(body) <= QUICK_BYTES and _tags_of(body) * self._tag_seconds <= QUICK_SECONDS

    def learn(self, body: bytes, seconds: float) -> None:
        """A page with slots was read in so many seconds."""
        if (tags := _tags_of(body)) >= MANY_TAGS:
            self._tag_seconds += (seconds / tags - self._tag_seconds) / 4


def _tags_of(body: bytes) -> int:
    # One byte in 17 is looked at: to count all takes 70 us, and what is in a step of a power of two repeats.
    return body[::17].count(b"<") * 17
