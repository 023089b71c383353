"""D8: a visitor with a past on two devices, and on a third that turned out to be another's, is erased while the shop is
served; within a minute no byte of them is left in any file or under any key, and neither a replay nor an import brings
them back."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import CliRunner
from redis.asyncio import Redis

from proxy.cli import tailorbird
from proxy.model import Arrival, Event, Profile
from proxy.stores import open_store
from proxy.stores.joining import join, part
from tests.contracts.conftest import flush, valkey_url
from tests.wire.behind import Behind
from tests.wire.memory import remembered
from tests.wire.origin import Origin, always, ok
from tests.wire.site import HTML, PAGE

__all__ = ["valkey_url"]  # a fixture

OTHERS = 20_000 if os.environ.get("BAR_FULL") else 300
KEY = "6f3a9c0012ab34cd56ef"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
NAMES = [b"qz7-customer", b"qz7-laptop", b"qz7-phone", b"Zyx Quimby", b"qz7@example.com", b"quimby socks"]
"""What is searched for: ids, and what was said and done."""
WEBHOOKS = "webhooks: {cdp: {url: 'http://127.0.0.1:9/nobody', secret: 0123456789abcdef}}"
FOLDER = {
    "a.rules.yaml": "segments: {Buyers: {when: {orders: at least 1}}}\n"
    "rules:\n  - name: Buyers\n    slot: home.hero\n    when: {orders: at least 1}\n"
    "    show: {banner: {title: Welcome back}}\n",
    "slots.yaml": "slots: {home.hero: {}}",
}


@pytest.fixture(params=["sqlite", "valkey"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        (tmp_path / "store").mkdir()
        return f"sqlite:{tmp_path}/store/s.db"
    address: str = request.getfixturevalue("valkey_url")
    await flush(address)
    return address


@pytest.fixture
async def shop(store: str, tmp_path: Path) -> AsyncIterator[Behind]:
    origin = Origin(always(ok(PAGE, HTML, b"Cache-Control: max-age=3600")))
    keys = (f"shop:server:{KEY}",)
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    settings = {"webhooks": str(tmp_path / "webhooks.yaml")}
    settings |= {"write_keys": keys, "recorded_a_second": 1_000.0, "profile_memory_seconds": 300.0}
    async with origin, Behind(origin.url, FOLDER, tmp_path / "shop", store=store, **settings) as shop:
        yield shop


def past() -> list[dict[str, Any]]:
    """What a server says of the customer, on two devices."""
    buy = {"event": "Order Completed", "properties": {"order_id": "qz7-1", "revenue": 25}}
    view = {"event": "Product Viewed", "properties": {"product_id": "A1"}}
    look = {"event": "Products Searched", "properties": {"query": "quimby socks"}}
    return [
        {"type": "identify", "userId": "qz7-customer", "traits": {"name": "Zyx Quimby", "email": "qz7@example.com"}},
        *({"type": "track", **look, "anonymousId": device} for device in ("qz7-laptop", "qz7-phone")),
        *({"type": "identify", "userId": "qz7-customer", "anonymousId": f"qz7-{one}"} for one in ("laptop", "phone")),
        {"type": "track", **buy, "userId": "qz7-customer"},
        {"type": "track", **view, "userId": "qz7-customer"},
        {"type": "dance", "userId": "qz7-customer"},
    ]


async def send(shop: Behind, calls: list[dict[str, Any]]) -> None:
    batch = {"batch": [{"messageId": f"qz7-m{number}", **call} for number, call in enumerate(calls)]}
    answer = await shop.client.post("/_tb/v1/batch", json=batch, auth=httpx.BasicAuth(KEY, ""))
    assert answer.status_code == 200


def in_files(folder: Path) -> set[bytes]:
    """Which of the names are in any file."""
    return {name for path in folder.rglob("*") if path.is_file() for name in NAMES if name in path.read_bytes()}


async def held(store: str, folder: Path) -> set[bytes]:
    """Which of the names are in any file, or in any key or value."""
    found = in_files(folder)
    if not store.startswith("sqlite"):
        async with Redis.from_url(store) as client:
            async for key in client.scan_iter():
                said = key + (await client.dump(key) or b"") + repr(await value(client, key)).encode()
                found |= {name for name in NAMES if name in said}
    return found


async def value(client: Redis, key: bytes) -> object:
    """What a key holds, unpacked: the server's own dump may be compressed."""
    match await client.type(key):
        case b"string":
            return await client.get(key)
        case b"hash":
            return await client.hgetall(key)
        case b"stream":
            return await client.xrange(key)
        case b"set":
            return await client.smembers(key)
        case b"list":
            return await client.lrange(key, 0, -1)
        case b"zset":
            return await client.zrange(key, 0, -1)
        case other:
            raise AssertionError(f"nobody looks into a {other!r}")


async def greeted(shop: Behind, visitor: str) -> bool:
    headers = {"user-agent": BROWSER, **shop.cookies_of(visitor)}
    return "Welcome back" in (await shop.client.get("/", headers=headers)).text


async def by_the_listener(shop: Behind, store: str) -> dict[str, Any]:
    receipt: dict[str, Any] = msgspec.to_builtins(await shop.tailorbird.desk.erase("qz7-laptop"))
    return receipt


async def by_the_command(shop: Behind, store: str) -> dict[str, Any]:
    arguments = ["erase", "qz7-laptop", "--yes", "--store", store]
    told = await asyncio.to_thread(CliRunner().invoke, tailorbird, arguments)
    assert told.exit_code == 0, told.output
    receipt: dict[str, Any] = json.loads(told.stdout)
    return receipt


@pytest.mark.bar("D8")
@pytest.mark.parametrize("erase", [by_the_listener, by_the_command])
async def test_nothing_is_left_of_who_was_erased_and_nothing_brings_them_back(
    shop: Behind, store: str, tmp_path: Path, erase: Callable[[Behind, str], Awaitable[dict[str, Any]]]
) -> None:
    seen = [Arrival(f"v{n}", Event(1.7e9 + n, f"web:{n}", "page viewed", "/")) for n in range(OTHERS)]
    for start in range(0, OTHERS, 500):
        await shop.tailorbird.store.apply(seen[start : start + 500])
    await send(shop, past())
    assert await greeted(shop, "qz7-phone")
    async with asyncio.timeout(60):  # the segments of all others are looked at first
        while not (await shop.tailorbird.desk.export("qz7-phone"))["page views"]:
            await asyncio.sleep(0.05)  # what was shown is recorded once a second
        while not (await shop.tailorbird.desk.export("qz7-phone"))["messages to webhooks"]:
            await asyncio.sleep(0.05)  # nobody takes them, so they wait
    assert await held(store, tmp_path) == set(NAMES)
    await join(shop.tailorbird.store, "tablet", "qz7-customer", time.time())
    async with asyncio.timeout(60):  # told past the worker, which looks every second
        while not await greeted(shop, "tablet"):
            await asyncio.sleep(0.05)
    await part(shop.tailorbird.store, "tablet", time.time())
    await shop.tailorbird.desk.groups()
    assert remembered(shop.tailorbird, NAMES) >= {b"qz7-customer", b"qz7-laptop", b"Zyx Quimby"}

    started = time.monotonic()
    receipt = await erase(shop, store)
    assert receipt["ids"] == 3 and not any(receipt["left"].values())
    assert await held(store, tmp_path) == set()
    while found := remembered(shop.tailorbird, NAMES):
        await asyncio.sleep(0.05)
        assert time.monotonic() - started < 60, found
    while await greeted(shop, "qz7-phone"):
        await asyncio.sleep(0.05)
        assert time.monotonic() - started < 60
    took = time.monotonic() - started
    kind, erased = store.partition(":")[0], receipt["erased"]
    print(f"{kind}, {erase.__name__}: {erased} erased in {took:.1f} s beside {OTHERS} others, nothing left")

    await send(shop, [{**call, "timestamp": "2026-01-01T00:00:00Z"} for call in past() if call["type"] != "dance"])
    other = open_store(store)
    await other.put_profiles([Profile("qz7-customer", {"name": "Zyx Quimby"}, updated_at=time.time())])
    await other.aclose()
    assert not await greeted(shop, "qz7-phone")
    for visitor in ("qz7-customer", "qz7-laptop", "qz7-phone"):
        profile = await shop.tailorbird.store.get_profile(visitor)
        assert profile is None or not (profile.attributes or profile.history)
