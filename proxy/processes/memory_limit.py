"""How near a worker is to its memory limit, and what is given up then: first what makes pages fast and personal, then
requests. A worker that the system kills for its memory answers nobody.

Its law: whatever is given up comes back by itself when there is room again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from proxy.metrics import Metrics
from proxy.settings import Settings

log = logging.getLogger("tailorbird.memory")

LOOK_SECONDS, LONGEST_SECONDS = 0.1, 1.0
MOST_BYTES_A_SECOND = 200 * 1024 * 1024
"""A crowd brings 40 MB a second. What this much fills later need not be looked at now: a worker with nothing to do
would spend a fifth of what it takes on it."""
ROOMY_FRACTION = 0.9
"""Of what makes it tight: below that, what was given up may come back."""
KEPT_BYTES = 8 * 1024 * 1024
"""Of what is freed, how much stays at hand; the C library's own choice begins at 128 KB. A page's tree takes a megabyte
for half a millisecond: to have it mapped anew each time took a quarter of that, and of any answer some percent."""
BESIDE_FRACTION, MOST_BESIDE_BYTES = 1 / 8, 96 * 1024 * 1024
"""Of a container's limit, what workers leave to all else that counts in it: supervisor and zygote (23 MB with two
workers), in a rolling restart another zygote (46) and a worker that begins (26), or the process that counts results."""
_TRIM_ABOVE, _MAP_FROM = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
_RESIDENT, _SHARED = 1, 2  # fields of statm, in pages
_CGROUPS = (("memory", "memory.limit_in_bytes"), ("", "memory.max"))
"""Of version 1 and version 2: the controller's name, and the file that says its limit."""


def held_bytes(pid: int | str = "self") -> int:
    """Resident memory of a process without shared pages (libraries), in bytes; 0 where the system does not say."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(pages[_RESIDENT]) - int(pages[_SHARED])) * os.sysconf("SC_PAGE_SIZE")


class Shrinkable(Protocol):
    """A cache, which may hold less when memory is short."""

    def shrink(self, size: int) -> None:
        """Frees `size` bytes, or as many as it can."""

    def grow(self) -> None:
        """Lets it use a little more again, up to the settings."""


class MemoryLimit:
    """Watches the memory of one worker. `held` returns how much it uses, in bytes; `shrinkables` are caches that can
    free some of it."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        shrinkables: Sequence[Shrinkable],
        held: Callable[[], int] = held_bytes,
    ) -> None:
        self._limit = limit_of(settings)
        self._shed_at = settings.memory_shed_fraction * self._limit
        self._refuse_at = settings.memory_refuse_fraction * self._limit
        self._held_now = held
        self._shrinkables = shrinkables
        self._held = 0
        metrics.gauge("tailorbird_memory_bytes", held)
        metrics.gauge("tailorbird_memory_limit_bytes", lambda: self._limit)

    @property
    def is_tight(self) -> bool:
        """True when memory is short: pages do without profiles."""
        return self._held > self._shed_at > 0

    def may_begin(self) -> bool:
        """False when there is no memory for another request."""
        return not self._held > self._refuse_at > 0

    async def watch(self) -> None:
        """Measures repeatedly, and has the caches shrink and grow. Ends only where there is no limit."""
        if self._held_now() > self._shed_at > 0:
            what = "this worker may hold %d MB, which it needs for itself: raise that limit, or the container's"
            log.warning(what, self._limit >> 20)
        while self._limit:
            self.look()
            await asyncio.sleep(self.pause())

    def pause(self) -> float:
        """Seconds until the next measurement."""
        return min(max((self._shed_at - self._held) / MOST_BYTES_A_SECOND, LOOK_SECONDS), LONGEST_SECONDS)

    def look(self) -> None:
        """Measures once."""
        self._held = self._held_now()
        if self.is_tight:
            for shrinkable in self._shrinkables:
                shrinkable.shrink(self._held - int(self._shed_at))
            _give_back()
        elif self._held < ROOMY_FRACTION * self._shed_at:
            for shrinkable in self._shrinkables:
                shrinkable.grow()


def limit_of(settings: Settings) -> int:
    """Memory that one worker may use, in bytes; 0 for no limit."""
    return settings.memory_limit_bytes or share_of(container_limit(), settings.workers)


def share_of(container: int, workers: int) -> int:
    """What one of so many workers may use of a container's limit, in bytes."""
    return (container - min(int(BESIDE_FRACTION * container), MOST_BESIDE_BYTES)) // workers


def container_limit(proc: Path = Path("/proc/self/cgroup"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that this process's group, or one above it, may use, in bytes; 0 for no limit."""
    limits = [limit for file in _limit_files(proc, groups) if (limit := _number_in(file))]
    return min(limits, default=0)


def _limit_files(proc: Path, groups: Path) -> Iterator[Path]:
    """The limit files from the group's own up to the root's. In a container the group may be shown as the root."""
    with contextlib.suppress(OSError):
        for line in proc.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            for controller, file in _CGROUPS:
                if controller in controllers.split(","):
                    place = groups / controller / path.lstrip("/")
                    yield from (at / file for at in (place, *place.parents) if at.is_relative_to(groups / controller))


def _number_in(file: Path) -> int:
    """The number in a file; 0 for a missing file, or no limit: version 1 has a number beyond all memory for that."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() and int(text) < 1 << 60 else 0


def tune_malloc() -> None:
    """Returns to the system what starting has freed, and keeps less of what is freed from then on. Works with glibc
    only."""
    _give_back()
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_TRIM_ABOVE, KEPT_BYTES)
        library.mallopt(_MAP_FROM, KEPT_BYTES // 2)


def _give_back() -> None:
    """Returns to the system what the C library has freed and kept. Only glibc supports, and needs, this."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
