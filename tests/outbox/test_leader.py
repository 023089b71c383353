"""The whole way, from an event at the listener to somebody who is told, and several processes of which one tells."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.errors import OperatorError, StoreError
from proxy.metrics import Metrics
from proxy.model import Arrival, Event, Item
from proxy.outbox.leader import Leader, webhooks_in
from proxy.outbox.sender import MOST_PARALLEL
from proxy.rulebook.compile import load
from proxy.settings import Settings
from proxy.stores import open_outbox, open_store
from proxy.stores.personal_data import Receipt
from proxy.upstream.tls import webhook_tls
from tests.outbox.receiver import OK, SECRET, Receiver, status
from tests.wire.behind import Behind
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, always, ok
from tests.wire.site import HTML, PAGE
from tests.wire.storage import STORES, storage

KEY = "6f3a9c0012ab34cd56ef"
RULES = """version: 1
segments:
  Lookers: {when: {viewed: {times: at least 2, within: 14 days}}}
  Left their cart: {when: {added to cart: {within: 2 days, then not: bought within 2 hours}}}
rules: []
"""


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what happens beside requests."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


async def patiently(ask: Callable[[], Awaitable[Receipt]]) -> Receipt:
    """The answer of a store that is slow on a busy machine: a read waits no longer than a page would."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(StoreError):
                return await ask()


def file_of(receiver: Receiver, folder: Path) -> str:
    path = folder / "webhooks.yaml"
    path.write_text(f"webhooks: {{cdp: {{url: '{receiver.url}/hook', secret: '{SECRET}'}}}}\n", "utf-8")
    return str(path)


async def send(shop: Behind, *calls: dict[str, Any]) -> None:
    answer = await shop.client.post("/_tb/v1/batch", json={"batch": list(calls)}, auth=httpx.BasicAuth(KEY, ""))
    assert answer.status_code == 200


def track(event: str, number: int) -> dict[str, Any]:
    what = {"event": event, "properties": {"product_id": "A"}}
    return {"type": "track", "userId": "anna", "messageId": f"m{number}", **what}


@pytest.mark.parametrize("kind", STORES)
async def test_entering_a_segment_is_announced_soon_and_erased_visitors_are_not(kind: str, tmp_path: Path) -> None:
    origin = Origin(always(ok(PAGE, HTML)))
    async with storage(kind, tmp_path) as url, origin, Receiver() as receiver:
        settings = {"store": url, "write_keys": (f"shop:server:{KEY}",), "webhooks": file_of(receiver, tmp_path)}
        later = [0.0]

        def clock() -> float:
            return time.time() + later[0]

        async with Behind(origin.url, {"a.rules.yaml": RULES}, tmp_path / "shop", clock=clock, **settings) as shop:
            await send(shop, track("Product Viewed", 1), track("Product Viewed", 2), track("Product Added", 3))
            await until(lambda: receiver.heard() == [("anna", "Audience Entered", "lookers")])
            later[0] = 7_201.0
            await until(lambda: receiver.heard()[1:] == [("anna", "Audience Entered", "left_their_cart")])
            outbox = open_outbox(url)
            ((standing,), _) = await outbox.stored_of(["anna"])
            assert standing.by_webhook["cdp"].keys() == {"Lookers", "Left their cart"}
            receipt = await patiently(lambda: shop.tailorbird.desk.erase("anna"))
            assert receipt.is_whole and await outbox.stored_of(["anna"]) == ([], [])
            await outbox.aclose()


async def test_of_several_processes_one_tells_and_when_it_is_gone_another(tmp_path: Path) -> None:
    """The first is stopped while it has something to tell that was not taken: the second tells it, with the same id."""
    is_up = False
    url = f"sqlite:{tmp_path}/s.db"
    publication = load({"a.rules.yaml": RULES.encode()}).publication
    store, now = open_store(url), time.time()
    seen = [Event(now - 9 - number, f"e{number}", "product viewed", "/", (Item("A"),)) for number in range(2)]
    async with Receiver(lambda call, times: OK if is_up else status(503)) as receiver:
        outboxes = [open_outbox(url), open_outbox(url)]
        tasks = [
            asyncio.create_task(
                Leader(
                    f"process {number}",
                    store,
                    outbox,
                    [receiver.webhook()],
                    lambda: publication,
                    Metrics(),
                    time.time,
                    webhook_tls(Settings()),
                ).run()
            )
            for number, outbox in enumerate(outboxes)
        ]
        await store.apply([Arrival("anna", event) for event in seen])
        await until(lambda: len(receiver.requests) >= 2)
        ids = {request.body.split(b'"messageId":"')[1][:32] for request in receiver.requests}
        assert len(ids) == 1
        leads = [await outbox.lead(f"process {number}", time.time(), 9.0) for number, outbox in enumerate(outboxes)]
        leader = leads.index(True)
        tasks[leader].cancel()
        is_up = True
        await until(lambda: len(receiver.taken) == 1)
        assert receiver.heard() == [("anna", "Audience Entered", "lookers")]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for outbox in outboxes:
            await outbox.aclose()
    await store.aclose()


@pytest.mark.parametrize("kind", STORES if os.environ.get("BAR_FULL") else STORES[:1])
async def test_a_server_killed_in_the_middle_tells_everybody_everything_in_the_end(kind: str, tmp_path: Path) -> None:
    """It is killed when it has told of a third; another goes on: who keeps ids has heard of everybody, each once."""
    visitors, killed = [f"v{number}" for number in range(150)], False
    (tmp_path / "a.rules.yaml").write_text(RULES, "utf-8")
    receiver = Receiver(lambda call, times: OK if killed or len(receiver.taken) < 50 else status(503))
    async with storage(kind, tmp_path) as url, Origin(always(ok(PAGE, HTML))) as origin, receiver:
        settings = {"store": url, "write_keys": f"shop:server:{KEY}", "webhooks": file_of(receiver, tmp_path)}
        looked = [{**track("Product Viewed", number), "userId": who} for who in visitors for number in range(2)]
        async with Daemon(origin.url, tmp_path, has_admin=False, **settings) as daemon:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{daemon.port}", timeout=30) as client:
                answer = await client.post("/_tb/v1/batch", json={"batch": looked}, auth=httpx.BasicAuth(KEY, ""))
                assert answer.status_code == 200
            await until(lambda: len(receiver.taken) >= 50)
            daemon.signal(signal.SIGKILL)
            await daemon.process.wait()
        killed = True
        async with Daemon(origin.url, tmp_path, has_admin=False, **settings):
            await until(lambda: {who for who, *_ in receiver.heard()} == set(visitors))
    once = dict(zip([call["messageId"] for call in receiver.taken], receiver.heard(), strict=True))
    assert sorted(once.values()) == sorted((who, "Audience Entered", "lookers") for who in visitors)
    assert len(receiver.taken) - len(once) <= MOST_PARALLEL, "what was under way came twice, no more"


def test_a_file_that_makes_no_sense_is_told_before_anything_begins(tmp_path: Path) -> None:
    assert webhooks_in("") == ()
    with pytest.raises(OperatorError, match="cannot be read"):
        webhooks_in(str(tmp_path / "nowhere.yaml"))
    (tmp_path / "w.yaml").write_text("webhooks: {cdp: {url: 'https://x.example'}}", "utf-8")
    with pytest.raises(OperatorError, match=r"w\.yaml:1:\d+: R103 this webhook has no \"secret\""):
        webhooks_in(str(tmp_path / "w.yaml"))
