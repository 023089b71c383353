"""What was worked out in batch, taken in while pages are answered, at the start and whenever it is written anew.

The engine reads the file on a thread. What it has found goes into the shop on the loop, a few products at a time, with
a rest as long as each time took: so a page waits for it no longer than for another page. (Done on the thread as well,
it would take turns with the loop, which on a busy machine waits for a thread that is not running.) Until all of it is
there the shop answers by what it knew before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from proxy.catalogue.shop import Shop
from proxy.ending import together
from proxy.errors import OperatorError
from proxy.garbage import collector_paused
from proxy.serve.learning import Learning
from proxy.stores.affinity_engine import BuiltPairs, BuiltRow, built, built_pairs, must_be_built

log = logging.getLogger("tailorbird.affinity")

OTHERS_AT_ONCE = 1_500
"""A millisecond's work."""
FOUND_AT_ONCE = 500
"""Rows that the engine hands over at a time."""
LOOK_SECONDS = 5.0

Told = TypeVar("Told", BuiltRow, BuiltPairs)
Stamps = list[tuple[str, int, int]]


class Affinity:
    """Takes in the file or folder at `path` ("": none) for `shop`. `learning` adds the events that were not counted in
    it."""

    def __init__(self, path: str, shop: Callable[[], Shop], learning: Learning) -> None:
        self._path = Path(path) if path else None
        self._shop = shop
        self._learning = learning
        self._stamps: Stamps = []

    async def open(self) -> None:
        """Raises `OperatorError` unless there is something to take in, where there should be."""
        if self._path is not None:
            await asyncio.to_thread(must_be_built, self._path)

    async def run(self) -> None:
        """Takes in the file and then the events, and follows both. Never ends; cancel it."""
        if self._path is None:
            await self._learning.follow()
        else:
            await self.take_in(self._path)
            await together(self._follow(self._path), self._learning.follow())

    async def _follow(self, path: Path) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            before, now = self._stamps, await asyncio.to_thread(_stamps_of, path)
            if now not in ([], before):
                await asyncio.sleep(LOOK_SECONDS)
                if await asyncio.to_thread(_stamps_of, path) == now:
                    await self.take_in(path)

    async def take_in(self, path: Path) -> None:
        """Takes all of it in. What cannot be read is told, and what was known before stays."""
        self._stamps = await asyncio.to_thread(_stamps_of, path)
        shop, beginning = self._shop(), self._shop().new_statistics()
        try:
            with collector_paused():
                await _taken(built(path), beginning.covisits.add_batch)
                await _taken(built_pairs(path), beginning.take_pairs)
                await _in_turn(shop.seeding(beginning))
        except OperatorError as error:
            log.warning("%s", error)
            return
        shop.replace_statistics(beginning)
        self._learning.begin_again()
        log.info("%s: what was worked out in batch is taken in", path)


def _stamps_of(path: Path) -> Stamps:
    """What would change with the file, or with those of the folder; nothing while it is away."""
    files = sorted(path.glob("**/*.parquet")) if path.is_dir() else [path]
    with contextlib.suppress(OSError):
        return [(str(file), (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files]
    return []


async def _taken(found: Iterator[Told], take: Callable[..., None]) -> None:
    """Takes all that is found."""
    while some := await asyncio.to_thread(lambda: list(islice(found, FOUND_AT_ONCE))):
        await _in_turn(_each(some, take))


def _each(some: Iterable[Told], take: Callable[..., None]) -> Iterator[int]:
    """Takes them; a step each, as large as it has others."""
    for told in some:
        take(*told)
        yield len(told[1])


async def _in_turn(steps: Iterator[int]) -> None:
    """Runs the steps with a rest after each, as long as the step took: requests go first."""
    now = asyncio.get_running_loop().time
    while True:
        began, done = now(), 0
        for size in steps:
            done += 1 + size
            if done >= OTHERS_AT_ONCE:
                break
        else:
            return
        await asyncio.sleep(now() - began)
