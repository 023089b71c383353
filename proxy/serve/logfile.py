"""The file of the access log, and the thread that writes to it.

Its law: nobody waits for a disk, or for whoever reads standard output. What cannot be written is lost and counted. A
file that was moved away, as logrotate does, is made anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from queue import SimpleQueue
from threading import Thread

from proxy.environment import mistaken
from proxy.errors import OperatorError
from proxy.metrics import Metrics
from proxy.turns import give_way

log = logging.getLogger("tailorbird.accesslog")

MOST_WAITING = 50_000
"""More lines than these, while the disk takes none, are lost."""
LAST_SECONDS = 5.0
"""How long a worker that ends waits for its last lines to be written."""


class LogFile:
    """The file at `path`, or standard output for `-`. Raises `OperatorError` when it cannot be opened. All but `_run`
    and what that calls belongs to the event loop."""

    def __init__(self, path: str, metrics: Metrics) -> None:
        self._path = path
        self._metrics = metrics
        self._given, self._done = 0, 0  # lines; each is added to by one thread alone
        self._is_well = True
        self._batches: SimpleQueue[tuple[bytes, int] | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._file = sys.stdout.fileno() if path == "-" else _opened(path)

    def write(self, lines: bytes, many: int) -> None:
        """Queues so many lines, as they stand one behind the other, with their line ends."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread = Thread(target=self._run, args=(self._loop,), name="access-log", daemon=True)
            self._thread.start()
        if self._given - self._done + many > MOST_WAITING:
            self._lost(many)
        else:
            self._given += many
            self._batches.put((lines, many))

    async def aclose(self) -> None:
        """Returns once what was queued has been written, or could not be."""
        if self._loop is not None:
            self._batches.put(None)
            await asyncio.to_thread(self._thread.join, LAST_SECONDS)
        is_free = self._loop is None or not self._thread.is_alive()  # else it would write to whatever had its number
        if self._path != "-" and is_free:
            os.close(self._file)

    def _went(self, many: int, error: Exception | None) -> None:
        """Counts lines that were written, or lost."""
        if error is not None:
            self._lost(many)
        if (error is None) != self._is_well:
            self._is_well = error is None
            if error is not None:
                log.error("the access log cannot be written: %s", error)
            else:
                log.warning("the access log can be written again")

    def _lost(self, many: int) -> None:
        self._metrics.count("tailorbird_access_log_lost_total", by=many)

    # -- in the thread

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        give_way()
        while (batch := self._batches.get()) is not None:
            lines, many = batch
            error = self._why_not(lines)
            self._done += many
            if error is not None or not self._is_well:  # else there is nothing to tell, which costs as much as to write
                loop.call_soon_threadsafe(self._went, many, error)

    def _why_not(self, lines: bytes) -> Exception | None:
        """Writes the lines; returns the error, if any."""
        try:
            self._write(lines)
        except (OSError, OperatorError) as error:
            return error
        return None

    def _write(self, lines: bytes) -> None:
        if self._path != "-" and not _is_at(self._file, self._path):
            old, self._file = self._file, _opened(self._path)
            os.close(old)
        # One write for all: workers that share a file leave each other's lines whole.
        left = memoryview(lines)
        while left:
            left = left[os.write(self._file, left) :]


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise mistaken(
            "access_log", f"`{path}` cannot be written: {error.strerror}", help="name a file in a folder that is there"
        ) from error


def _is_at(file: int, path: str) -> bool:
    try:
        there, ours = os.stat(path), os.fstat(file)
    except FileNotFoundError:
        return False
    return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)
