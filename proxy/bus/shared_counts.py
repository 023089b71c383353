"""The metrics of all workers of a machine. Each worker writes its own to a file in the shared folder once a second, so
that any of them can report the sum. What an ended worker has counted stays in it: to Prometheus a falling sum is a
restart, and would be counted twice. So that no files pile up, the supervisor makes it its own, and deletes the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from pathlib import Path

import msgspec

from proxy.metric_rows import EARLIEST
from proxy.metrics import Counts, Metrics

log = logging.getLogger("tailorbird.bus")

WRITE_SECONDS = 1.0
_ENDING = ".counts"


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A worker's counters and gauges at one time; each row is name, label, value of the label, number. Those of the
    `ended` workers are among its counters; their files may be there for another moment."""

    counts: list[tuple[str, str, str, int]]
    gauges: list[tuple[str, str, str, int]]
    ended: list[str] = []


class SharedCounts:
    """Writes this worker's file and reads those of the others. `name` is the worker's name on the bus."""

    def __init__(self, folder: Path, name: str, metrics: Metrics) -> None:
        self._folder = folder
        self._name = name
        self._metrics = metrics
        self._numbers = itertools.count(1)
        self._written: tuple[Counts, Counts] | None = None
        self._is_well = True
        self._file: Path | None = None
        self._taken: dict[str, Path] = {}  # the files whose counters are among ours, until they are deleted

    async def keep(self) -> None:
        """Writes the metrics if they changed, once a second until cancelled, and once more then. It is done in a
        thread, so that a slow file system or the counts of thousands of rules do not hold up the event loop."""
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                if (now := self._now()) != self._written:
                    writing = asyncio.create_task(asyncio.to_thread(self._put, *now))
                    await asyncio.shield(writing)
                await asyncio.sleep(WRITE_SECONDS)
        finally:
            if writing is not None:
                await asyncio.wait((writing,))  # else it would write older metrics at the same time, or after
            self.write()

    def write(self) -> None:
        """Writes the metrics of this worker. If the disk is full, the others read an older state."""
        self._put(*self._now())

    def take_over(self, pid: int) -> None:
        """Adds the counters of that worker, which has ended, to our own. Only one process may do so, the same for all.
        What cannot be read, as that of another version, stays where it is."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            for name, path in self._files().items():
                is_its = name.split("-")[-2:-1] == [str(pid)] and name not in self._taken
                if is_its and (counted := self._read(name, path)) is not None:
                    for counter, label, value, count in counted.counts:
                        self._metrics.count(counter, label, value, count)
                    self._taken[name] = path
        self.write()

    def sums(self, counts: Counts, gauges: Counts) -> tuple[Counts, Counts]:
        """Adds the counters of all other workers, ended ones too, and the gauges of those alive, to these of this
        worker."""
        others = self._others()
        ended = {name for counted in others.values() for name in counted.ended}
        for name, counted in others.items():
            if name not in ended:
                _add(counts, counted.counts)
            if (self._folder / f"{name}.sock").exists():
                _add(gauges, [row for row in counted.gauges if row[0] not in EARLIEST])
                _least(gauges, [row for row in counted.gauges if row[0] in EARLIEST])
        return counts, gauges

    def _now(self) -> tuple[Counts, Counts]:
        return Counts(self._metrics.counts()), self._metrics.gauges()

    def _put(self, counts: Counts, gauges: Counts) -> None:
        """Uses a new file name each time: renaming over an existing file makes some file systems (ext4) write
        everything to the disk at once, which may take long."""
        number = next(self._numbers)
        new = self._folder / f"{self._name}.new-counts"
        file = self._folder / f"{self._name}.{number:010}{_ENDING}"
        try:
            new.write_bytes(msgspec.msgpack.encode(Counted(_rows(counts), _rows(gauges), list(self._taken))))
            new.rename(file)
            if self._file is not None:
                self._file.unlink(missing_ok=True)
            self._file, self._written = file, (counts, gauges)
            while self._taken:
                self._taken.popitem()[1].unlink(missing_ok=True)
            if not self._is_well:
                log.warning("the metrics of this process reach `%s` again", self._folder)
            self._is_well = True
        except FileNotFoundError:
            pass  # the folder is gone, which the bus tells and mends
        except OSError as error:
            if self._is_well:
                log.warning("the sums of /metrics are wrong: nothing can be written in `%s`: %s", self._folder, error)
            self._is_well = False

    def _others(self) -> dict[str, Counted]:
        """What the other workers have written, by name. Read again if one ended meanwhile and was taken over: it might
        be missing, or there twice."""
        while True:
            before = self._files()
            before.pop(self._name, None)
            read = {name: self._read(name, path) for name, path in before.items()}
            if before.keys() <= self._files().keys():
                return {name: counted for name, counted in read.items() if counted is not None}

    def _files(self) -> dict[str, Path]:
        """The latest file of each worker, by its name."""
        return {path.stem.rpartition(".")[0]: path for path in sorted(self._folder.glob(f"*{_ENDING}"))}

    def _read(self, name: str, path: Path) -> Counted | None:
        """The content of that file, or of the one that replaced it meanwhile; None if both are gone."""
        while True:
            try:
                return msgspec.msgpack.decode(path.read_bytes(), type=Counted)
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


def _least(gauges: Counts, rows: list[tuple[str, str, str, int]]) -> None:
    for name, label, value, count in rows:
        gauges[name, label, value] = min(count, gauges.get((name, label, value), count))
