"""Events through the real listener, into a real store."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.errors import StoreError
from proxy.model import Arrival
from proxy.visitors.collect import WHILE_AWAY
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

PAGE = b'<html><body><div data-slot="home.hero">ours</div></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=600")
RULES = """version: 1
rules:
  - name: Lookers
    slot: home.hero
    when: {viewed: {times: at least 2}}
    show: {banner: {title: Seen it}}
"""
FOLDER = {"a.rules.yaml": RULES, "slots.yaml": "slots: {home.hero: {}}"}
SERVER = "6f3a9c0012ab34cd56ef"
HOSTS = ("127.0.0.1", "www.shop.example")
KEYS = (f"shop:server:{SERVER}", "site:public:pk_1", "app:trusted:tk_1")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
OURS = {"sec-fetch-site": "same-origin", "user-agent": CHROME}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Behind]:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, write_keys=KEYS, allowed_hosts=HOSTS) as behind,
    ):
        behind.client.headers["user-agent"] = CHROME
        yield behind


async def send(shop: Behind, route: str, body: Any, key: str = SERVER, **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    auth = httpx.BasicAuth(key, "") if key else None
    return await shop.client.post(f"/_tb/v1/{route}", content=raw, headers=headers, auth=auth)


def page(path: str = "/sale", **more: Any) -> dict[str, Any]:
    return {"type": "page", "properties": {"path": path}, **more}


def product(number: int, **more: Any) -> dict[str, Any]:
    return {"event": "Product Viewed", "messageId": f"m{number}", "properties": {"product_id": f"p{number}"}, **more}


async def log(shop: Behind) -> list[Arrival]:
    return list((await shop.tailorbird.store.log("", 1_000))[0])


# -- taken


async def test_a_batch_is_in_the_log_when_it_is_answered(shop: Behind) -> None:
    answer = await send(shop, "batch", {"batch": [page(userId="anna", messageId="m1"), page(userId="ben")]})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert [(one.visitor_id, one.source, one.event.kind) for one in await log(shop)] == [
        ("anna", "shop", "page viewed"),
        ("ben", "shop", "page viewed"),
    ]


async def test_an_event_counts_on_the_very_next_page(shop: Behind) -> None:
    cookies = shop.cookies_of("anna")
    assert "ours" in (await shop.client.get("/", headers=cookies)).text
    await send(shop, "track", product(1, userId="anna"))
    assert "ours" in (await shop.client.get("/", headers=cookies)).text
    await send(shop, "track", product(2, userId="anna"))
    assert "Seen it" in (await shop.client.get("/", headers=cookies)).text


async def test_a_product_that_the_call_for_a_pages_slots_has_told_is_not_told_again_by_the_module(
    tmp_path: Path,
) -> None:
    tent = json.dumps({"id": "T1", "title": "Tent", "link": "https://shop.example/t1", "price": "99.00 EUR"})
    async with Behind("http://127.0.0.1:1", FOLDER | {"products.jsonl": tent}, tmp_path) as behind:
        headers = OURS | behind.cookies_of("anna")
        for path in ("/t1", "/elsewhere", ""):
            viewed = {"event": "Product Viewed", "properties": {"product_id": "T1-red", "told_at": path}}
            await send(behind, "track", viewed, "", **headers)
        assert [one.details for one in await log(behind)] == [
            {"product_id": "T1-red", "told_at": "/elsewhere"},
            {"product_id": "T1-red"},
        ]


async def test_what_a_button_does_not_say_of_its_product_the_catalogue_does(tmp_path: Path) -> None:
    """Nor a server's order, but for its price: what it gives away costs nothing."""
    rules = RULES.replace("{viewed: {times: at least 2}}", "{cart total: at least 1 EUR, categories in cart: tents}")
    tent = {"id": "T1", "title": "Tent", "link": "/t1", "price": "99.00 EUR", "brand": "Tarnwell", "category": "tents"}
    folder = FOLDER | {"a.rules.yaml": rules, "products.jsonl": json.dumps(tent)}
    added = {"event": "Product Added", "properties": {"product_id": "T1"}}
    own_price = {"event": "Product Added", "properties": {"product_id": "T1", "price": 5, "brand": "Own"}}
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, folder, tmp_path, write_keys=KEYS, allowed_hosts=HOSTS) as behind,
    ):
        cookies = behind.cookies_of("anna")
        await send(behind, "track", {**added, "userId": "anna"})
        assert "ours" in (await behind.client.get("/", headers=cookies | OURS)).text
        for said in (added, own_price):
            assert (await send(behind, "track", said, key="", **cookies, **OURS)).status_code == 200
        assert "Seen it" in (await behind.client.get("/", headers=cookies | OURS)).text
        told = [(one.source, item) for one in await log(behind) for item in one.event.items]
        assert [(who, item.price, item.brand, item.category) for who, item in told] == [
            ("shop", 0.0, "Tarnwell", "tents"),
            ("browser", 99.0, "Tarnwell", "tents"),
            ("browser", 5.0, "Own", "tents"),
        ]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("track", product(1)),
        ("t", product(1)),
        ("page", page()),
        ("p", page()),
        ("screen", {"name": "Sale"}),
        ("identify", {"traits": {"size": "40"}}),
        ("i", {"traits": {"size": "40"}}),
        ("group", {"groupId": "g"}),
        ("alias", {"previousId": "abc"}),
    ],
)
async def test_every_route_takes_its_call(shop: Behind, route: str, body: dict[str, Any]) -> None:
    assert (await send(shop, route, {**body, "userId": "anna"}, **{"content-type": "text/plain"})).status_code == 200
    assert [one.source for one in await log(shop)].count("shop") == 1


async def test_a_body_may_be_packed(shop: Behind) -> None:
    packed = gzip.compress(json.dumps(page(userId="anna")).encode())
    assert (await send(shop, "page", packed, **{"content-encoding": "gzip"})).status_code == 200
    assert len(await log(shop)) == 1


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (b"\x1f\x8bnonsense", "gzip", 400),
        (gzip.compress(b"{}")[:-9], "gzip", 400),
        (gzip.compress(b" " * 50_000_000), "gzip", 413),
        (b" " * 1_100_000, "identity", 413),
        (b"{}", "br", 415),
        (b"{", "identity", 400),
    ],
    ids=["no gzip", "cut off", "bomb", "too large", "another coding", "no JSON"],
)
async def test_a_body_that_cannot_be_read_is_refused(shop: Behind, body: bytes, coding: str, status: int) -> None:
    answer = await send(shop, "batch", body, **{"content-encoding": coding})
    assert answer.status_code == status
    assert (answer.json()["success"], answer.json()["code"]) == (False, str(status))


@pytest.mark.parametrize(
    ("route", "body"),
    [("batch", {"batch": [0] * 5_001}), ("audience", {"segment": "VIP", "add": [0] * 5_001})],
    ids=["a batch", "a list"],
)
async def test_very_many_events_are_refused_together_since_each_takes_time(
    shop: Behind, route: str, body: dict[str, Any]
) -> None:
    answer = await send(shop, route, body)
    assert (answer.status_code, answer.json()["message"]) == (
        413,
        "5,001 events came in one request, and 2,500 are taken",
    )
    assert (await send(shop, "batch?strict=1", {"batch": [page(userId="anna")] * 2_501})).json()["accepted"] == 2_500


# -- what is said


async def test_rejected_events_are_listed_with_reasons(shop: Behind) -> None:
    batch = {"batch": [page(userId="anna"), {"type": "dance"}, page(userId="null"), product(1, type="track")]}
    lenient, strict = await send(shop, "batch", batch), await send(shop, "batch?strict=1", batch)
    assert (lenient.status_code, lenient.json()) == (200, {"success": True})
    assert (strict.status_code, strict.json()["accepted"]) == (400, 1)
    assert [(error["index"], error["reason"]) for error in strict.json()["errors"]] == [
        (1, "type"),
        (2, "visitor-id"),
        (3, "no-visitor"),
    ]


async def test_what_was_not_taken_is_kept_as_it_was_sent(shop: Behind) -> None:
    await send(shop, "batch", {"batch": [{"type": "dance", "userId": "anna"}]})
    await shop.tailorbird.journal.aclose()
    (kept,) = await shop.tailorbird.store.refused()
    assert (kept.source, kept.reason, kept.call) == ("shop", "type", "batch")
    assert json.loads(kept.payload) == {"type": "dance", "userId": "anna"}


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/_tb/v1/batch", {"batch": [{"type": "dance", "userId": "anna"}]}),
        ("/_tb/v1/batch", {"batch": [{"type": "track", "event": "x" * 40_000, "userId": "anna"}]}),
        ("/_tb/v1/batch", {"batch": [page(userId="anna", timestamp="soon")]}),
        ("/_tb/v1/audience", {"userId": "anna", "type": "dance"}),
        ("/_tb/g/collect", {"user_id": "anna", "events": [{"params": {"street": "High Street 1"}}]}),
        ("/_tb/g/collect", {"client_id": "anna", "events": [{"name": "x" * 40_000}]}),
    ],
    ids=["unknown", "too large", "no time", "audience", "without a name", "too large for GA4"],
)
async def test_whose_what_was_not_taken_is_known(shop: Behind, route: str, body: dict[str, object]) -> None:
    answer = await shop.client.post(route, json=body, auth=httpx.BasicAuth(SERVER, ""))
    assert answer.status_code == 200
    await shop.tailorbird.journal.aclose()
    (kept,) = await shop.tailorbird.store.refused()
    assert kept.visitor_id == "anna"


async def test_an_app_names_only_visitors_of_its_own_in_what_was_not_taken(shop: Behind) -> None:
    await send(shop, "batch", {"batch": [{"type": "dance", "anonymousId": "anna"}]}, "pk_1")
    await shop.tailorbird.journal.aclose()
    (kept,) = await shop.tailorbird.store.refused()
    assert kept.visitor_id.startswith("anon_")


async def test_a_store_that_is_away_means_send_it_again(shop: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise StoreError("away")

    with monkeypatch.context() as patched:
        patched.setattr(shop.tailorbird.store, "apply", away)
        answer = await send(shop, "page", page(userId="anna", messageId="m1"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (await send(shop, "page", page(userId="anna", messageId="m1"))).status_code == 200
    assert len(await log(shop)) == 1


async def test_a_store_that_hangs_holds_half_of_the_places_for_clients_and_few_once_it_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = asyncio.Event()

    async def hangs(*_: object) -> None:
        await answers.wait()
        raise StoreError("silent")

    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, write_keys=KEYS, max_clients=40) as shop,
    ):
        monkeypatch.setattr(shop.tailorbird.store, "apply", hangs)
        for held in (20, WHILE_AWAY):
            answers.clear()
            waiting = {asyncio.create_task(send(shop, "page", page(userId="anna"))) for _ in range(24)}
            try:
                async with asyncio.timeout(10):
                    while len(waiting) > held:
                        sent_back, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                        assert {task.result().status_code for task in sent_back} == {503}
                assert (await shop.client.get("/")).status_code == 200
            finally:
                answers.set()
            assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {503}


@pytest.mark.parametrize(
    ("origin", "allowed", "with_cookies"),
    [
        ("https://www.shop.example", "https://www.shop.example", True),
        ("https://blog.example", "*", False),
    ],
)
async def test_a_page_of_another_host_may_send_its_own(
    shop: Behind, origin: str, allowed: str, with_cookies: bool
) -> None:
    ahead = await shop.client.options("/_tb/v1/batch", headers={"origin": origin})
    sent = await send(shop, "page", page(anonymousId="x"), "pk_1", origin=origin)
    for answer in (ahead, sent):
        assert answer.headers["access-control-allow-origin"] == allowed
        assert ("access-control-allow-credentials" in answer.headers) is with_cookies
    assert ahead.status_code == 204


async def test_events_are_sent_by_post(shop: Behind) -> None:
    assert (await shop.client.get("/_tb/v1/track")).status_code == 405


async def test_ga4_as_it_is(shop: Behind) -> None:
    cookies = shop.cookies_of("anna")
    beacon = "/_tb/g/collect?v=2&en=page_view&dl=https%3A%2F%2Fshop.example%2Fsale"
    assert (await shop.client.get(beacon, headers={**OURS, **cookies})).status_code == 200
    pushed = {"event": "view_item", "ecommerce": {"items": [{"item_id": "p1"}]}}
    assert (await shop.client.post("/_tb/g/collect", json=pushed, headers={**OURS, **cookies})).status_code == 200
    assert [(one.visitor_id, one.event.kind) for one in await log(shop)] == [
        ("anna", "page viewed"),
        ("anna", "product viewed"),
    ]
