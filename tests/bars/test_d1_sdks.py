"""The published SDKs, unchanged, pointed at a real server: each event arrives once with what it says, though an answer
is lost after the server took the batch, and the next attempt is turned away."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.model import Arrival
from proxy.stores import open_store
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, Seen, Wire, always, ok
from tests.wire.posting import KEY, WRITE_KEYS, Posting
from tests.wire.served import Heard, request

VIEWS = 2_000 if os.environ.get("BAR_FULL") else 230
NPM_SECONDS = 30
TO_ITSELF = {b"host", b"content-length", b"transfer-encoding", b"connection"}

PYTHON = """
import sys
import {module} as analytics

analytics.write_key, analytics.{address} = sys.argv[1:3]
analytics.identify("anna", {{"tier": "gold"}})
for number in range(int(sys.argv[3])):
    analytics.track("anna", "Product Viewed", {{"product_id": f"p{{number}}", "price": 2}})
analytics.track("anna", "Order Completed", {{
    "order_id": "o1", "revenue": 25.5, "products": [{{"product_id": "p1", "price": 12.75, "quantity": 2}}]
}})
analytics.track("anna", "Guide Downloaded", {{"title": "Boots, Größe 42", "pages": 12, "is_free": True}})
analytics.page("anna", "Home", properties={{"path": "/home"}})
analytics.screen("anna", name="Basket")
analytics.group("anna", "team-7", {{"seats": 3}})
analytics.alias("anna-before", "anna")
analytics.shutdown()
"""
NODE = """
import { Analytics } from "@segment/analytics-node"

const [key, address, views] = process.argv.slice(2)
const { origin, pathname } = new URL(address)
const analytics = new Analytics({ writeKey: key, host: origin, path: pathname + "/v1/batch" })
const userId = "anna"
analytics.identify({ userId, traits: { tier: "gold" } })
for (let number = 0; number < Number(views); number++)
    analytics.track({ userId, event: "Product Viewed", properties: { product_id: `p${number}`, price: 2 } })
const products = [{ product_id: "p1", price: 12.75, quantity: 2 }]
analytics.track({ userId, event: "Order Completed", properties: { order_id: "o1", revenue: 25.5, products } })
const guide = { title: "Boots, Größe 42", pages: 12, is_free: true }
analytics.track({ userId, event: "Guide Downloaded", properties: guide })
analytics.page({ userId, name: "Home", properties: { path: "/home" } })
analytics.screen({ userId, name: "Basket" })
analytics.group({ userId, groupId: "team-7", traits: { seats: 3 } })
analytics.alias({ userId, previousId: "anna-before" })
await analytics.closeAndFlush({ timeout: 60000 })
"""
EXPECTED = Counter(
    {
        **{("product viewed", f"p{number}", "", 2.0): 1 for number in range(VIEWS)},
        ("identified", "", "", 0.0): 1,
        ("order completed", "p1", "", 25.5): 1,
        ("custom event", "", "Guide Downloaded", 0.0): 1,
        ("page viewed", "", "/home", 0.0): 1,
        ("screen viewed", "", "Basket", 0.0): 1,
        ("grouped", "", "team-7", 0.0): 1,
        ("aliased", "", "anna-before", 0.0): 1,
        ("joined", "", "anna-before", 0.0): 1,  # what the alias does
    }
)


@dataclass(frozen=True)
class Sdk:
    """A published SDK, and the command that sends all of the above with it."""

    name: str
    prepare: Callable[[Path], list[str]]


def python(module: str, address: str) -> Callable[[Path], list[str]]:
    def prepare(folder: Path) -> list[str]:
        (folder / "send.py").write_text(PYTHON.format(module=module, address=address), encoding="utf-8")
        return [sys.executable, str(folder / "send.py")]

    return prepare


def node(folder: Path) -> list[str]:
    (folder / "send.mjs").write_text(NODE, encoding="utf-8")
    return ["node", str(folder / "send.mjs")]


SDKS = (
    Sdk("segment-analytics-python", python("segment.analytics", "host")),
    Sdk("rudder-sdk-python", python("rudderstack.analytics", "dataPlaneUrl")),
    Sdk("@segment/analytics-node", node),
)


@pytest.fixture
def sdk_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sdk"
    folder.mkdir()
    return folder


async def installed(sdk: Sdk, folder: Path) -> list[str]:
    """The command; skips the test when npm cannot bring the SDK soon."""
    if sdk.prepare is node:
        if not shutil.which("npm"):
            pytest.skip(f"{sdk.name}: npm is not installed")
        quietly = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", "--prefix", str(folder))
        if code := await run("npm", "install", *quietly, f"{sdk.name}@3", seconds=NPM_SECONDS):
            pytest.skip(f"{sdk.name}: npm could not install it ({code})")
    return sdk.prepare(folder)


async def run(*command: str, seconds: float) -> int:
    """The exit code; -9 when it took too long."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        return await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return -9
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Relay:
    """Passes requests on to a server. The first is taken, but its answer is lost; the second is turned away."""

    def __init__(self, port: int, *, is_faulty: bool = True) -> None:
        self._port = port
        self._is_faulty = is_faulty
        self.statuses: list[str] = []

    async def script(self, wire: Wire) -> None:
        """One connection."""
        while True:
            seen = await wire.request()
            number = len(self.statuses) if self._is_faulty else -1
            if number == 1:
                self.statuses.append("turned away")
                await wire.send(ok(b"", status=b"503 Service Unavailable"))
                continue
            self.statuses.append("")
            heard = await self._passed_on(seen)
            self.statuses[number] = f"{heard.status} lost" if number == 0 else str(heard.status)
            if number == 0:
                wire.reset()
                return
            await wire.send(ok(heard.body, b"Content-Type: application/json", status=b"%d Said" % heard.status))

    async def _passed_on(self, seen: Seen) -> Heard:
        fields = [field for field in seen.headers if field[0] not in TO_ITSELF]
        async with Posting(self._port) as posting:
            heard = await posting.ask(request(seen.method, seen.target, *fields, body=seen.body))
        assert heard is not None
        return heard


@asynccontextmanager
async def relayed(folder: Path, *, is_faulty: bool) -> AsyncIterator[tuple[Relay, str]]:
    """A server behind a relay, and the address an SDK is given."""
    async with (
        Origin(always(ok(b""))) as origin,
        Daemon(origin.url, folder, has_admin=False, write_keys=WRITE_KEYS) as daemon,
    ):
        relay = Relay(daemon.port, is_faulty=is_faulty)
        async with Origin(relay.script) as front:
            yield relay, f"{front.url}/_tb"


def told(arrival: Arrival) -> tuple[str, str, str, float]:
    event = arrival.event
    return event.kind, event.items[0].product if event.items else "", event.subject, event.value


@pytest.mark.bar("D1")
@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
async def test_every_event_of_an_sdk_arrives_once_with_its_properties(
    sdk: Sdk, sdk_folder: Path, tmp_path: Path
) -> None:
    command = await installed(sdk, sdk_folder)
    async with relayed(tmp_path, is_faulty=True) as (relay, address):
        assert await run(*command, KEY, address, str(VIEWS), seconds=120) == 0
    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    arrivals = await store.log_of("anna")
    profile = await store.get_profile("anna")
    refused = await store.refused()
    await store.aclose()
    print(f"\nD1 {sdk.name}: {len(arrivals)} of {EXPECTED.total()} events; requests: {Counter(relay.statuses)}")
    assert relay.statuses[:2] == ["200 lost", "turned away"]
    assert set(relay.statuses[2:]) == {"200"}
    assert not refused
    assert Counter(map(told, arrivals)) == EXPECTED
    (guide,) = [arrival.details for arrival in arrivals if arrival.event.kind == "custom event"]
    assert guide == {"title": "Boots, Größe 42", "pages": 12.0, "is_free": True}
    (order,) = [arrival.event for arrival in arrivals if arrival.event.kind == "order completed"]
    assert [(item.price, item.quantity) for item in order.items] == [(12.75, 2)]
    assert profile is not None
    assert profile.attributes["tier"] == "gold"


@pytest.mark.bar("D1")
@pytest.mark.parametrize("sdk", SDKS[:2], ids=lambda sdk: sdk.name)
async def test_an_sdk_with_a_key_of_nobody_does_not_ask_again_and_again(
    sdk: Sdk, sdk_folder: Path, tmp_path: Path
) -> None:
    command = await installed(sdk, sdk_folder)
    async with relayed(tmp_path, is_faulty=False) as (relay, address):
        assert await run(*command, "nobodys", address, "1", seconds=60) == 0
    assert relay.statuses == ["401"]
