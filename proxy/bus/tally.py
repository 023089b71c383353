"""What the workers of a machine have counted, each in a file of the folder they share, written once a second: so any of
them can tell the sum, and what a worker counted stays counted when it is gone (a sum that fell would look to whoever
scrapes it like a restart, and be counted again)."""

from __future__ import annotations

import asyncio
import contextlib
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


class Tally:
    """This worker's file, and those of the others. `name` is the worker's on the bus."""

    def __init__(self, folder: Path, name: str, metrics: Metrics) -> None:
        self._folder = folder
        self._name = name
        self._metrics = metrics

    async def keep(self) -> None:
        """Writes again and again, for as long as it is let, and once more at the end."""
        try:
            while True:
                self.write()
                await asyncio.sleep(WRITE_SECONDS)
        finally:
            self.write()

    def write(self) -> None:
        """Writes what this worker has counted. A disk that is full costs the others a look at it, no more."""
        counted = Counted(_rows(self._metrics.counts()), _rows(self._metrics.gauges()))
        new = self._folder / f"{self._name}.new-counts"
        with contextlib.suppress(OSError):
            new.write_bytes(msgspec.msgpack.encode(counted))
            new.rename(self._folder / f"{self._name}{_ENDING}")

    def sums(self) -> tuple[Counts, Counts]:
        """Counts of all that ever were, and gauges of those that live."""
        counts, gauges = Counts(self._metrics.counts()), Counts(self._metrics.gauges())
        for name, counted in self._others():
            _add(counts, counted.counts)
            if (self._folder / f"{name}.sock").exists():
                _add(gauges, counted.gauges)
        return counts, gauges

    def _others(self) -> Iterator[tuple[str, Counted]]:
        for path in self._folder.glob(f"*{_ENDING}"):
            if path.stem != self._name:
                yield path.stem, msgspec.msgpack.decode(path.read_bytes(), type=Counted)


def _rows(counts: Counts) -> list[tuple[str, str, str, int]]:
    return [(*key, value) for key, value in counts.items()]


def _add(counts: Counts, rows: list[tuple[str, str, str, int]]) -> None:
    for name, label, value, count in rows:
        counts[name, label, value] += count
