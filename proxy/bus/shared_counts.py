"""The metrics of all workers of a machine: each writes its own to a file of the folder they share, once a second. So
any of them can tell the sum, and what a worker counted stays counted when it is gone (a sum that fell would look to
Prometheus like a restart, and be counted again)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec

from proxy.metrics import Counts, Metrics

WRITE_SECONDS = 1.0
_ENDING = ".counts"


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A worker's counts, and its gauges as they were just then."""

    counts: list[tuple[str, str, str, int]]
    gauges: list[tuple[str, str, str, int]]


class SharedCounts:
    """Writes this worker's file and reads those of the others. `name` is the worker's on the bus."""

    def __init__(self, folder: Path, name: str, metrics: Metrics) -> None:
        self._folder = folder
        self._name = name
        self._metrics = metrics
        self._numbers = itertools.count(1)
        self._written: tuple[Counts, Counts] | None = None
        self._file: Path | None = None

    async def keep(self) -> None:
        """Writes the metrics whenever they changed, once a second until cancelled, and once more then. A slow file
        system, or packing the counts of thousands of rules, holds up only the thread that does it."""
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                if (now := self._now()) != self._written:
                    writing = asyncio.create_task(asyncio.to_thread(self._put, *now))
                    await asyncio.shield(writing)
                await asyncio.sleep(WRITE_SECONDS)
        finally:
            if writing is not None:
                await asyncio.wait((writing,))  # else it would come at the same time, or after, with less
            self.write()

    def write(self) -> None:
        """Writes the metrics of this worker. When the disk is full, the others read an older state."""
        self._put(*self._now())

    def sums(self, counts: Counts, gauges: Counts) -> tuple[Counts, Counts]:
        """Adds the counts of all workers there ever were, and the gauges of those alive, to these of our own."""
        for name, counted in self._others():
            _add(counts, counted.counts)
            if (self._folder / f"{name}.sock").exists():
                _add(gauges, counted.gauges)
        return counts, gauges

    def _now(self) -> tuple[Counts, Counts]:
        return Counts(self._metrics.counts()), self._metrics.gauges()

    def _put(self, counts: Counts, gauges: Counts) -> None:
        """Under another name each time: to take the name of a file that is there makes some file systems (ext4) bring
        all to the disk at once, and that takes as long as it takes."""
        number = next(self._numbers)
        new = self._folder / f"{self._name}.new-counts"
        file = self._folder / f"{self._name}.{number:010}{_ENDING}"
        with contextlib.suppress(OSError):
            new.write_bytes(msgspec.msgpack.encode(Counted(_rows(counts), _rows(gauges))))
            new.rename(file)
            if self._file is not None:
                self._file.unlink(missing_ok=True)
            self._file, self._written = file, (counts, gauges)

    def _others(self) -> Iterator[tuple[str, Counted]]:
        latest = {path.stem.rpartition(".")[0]: path for path in sorted(self._folder.glob(f"*{_ENDING}"))}
        latest.pop(self._name, None)
        for name, path in latest.items():
            if (said := self._last_of(name, path)) is not None:
                yield name, msgspec.msgpack.decode(said, type=Counted)

    def _last_of(self, name: str, path: Path) -> bytes | None:
        """The content of that file, or of the one that replaced it meanwhile."""
        while True:
            try:
                return path.read_bytes()
            except FileNotFoundError:
                newer = max(self._folder.glob(f"{name}.*{_ENDING}"), default=None)
                if newer in (None, path):
                    return None
                path = newer


def _rows(counts: Counts) -> list[tuple[str, str, str, int]]:
    return [(*key, value) for key, value in counts.items()]


def _add(counts: Counts, rows: list[tuple[str, str, str, int]]) -> None:
    for name, label, value, count in rows:
        counts[name, label, value] += count
