"""A model of freshness over time: no answer is older than RFC 9111 and RFC 5861 allow, whatever the origin does."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from proxy.errors import OriginError
from tests.wire.origin import Origin, Seen, Wire, ok
from tests.wire.site import Site

STAND_IN = 40
"""The setting `stale_if_error_seconds`."""


@dataclass(frozen=True)
class Said:
    """What the origin says of one path, in seconds: fresh for `life`, then for `behind` while it is asked again, and
    for `down` while it cannot be."""

    control: str
    life: int
    behind: int = 0
    down: int = STAND_IN


PAGES = {
    b"/plain": Said("max-age=20", 20),
    b"/asked": Said("no-cache", 0, down=0),
    b"/nothing": Said("max-age=0", 0),
    b"/behind": Said("max-age=10, stale-while-revalidate=15", 10, 15),
    b"/down": Said("max-age=10, stale-if-error=25", 10, 0, 25),
    b"/both": Said("max-age=5, stale-while-revalidate=10, stale-if-error=30", 5, 10, 30),
    b"/must": Said("max-age=15, must-revalidate", 15, 0, 0),
    b"/shared": Said("max-age=3, s-maxage=12", 12, 0, 0),
    b"/late": Said("max-age=30", 30),  # its answers have an Age of 7
}


@dataclass
class Shop:
    """An origin whose pages change now and then, and that is well, down, slow, or breaks off, by turns."""

    site: Site = field(init=False)
    chance: random.Random
    mood: str = "well"
    version: dict[bytes, int] = field(default_factory=lambda: dict.fromkeys(PAGES, 0))
    vouched: dict[tuple[bytes, int], float] = field(default_factory=dict)
    """When it last said that this version of the path is the present one."""
    going_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def script(self, wire: Wire) -> None:
        while True:
            await self.answer(wire, await wire.request())

    async def answer(self, wire: Wire, seen: Seen) -> None:
        if self.mood == "hanging":
            await self.going_on.wait()
        path, said = seen.target, PAGES[seen.target]
        if self.mood == "down":
            await wire.send(ok(b"oops", status=b"503 Down"))
        elif self.mood == "breaking":
            await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno")
            raise ConnectionError
        else:
            version = self.version[path]
            self.vouched[path, version] = self.site.now - (7 if path == b"/late" else 0)
            fields = [
                b"Cache-Control: " + said.control.encode(), b'ETag: "%d"' % version,
                *([b"Age: 7"] if path == b"/late" else []),
            ]  # fmt: skip
            if seen.get(b"if-none-match") == b'"%d"' % version:
                await wire.send(b"\r\n".join((b"HTTP/1.1 304 Not Modified", *fields)) + b"\r\n\r\n")
            else:
                kind = b"Content-Type: text/html" if path < b"/m" else b"Content-Type: text/plain"
                await wire.send(ok(b"version %d." % version, kind, *fields))

    def change(self) -> None:
        """Something happens, maybe."""
        self.site.now += self.chance.choice([0, 0.3, 1, 1, 2.5, 5, 17])
        if self.chance.random() < 0.25:
            self.mood = self.chance.choice(["well", "well", "down", "hanging", "breaking"])
            if self.mood != "hanging":
                self.going_on.set()
                self.going_on = asyncio.Event()
        for path in PAGES:
            if self.chance.random() < 0.1:
                self.version[path] += 1


async def ask(shop: Shop, path: bytes) -> str:
    """Asks for a page, and says what is wrong with the answer."""
    asked_at = shop.site.now
    try:
        got = await shop.site.get(path)
    except OriginError:  # an answer that broke off
        return ""
    if got.status >= 500:
        return ""
    answered_at, said = shop.site.now, PAGES[path]
    version = int(got.body.removeprefix(b"version ").removesuffix(b"."))
    made_at = shop.vouched[path, version]
    age, status = asked_at - made_at, got["cache-status"]
    if "age" in dict(got.headers) and not answered_at - made_at - 1 < int(got["age"]):
        return f"{path!r}: it says {got['age']} and is {answered_at - made_at} s old ({status})"
    if made_at + (7 if path == b"/late" else 0) >= asked_at or age < said.life or age < said.life + said.behind:
        return ""
    if answered_at - made_at <= said.life + said.down or "collapsed" in status:
        return ""  # who joins a fetch under way gets its answer, which the origin may have made a moment before
    return f"{path!r}, {said.control}: {age} s old when asked for, {answered_at - made_at} when given ({status})"


@pytest.mark.parametrize("seed", range(3))
async def test_no_answer_is_older_than_it_may_be(seed: int) -> None:
    shop = Shop(random.Random(seed))
    settings = {"stale_if_error_seconds": STAND_IN, "stale_wait_ms": 3, "collapse_wait_ms": 3}
    async with Origin(shop.script) as origin, Site(origin.url, **settings) as site:
        shop.site = site
        wrong: list[str] = []
        under_way: set[asyncio.Task[str]] = set()
        for _ in range(400):
            shop.change()
            for _ in range(shop.chance.randrange(3)):
                under_way.add(asyncio.create_task(ask(shop, shop.chance.choice(list(PAGES)))))
            await asyncio.sleep(shop.chance.choice([0, 0, 0.001, 0.004]))
            wrong += [task.result() for task in under_way if task.done()]
            under_way = {task for task in under_way if not task.done()}
        shop.mood = "well"
        shop.going_on.set()
        wrong += await asyncio.gather(*under_way)
        assert not [each for each in wrong if each]
