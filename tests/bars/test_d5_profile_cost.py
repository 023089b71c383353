"""What it costs that a page's rules ask for the profile: beside a page whose rules do not, and when the store stands
still.

The cost is CPU of whole requests from the kernel's books, both pages in turns in one run, so that a busy moment meets
both. Warm visitors were here before; cold ones are new each round.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.model import Profile
from proxy.stores import open_store
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, by_path, ok
from tests.wire.posting import Posting
from tests.wire.served import Heard, request
from tests.wire.site import NOON
from tests.wire.storage import STORES, frozen, storage

FULL = bool(os.environ.get("BAR_FULL"))
ROUNDS, VISITORS = (15, 1_000) if FULL else (3, 60)
MOST_WARM = 1.3
FIRST_SECONDS, THEN_SECONDS = 1.0, (5.0 if FULL else 1.0)
# On a machine that is busy with other tests 25 ms say nothing; a page that waits for the store would take seconds.
MOST_ADDED_MS = 25.0 if FULL else 800.0
MOST_ADDED_LATER_MS = 2.0 if FULL else 800.0

BETWEEN = b"<p>word and word again</p>\n" * 1_000
PAGE = b'<html><body><div data-slot="%b">ours</div>' + BETWEEN + b"</body></html>"
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=86400")
FILES = {
    "a.rules.yaml": """version: 1
rules:
  - name: Buyers
    slot: asking.hero
    when: {orders: at least 2}
    show: {banner: {title: Good to see you}}
  - name: All
    slot: plain.hero
    when: {page: /plain}
    show: {banner: {title: Good to see you}}
""",
    "slots.yaml": "slots: {asking.hero: {page: /asking}, plain.hero: {page: /plain}}\n",
    "attributes.yaml": "attributes: {orders: number}\n",
}
GREETED = b"Good to see you"


class Shop:
    """A server, and a connection to it. Visitors are numbers, and all have bought something."""

    def __init__(self, daemon: Daemon, posting: Posting) -> None:
        self._daemon = daemon
        self._posting = posting

    async def visit(self, page: bytes, number: int) -> Heard:
        """What that visitor gets."""
        cookie = self._daemon.cookies.visitor_pair(f"buyer-{number}", NOON)
        heard = await self._posting.ask(request(b"GET", page, (b"Cookie", cookie), (b"Accept-Encoding", b"identity")))
        assert heard is not None
        assert heard.status == 200
        return heard

    async def cost_us(self, page: bytes, visitors: Sequence[int]) -> tuple[float, int]:
        """CPU of a request, in microseconds; and how many visitors were greeted."""
        begun = self._cpu_ns()
        greeted = [GREETED in (await self.visit(page, number)).body for number in visitors]
        return (self._cpu_ns() - begun) / len(visitors) / 1_000, sum(greeted)

    def _cpu_ns(self) -> int:
        """Of all threads of the server and its workers."""
        pids = [self._daemon.process.pid, *self._daemon.workers]
        books = [path for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(int(path.read_text("ascii").split()[0]) for path in books)


@dataclass(frozen=True)
class Costs:
    """One way to come, round by round: CPU of the page that asks and of the one that does not, and who was greeted."""

    asking: list[float]
    plain: list[float]
    greeted: int

    @property
    def ratio(self) -> float:
        return statistics.median(asking / plain for asking, plain in zip(self.asking, self.plain, strict=True))


async def costs(shop: Shop, rounds: Sequence[range]) -> Costs:
    """The two pages in turns, each with the visitors of every round."""
    asking, plain, greeted = [], [], 0
    for visitors in rounds:
        us, seen = await shop.cost_us(b"/asking", visitors)
        asking.append(us)
        greeted += seen
        us, _ = await shop.cost_us(b"/plain", visitors)
        plain.append(us)
    return Costs(asking, plain, greeted)


def prepare(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text)


async def remember(url: str, count: int) -> None:
    """Puts so many visitors into the store."""
    store = open_store(url)
    await store.put_profiles(Profile(f"buyer-{number}", {"orders": 3.0}) for number in range(count))
    await store.aclose()


def pages() -> dict[bytes, bytes]:
    return {path: ok(PAGE % slot, *HTML) for path, slot in ((b"/asking", b"asking.hero"), (b"/plain", b"plain.hero"))}


@pytest.mark.bar("D5")
@pytest.mark.parametrize("kind", STORES)
async def test_a_page_that_asks_for_the_profile_costs_little_more(kind: str, tmp_path: Path) -> None:
    prepare(tmp_path)
    warm = range(VISITORS)
    cold = [range(VISITORS * turn, VISITORS * (turn + 1)) for turn in range(1, ROUNDS + 1)]
    async with storage(kind, tmp_path) as url, Origin(by_path(pages())) as origin:
        await remember(url, VISITORS * (ROUNDS + 1))
        async with (
            Daemon(origin.url, tmp_path, store=url, profile_memory_seconds=3_600) as daemon,
            Posting(daemon.port) as posting,
        ):
            shop = Shop(daemon, posting)
            async with asyncio.timeout(60):
                for number in warm:
                    while GREETED not in (await shop.visit(b"/asking", number)).body:
                        await asyncio.sleep(0.01)
                    assert GREETED in (await shop.visit(b"/plain", number)).body
            were_here = await costs(shop, [warm] * ROUNDS)
            are_new = await costs(shop, cold)
    print(f"\nD5 {kind}: {ROUNDS} rounds of {VISITORS} visitors")
    for name, one in (("warm", were_here), ("cold", are_new)):
        us = f"{statistics.median(one.asking):.0f} us beside {statistics.median(one.plain):.0f} us"
        print(f"  {name}: {one.ratio:.2f}x ({us}), {one.greeted} of {ROUNDS * VISITORS} greeted")
    assert were_here.greeted == ROUNDS * VISITORS
    assert are_new.greeted > ROUNDS * VISITORS / 2, "a cold page waits for a store that is well"
    if FULL:
        assert were_here.ratio <= MOST_WARM


async def milliseconds(shop: Shop, numbers: range, seconds: float) -> tuple[list[float], int]:
    """How long each page took, for new visitors one after the other, and how many were greeted."""
    ends, found, greeted = time.perf_counter() + seconds, [], 0
    for number in numbers:
        begun = time.perf_counter()
        heard = await shop.visit(b"/asking", number)
        found.append((time.perf_counter() - begun) * 1_000)
        greeted += GREETED in heard.body
        if time.perf_counter() > ends:
            break
    return found, greeted


@pytest.mark.bar("D5")
async def test_a_frozen_store_costs_no_page_and_hardly_any_time(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with storage("valkey", tmp_path) as url, Origin(by_path(pages())) as origin:
        await remember(url, 20_000)  # 100,000 would have the server write its file anew meanwhile
        async with Daemon(origin.url, tmp_path, store=url) as daemon, Posting(daemon.port) as posting:
            shop = Shop(daemon, posting)
            await shop.visit(b"/asking", 0)
            before, greeted = await milliseconds(shop, range(1, 10_000), FIRST_SECONDS)
            async with frozen(url):
                first, unknown = await milliseconds(shop, range(1_000_000, 2_000_000), FIRST_SECONDS)
                later, strangers = await milliseconds(shop, range(2_000_000, 3_000_000), THEN_SECONDS)
            begun = time.perf_counter()
            while GREETED not in (await shop.visit(b"/asking", 10_001)).body:
                assert time.perf_counter() - begun < 30, "the store is back, and so are the profiles"
            back = time.perf_counter() - begun
    added = p99(first) - statistics.median(before)
    added_later = statistics.median(later) - statistics.median(before)
    print(
        f"\nD5 frozen: {len(before)} + {len(first)} + {len(later)} pages, all 200; "
        f"median {statistics.median(before):.1f} ms before; p99 {added:+.1f} ms in the first second, "
        f"at most {max(first):.1f}; median {added_later:+.1f} ms, p99 {p99(later):.1f} ms later; "
        f"profiles back after {back:.1f} s"
    )
    assert (unknown, strangers) == (0, 0)
    assert greeted > (len(before) / 2 if FULL else 0), (
        "these pages had their profiles, but where a busy machine was late"
    )
    assert added < MOST_ADDED_MS
    assert added_later < MOST_ADDED_LATER_MS


def p99(found: Sequence[float]) -> float:
    return statistics.quantiles(found, n=100)[98]
