"""Counts the visitors of a store in each segment: all of them, with a process for each processor core, each for a part
of the store."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from proxy.audience.segments import Memberships
from proxy.cli.existing_store import existing_store
from proxy.cli.rulefolder import read_rules
from proxy.errors import OperatorError
from proxy.ports import Partition
from proxy.rulebook.segment_reader import SegmentReader

WORTH_A_PROCESS = 20_000
"""Visitors: with fewer, a process takes longer to start than to look."""


class Folder(NamedTuple):
    """A rule folder, and what its rules are about: what another process needs to read it too."""

    path: Path
    catalogue: Path | None
    store: str


def counted(folder: Folder, population: int, now: float) -> Memberships:
    """All visitors of the store, of whom there are about so many. Devices are no visitors of their own."""
    processes = min(os.cpu_count() or 1, population // WORTH_A_PROCESS)
    if processes < 2:
        return _counted(folder, now, Partition())
    parts = [Partition(number, processes) for number in range(processes)]
    total: Counter[frozenset[str]] = Counter()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for each in pool.map(partial(_counted, folder, now), parts):
            total.update(each)
    return total


def _counted(folder: Folder, now: float, part: Partition) -> Memberships:
    """One part of them, in whichever process."""
    publication = read_rules(*folder).publication
    if publication is None:
        raise OperatorError(f"`{folder.path}` has problems now", help=f"tailorbird check {folder.path}")
    return asyncio.run(_looked_at(folder.store, SegmentReader(publication, now), part))


async def _looked_at(url: str, reader: SegmentReader, part: Partition) -> Memberships:
    found: Counter[frozenset[str]] = Counter()
    async with existing_store(url) as store:
        async for profile in store.profiles(part):
            if not profile.alias:
                found[reader.segments(reader.known(profile, reader.asked))] += 1
    return found
