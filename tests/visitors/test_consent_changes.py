"""What a visitor agrees to, noted for those who tell others of them."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from proxy.audience.consent import LEVEL
from proxy.model import Arrival, Event
from proxy.stores import open_store
from tests.contracts.conftest import flush
from tests.visitors.test_capture import FOLDER, HTML, OPENED, PAGE, log
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.patience import PATIENT, WAITS

WEBHOOKS = "webhooks: {cdp: {url: 'http://127.0.0.1:9/', secret: 0123456789abcdef}}"
TOOL = {"consent": ("own",), "consent_default": "session"}
ALL, SESSION, NOTHING = ({"cookie": f"tb_consent={level}"} for level in ("profile", "session", "contextual"))
GPC = {"cookie": "a=b", "sec-gpc": "1"}
OF_A_PAGE = 2
"""Events: that it was viewed, and its product."""


async def levels(folder: Path, events: int, *pages: dict[str, str], **settings: object) -> list[object]:
    """What is noted of a visitor who opens a page with these fields after one another, among so many events."""
    (folder / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    named = {"webhooks": str(folder / "webhooks.yaml"), **settings}
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, folder, **named) as shop:
        for fields in pages:
            cookie = f"{shop.cookies_of('anna')['cookie']}; {fields['cookie']}"
            await shop.client.get("/", headers={**OPENED, **fields, "cookie": cookie})
        arrivals = await log(shop, events)
    return [one.traits.get(LEVEL) for one in arrivals if one.event.kind == "identified"]


async def test_each_change_is_noted_once(tmp_path: Path) -> None:
    pages = SESSION, SESSION, ALL, ALL, NOTHING, NOTHING
    assert await levels(tmp_path, 4 * OF_A_PAGE + 3, *pages, **TOOL) == ["session", "profile", "contextual"]


async def test_a_browser_that_does_not_want_it_is_noted_though_no_tool_is_asked(tmp_path: Path) -> None:
    assert await levels(tmp_path, 1 + OF_A_PAGE + 1, GPC, GPC, ALL) == ["contextual", "profile"]


@pytest.mark.parametrize("settings", [{}, {"webhooks": "", **TOOL}], ids=["who agrees to all", "nobody is told"])
async def test_what_nobody_needs_is_not_noted(tmp_path: Path, settings: dict[str, object]) -> None:
    assert await levels(tmp_path, 2 * OF_A_PAGE, ALL, ALL, **settings) == []


@pytest.mark.parametrize("is_first_page", [True, False])
async def test_who_sends_events_and_opens_no_second_page_is_noted_too(tmp_path: Path, is_first_page: bool) -> None:
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    settings = {"webhooks": str(tmp_path / "webhooks.yaml"), **TOOL}
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, **settings) as shop:
        cookie = shop.cookies_of("anna")["cookie"]
        if is_first_page:
            met = await shop.client.get("/", headers=OPENED)
            cookie = met.headers["set-cookie"].partition(";")[0]
        fields = {"cookie": cookie, "sec-fetch-site": "same-origin", "user-agent": OPENED["user-agent"]}
        event = {"event": "Product Added", "properties": {"product_id": "A"}}
        sent = await shop.client.post("/_tb/v1/track", json=event, headers=fields)
        assert sent.status_code == 200
        arrivals = await log(shop, 2)
    assert {one.event.kind: one.traits.get(LEVEL) for one in arrivals} == {
        "product added": None, "identified": "session"
    }  # fmt: skip


async def test_who_withdraws_and_opens_no_further_page_is_noted_by_what_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    settings = {"webhooks": str(tmp_path / "webhooks.yaml"), **TOOL}
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, **settings) as shop:
        fields = {"sec-fetch-site": "same-origin", "user-agent": OPENED["user-agent"]}
        for cookie in (shop.cookies_of("anna")["cookie"], "a=b"):
            sent = {**fields, "cookie": f"{cookie}; {NOTHING['cookie']}"}
            event = {"event": "Product Added", "properties": {"product_id": "A"}}
            assert (await shop.client.post("/_tb/v1/track", json=event, headers=sent)).status_code == 200
        arrivals = await log(shop, 1)
    assert [(one.visitor_id, one.traits) for one in arrivals] == [("anna", {LEVEL: "contextual"})]


async def until_noted(shop: Behind, level: str, fields: dict[str, str]) -> None:
    """Opens a page with these fields, again and again, until that is what is noted of the visitor."""
    cookie = f"{shop.cookies_of('anna')['cookie']}; {fields['cookie']}"
    async with asyncio.timeout(60):
        while True:
            await shop.client.get("/", headers={**OPENED, "cookie": cookie})
            profile = await shop.tailorbird.store.get_profile("anna")
            if profile is not None and profile.attributes.get(LEVEL) == level:
                return
            await asyncio.sleep(0.05)


async def test_who_withdraws_at_a_worker_what_they_agreed_to_at_another_is_noted(tmp_path: Path) -> None:
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    settings = {"webhooks": str(tmp_path / "webhooks.yaml"), **TOOL}
    with tempfile.TemporaryDirectory() as shared:  # sockets have short paths
        async with (
            Origin(always(ok(PAGE, *HTML))) as origin,
            Behind(origin.url, FOLDER, tmp_path, shared=Path(shared), **settings) as one,
            Behind(origin.url, FOLDER, tmp_path, shared=Path(shared), **settings) as other,
        ):
            await until_noted(one, "session", SESSION)
            await until_noted(other, "profile", ALL)
            await until_noted(one, "session", SESSION)


async def test_what_another_machine_noted_and_could_not_tell_is_overwritten(tmp_path: Path, valkey_url: str) -> None:
    await flush(valkey_url)
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    settings = {"webhooks": str(tmp_path / "webhooks.yaml"), "store": valkey_url, **TOOL, **WAITS}
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, **settings) as shop:
        await until_noted(shop, "session", SESSION)
        async with aclosing(open_store(valkey_url, PATIENT)) as elsewhere:
            at = time.time() + 0.01
            await elsewhere.apply(
                [Arrival("anna", Event(at, "page:elsewhere", "identified"), "page", at, {LEVEL: "profile"})]
            )
        await until_noted(shop, "session", SESSION)


async def test_it_is_noted_again_of_who_was_erased(tmp_path: Path) -> None:
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS, "utf-8")
    settings = {"webhooks": str(tmp_path / "webhooks.yaml"), **TOOL}
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, **settings) as shop:
        await until_noted(shop, "session", SESSION)
        await shop.tailorbird.desk.erase("anna")
        await until_noted(shop, "session", SESSION)
