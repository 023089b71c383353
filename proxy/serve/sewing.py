"""Makes the seams that pages want (`page/seams.py`), in a thread beside the event loop. No answer waits for it: a page
without its seams is only larger."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from weakref import WeakSet

from proxy.page.seams import Seams, Wanted

log = logging.getLogger("tailorbird.sewing")

SEAM_BYTES = 32 * 1024 * 1024
"""Memory for the seams of all pages of a worker: some 5,000. Beyond that all are forgotten, and those in use return."""


class Sewing:
    """One thread that makes seams, and the pages that have some; all seams together take at most `most_bytes`."""

    def __init__(self, most_bytes: int = SEAM_BYTES) -> None:
        self._most_bytes = most_bytes
        self._sewn: WeakSet[Seams] = WeakSet()  # touched by the thread alone
        self._thread = ThreadPoolExecutor(1, "sewing")

    def tend(self, seams: Seams) -> None:
        """Has the seams made that are wanted by now."""
        if seams.wanted:
            self._thread.submit(self._make, seams, seams.take_wanted()).add_done_callback(_complain)

    def _make(self, seams: Seams, wanted: Sequence[Wanted]) -> None:
        self._sewn.add(seams)
        if sum(sewn.size for sewn in self._sewn) > self._most_bytes:
            for sewn in self._sewn:
                sewn.forget()
        seams.make(wanted)


def _complain(done: Future[None]) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("seams could not be made", exc_info=done.exception())
