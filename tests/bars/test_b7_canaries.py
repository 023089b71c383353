"""Two hundred visitors, each with a token of their own in their profile, in a cookie of the shop and in what the origin
echoes, walk over shared and private pages at the same time. A small cache throws pages out all the while, the store is
slow now and then, and of all requests one in twenty is broken off somewhere. No answer ever holds another's token.

And what is answered with a cache is, byte for byte, what is answered without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import socket
import struct
from collections import Counter, deque
from pathlib import Path

import pytest

from proxy.model import Profile
from tests.wire.behind import Behind
from tests.wire.faulty import Slow
from tests.wire.origin import Origin, Seen, ok
from tests.wire.served import Heard, hear, request
from tests.wire.site import answering

FULL = bool(os.environ.get("BAR_FULL"))
REQUESTS = 1_000_000 if FULL else 10_000
COMPARED = 100_000 if FULL else 2_000
VISITORS = 200
CONNECTIONS = 64
PAGES = 300
ABORTED = 0.05
CACHE_BYTES = 1 << 20
"""Room for some hundred of the pages."""

TOKEN = re.compile(rb"tok-\d+-end")
RULES = {
    "a.rules.yaml": """version: 1
rules:
  - name: Known by token
    slot: home.hero
    show: {banner: {title: "Hello {token|nobody}"}}
""",
    "slots.yaml": "slots:\n  home.hero: {}\n",
    "attributes.yaml": "attributes:\n  token: text\n",
}
TEXT = b"<p>a shop's words, many of them</p>" * 40


def shop(seen: Seen) -> bytes:
    """Pages below `/own` are made for who asks; all others are for everybody. Both say which cookie they were asked
    with, so that one kept by mistake gives itself away."""
    echo = (TOKEN.findall(seen.get(b"cookie") or b"") or [b"no token"])[0]
    control = b"private" if seen.target.startswith(b"/own") else b"max-age=60"
    page = b'<html><body><div data-slot="home.hero">ours</div>%b<i>%b for %b</i></body></html>'
    return ok(page % (TEXT, seen.target, echo), b"Content-Type: text/html; charset=utf-8", b"Cache-Control: " + control)


def token(visitor: int) -> bytes:
    return b"tok-%d-end" % visitor


class Crowd:
    """The visitors. `saw` counts the answers by what was in them."""

    def __init__(self, shop: Behind, seed: int) -> None:
        self._port = int(shop.url.rpartition(":")[2])
        self._cookies = [shop.cookies_of(f"visitor-{n}")["cookie"].encode() for n in range(VISITORS)]
        self._dice = random.Random(seed)
        self._left = REQUESTS
        self.saw: Counter[str] = Counter()

    async def walk(self) -> None:
        await asyncio.gather(*(self._stay() for _ in range(CONNECTIONS)))

    async def meet(self) -> None:
        """Everybody comes until they are known: from then on memory has their profiles, however busy the machine is."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 18)
        for visitor, cookie in enumerate(self._cookies):
            body = b""
            while b"Hello " + token(visitor) not in body:
                writer.write(request(b"GET", b"/page/0", (b"Cookie", cookie), (b"Accept", b"text/html")))
                body = (await hear(reader)).body
        writer.close()

    async def _stay(self) -> None:
        while self._left > 0:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 18)
            while self._left > 0:
                self._left -= 1
                if self._dice.random() < ABORTED:
                    await self._break_off(reader, writer)
                    break
                await self._ask(reader, writer)
            writer.close()

    def _request(self) -> tuple[int, bytes, bytes]:
        visitor, number = self._dice.randrange(VISITORS), int(self._dice.paretovariate(0.7)) % PAGES
        path = b"/own/%d" % number if self._dice.random() < 0.2 else b"/page/%d" % number
        has_shop_cookie = self._dice.random() < 0.5 or path.startswith(b"/own")
        cookie = self._cookies[visitor] + (b"; shop=" + token(visitor) if has_shop_cookie else b"")
        coding = (b"Accept-Encoding", self._dice.choice([b"gzip", b"identity"]))
        return visitor, path, request(b"GET", path, (b"Cookie", cookie), coding, (b"Accept", b"text/html"))

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitor, path, asked = self._request()
        writer.write(asked)
        self._check(visitor, path, await hear(reader))

    def _check(self, visitor: int, path: bytes, heard: Heard) -> None:
        found = set(TOKEN.findall(heard.body)) | set(TOKEN.findall(b"".join(heard.headers.values())))
        if heard.status == 503:  # too much at once: told so, and nothing else
            assert not found
            self.saw["refused"] += 1
            return
        assert (heard.status, heard.is_whole) == (200, True)
        assert heard.headers[b"cache-control"].startswith(b"private"), "every page here has a slot"
        assert found <= {token(visitor)}, f"{token(visitor)!r} was shown {found} on {path!r}"
        if path.startswith(b"/own"):
            assert b"for " + token(visitor) in heard.body
        is_known = b"Hello " + token(visitor) in heard.body
        assert is_known or b"Hello nobody" in heard.body
        self.saw["own token from the profile" if is_known else "without profile"] += 1

    async def _break_off(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somewhere: in the request, before the answer, or in it; politely or not."""
        _, _, asked = self._request()
        where = self._dice.randrange(4)
        writer.write(asked[: self._dice.randrange(1, len(asked))] if where == 0 else asked)
        if where == 2:
            await asyncio.sleep(self._dice.random() * 0.005)
        if where == 3:
            with contextlib.suppress(asyncio.IncompleteReadError):
                await reader.readexactly(self._dice.randrange(1, 2_000))
        if self._dice.random() < 0.5:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        self.saw["broken off"] += 1


def profiles() -> list[Profile]:
    return [Profile(f"visitor-{n}", {"token": token(n).decode()}) for n in range(VISITORS)]


@pytest.mark.bar("B7")
async def test_no_answer_ever_holds_another_visitors_token(tmp_path: Path) -> None:
    origin = Origin(answering(shop))
    origin.requests = deque(maxlen=10)  # type: ignore[assignment]
    settings = {"cache_bytes": CACHE_BYTES, "profile_memory": 50, "profile_memory_seconds": 1.0}
    slow = Slow(seed=7, share=0.02, seconds=0.5)  # far over the budget, on a busy machine too
    async with origin, Behind(origin.url, RULES, tmp_path, profiles=profiles(), wrap=slow.around, **settings) as behind:
        crowd = Crowd(behind, seed=11)
        await crowd.walk()
        metrics = behind.tailorbird.metrics
        said = metrics.by_value("tailorbird_cache_requests_total")
        lookups = metrics.by_value("tailorbird_profile_lookups_total")
    print(f"\nB7: {sum(crowd.saw.values())} requests: {dict(crowd.saw)}; cache: {said}; profiles: {lookups}")
    assert crowd.saw["own token from the profile"] > 0.5 * (1 - ABORTED) * REQUESTS  # on a busy machine, too
    assert crowd.saw["refused"] < 0.01 * REQUESTS
    assert crowd.saw["broken off"] > 0.9 * ABORTED * REQUESTS
    assert min(said.get(word, 0) for word in ("hit", "stored", "bypass")) > 0.01 * REQUESTS
    assert lookups["timeout"] > 0, "the store was never slow enough"


@pytest.mark.bar("B7")
async def test_with_a_cache_and_without_one_the_same_bytes_are_answered(tmp_path: Path) -> None:
    def blind(seen: Seen) -> bytes:
        return shop(Seen(seen.method, seen.target, () if seen.target.startswith(b"/page") else seen.headers, b"", 0))

    origin = Origin(answering(blind))
    origin.requests = deque(maxlen=10)  # type: ignore[assignment]
    async with (
        origin,
        Behind(origin.url, RULES, tmp_path / "on", profiles=profiles(), profile_memory_seconds=3_600) as cached,
        Behind(
            origin.url, RULES, tmp_path / "off", profiles=profiles(), profile_memory_seconds=3_600, cache_bytes=0
        ) as uncached,
    ):
        crowds = [Crowd(shop, seed=3) for shop in (cached, uncached)]
        left = COMPARED
        await asyncio.gather(*(crowd.meet() for crowd in crowds))

        async def compare() -> None:
            nonlocal left
            ends = [await asyncio.open_connection("127.0.0.1", crowd._port, limit=1 << 18) for crowd in crowds]
            while left > 0:
                left -= 1
                _, path, asked = crowds[0]._request()
                for _, writer in ends:
                    writer.write(asked)
                one, other = [await hear(reader) for reader, _ in ends]
                assert (one.status, one.body) == (other.status, other.body), path
            for _, writer in ends:
                writer.close()

        await asyncio.gather(*(compare() for _ in range(8)))
        hits = [shop.tailorbird.metrics.get("tailorbird_cache_requests_total", "hit") for shop in (cached, uncached)]
    print(f"\nB7: {COMPARED} requests with and without a cache, the same bytes; hits: {hits[0]} and {hits[1]}")
    assert hits[0] > COMPARED / 4
    assert hits[1] == 0
