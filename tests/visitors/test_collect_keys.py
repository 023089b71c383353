"""Who may tell events, and who is not counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.visitors.collect import without_key
from tests.visitors.test_collect import CHROME, FOLDER, HTML, KEYS, OURS, PAGE, SERVER, log, page, send, shop
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

__all__ = ["shop"]  # fixtures


@pytest.mark.parametrize(
    "request_of",
    [
        {"headers": {"authorization": f"Bearer {SERVER}"}, "json": page(userId="anna")},
        {"json": page(userId="anna", writeKey=SERVER)},
        {"params": {"writeKey": SERVER}, "json": page(userId="anna")},
        {"params": {"api_secret": SERVER}, "json": page(userId="anna")},
    ],
    ids=["bearer", "body", "query", "as GA4 has it"],
)
async def test_a_key_comes_in_several_ways(shop: Behind, request_of: dict[str, Any]) -> None:
    assert (await shop.client.post("/_tb/v1/page", **request_of)).status_code == 200
    assert len(await log(shop)) == 1


@pytest.mark.parametrize("key", ["", "nobodys"])
async def test_without_a_key_from_elsewhere_nothing_is_taken(shop: Behind, key: str) -> None:
    assert (await send(shop, "page", page(userId="anna"), key)).status_code == 401
    crossing = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    assert (await send(shop, "page", page(userId="anna"), key, **crossing)).status_code == 401
    assert await log(shop) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"writeKey" : "a/b\\"c\\\\", "type": "dance"}', b'{"writeKey" : "", "type": "dance"}'),
        (b'{"url": "/?a=1&writeKey=k", "writeKey":""}', b'{"url": "/?a=1&writeKey=...", "writeKey":""}'),
        (b'{"context": {"writeKey": "k"}, "writeKey": null}', b'{"context": {"writeKey": ""}, "writeKey": null}'),
        (b"v=2&api_secret=k&en=dance", b"v=2&api_secret=...&en=dance"),
        (b"api_secret=k", b"api_secret=..."),
    ],
)
def test_what_was_not_taken_is_kept_without_its_key(sent: bytes, kept: bytes) -> None:
    assert without_key(sent) == kept


async def test_the_write_key_of_an_event_is_not_stored(shop: Behind) -> None:
    sent = {"event": "", "userId": "anna", "messageId": "m7", "writeKey": SERVER}
    assert (await shop.client.post("/_tb/v1/track", json=sent)).status_code == 200
    await shop.tailorbird.journal.aclose()
    told = str(await shop.tailorbird.desk.export("anna"))
    assert "m7" in told and SERVER not in told


async def test_a_page_of_the_shop_needs_no_key_and_speaks_for_its_cookie(shop: Behind) -> None:
    cookies = shop.cookies_of("anna")
    await send(shop, "page", page(userId="ben", anonymousId="ben"), "", **OURS, **cookies)
    assert [one.visitor_id for one in await log(shop)] == ["anna"]


async def test_a_page_of_the_shop_gets_a_cookie_when_there_is_none(shop: Behind) -> None:
    answer = await send(shop, "page", page(), "", **OURS)
    (one,) = await log(shop)
    visitor = shop.tailorbird.cookies.read(answer.headers["set-cookie"].partition(";")[0].encode(), 2e9)
    assert visitor.id == one.visitor_id != ""


async def test_a_public_key_never_speaks_for_another_visitor(shop: Behind) -> None:
    await send(shop, "page", page(userId="anna", anonymousId="anna"), "pk_1")
    (one,) = await log(shop)
    assert one.visitor_id.startswith("anon_")
    assert await shop.tailorbird.store.get_profile("anna") is None


async def test_a_link_on_a_foreign_site_does_not_speak_for_the_visitor_who_follows_it(shop: Behind) -> None:
    """Their cookie comes along (SameSite=Lax), and the key stands in every page of the shop."""
    beacon = "/_tb/g/collect?v=2&en=page_view&dl=https%3A%2F%2Fshop.example%2Fsale&cid=1.2&writeKey=pk_1"
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "user-agent": CHROME}
    for headers in ({**followed}, {**followed, "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}):
        assert (await shop.client.get(beacon, headers={**headers, **shop.cookies_of("anna")})).status_code == 200
    foreign, own = await log(shop)
    assert (foreign.visitor_id[:5], own.visitor_id) == ("anon_", "anna")


async def test_a_platform_says_who_is_in_its_segments_and_the_next_page_knows(tmp_path: Path) -> None:
    rules = """version: 1
segments: {vip: {}}
rules:
  - {name: For VIPs, slot: home.hero, when: {segment: VIP}, show: {banner: {title: Welcome back}}}
"""
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, {**FOLDER, "a.rules.yaml": rules}, tmp_path, write_keys=KEYS) as shop,
    ):
        shop.client.headers["user-agent"] = CHROME

        async def is_greeted() -> bool:
            return "Welcome back" in (await shop.client.get("/", headers=shop.cookies_of("anna", []))).text

        personas = {"computation_class": "audience", "computation_key": "vip"}
        assert not await is_greeted()
        for body, greeted in (
            ({"type": "track", "event": "Audience Entered", "properties": {"audience_key": "vip"}}, True),
            ({"type": "identify", "traits": {"vip": False}, "context": {"personas": personas}}, False),
            ({"segment": "vip", "add": ["anna"]}, True),
            ({"segment": "vip", "remove": [{"userId": "anna"}]}, False),
            (
                [{"type": "identify", "userId": "anna", "traits": {"vip": True}, "context": {"personas": personas}}],
                True,
            ),
        ):
            answer = await send(shop, "audience", {"userId": "anna", **body} if isinstance(body, dict) else body)
            assert (answer.status_code, await is_greeted()) == (200, greeted), body
        for key in ("pk_1", "tk_1"):
            said = {"type": "track", "event": "Audience Entered", "properties": {"audience_key": "vip"}}
            answer = await send(shop, "audience?strict=1", {"anonymousId": "a", **said}, key)
            assert [one["reason"] for one in answer.json()["errors"]] == ["server-only"]


@pytest.mark.parametrize("key", ["", "pk_1"])
async def test_a_browser_cannot_place_an_order_or_say_who_it_is(shop: Behind, key: str) -> None:
    order = {"type": "track", "event": "Order Completed", "properties": {"order_id": "1", "revenue": 1e6}}
    identify = {"type": "identify", "traits": {"orders": 99}}
    answer = await send(shop, "batch?strict=1", {"batch": [order, identify]}, key, **OURS, **shop.cookies_of("anna"))
    assert answer.status_code == 400
    assert [error["reason"] for error in answer.json()["errors"]] == ["server-only"]
    profile = await shop.tailorbird.store.get_profile("anna")
    assert profile is not None
    assert (profile.attributes, profile.history) == ({}, ())


async def test_a_trusted_key_may_for_its_own_visitor(shop: Behind) -> None:
    order = {
        "type": "track",
        "event": "Order Completed",
        "userId": "ben",
        "properties": {"order_id": "1", "revenue": 9},
    }
    identify = {"type": "identify", "userId": "ben", "traits": {"size": "40"}}
    await send(shop, "batch", {"batch": [order, identify]}, "tk_1", **OURS, **shop.cookies_of("anna"))
    profile = await shop.tailorbird.store.get_profile("anna")
    assert profile is not None
    assert (dict(profile.attributes), [event.value for event in profile.history]) == ({"size": "40"}, [9.0])


# -- who is not counted


@pytest.mark.parametrize(
    ("field", "value", "outcome"),
    [
        ("user-agent", "Googlebot/2.1 (+http://www.google.com/bot.html)", "bot"),
        ("sec-gpc", "1", "unwanted"),
        ("dnt", "1", "unwanted"),
    ],
)
async def test_bots_and_visitors_who_opted_out_are_not_counted(
    shop: Behind, field: str, value: str, outcome: str
) -> None:
    answer = await send(shop, "page", page(), "", **{**OURS, field: value}, **shop.cookies_of("anna"))
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert answer.json() == {"success": True}
    told = await send(shop, "page?strict=1", page(), "", **{**OURS, field: value}, **shop.cookies_of("anna"))
    assert told.json() == {"success": True, "accepted": 0, "reason": outcome}
    assert await log(shop) == []
    assert shop.tailorbird.metrics.get("tailorbird_events_total", outcome) == 2


async def test_events_count_only_with_consent(tmp_path: Path) -> None:
    origin = Origin(always(ok(PAGE, *HTML)))
    async with origin, Behind(origin.url, FOLDER, tmp_path, consent=("own",), consent_default="contextual") as shop:
        for cookie, logged in (("", 0), ("; tb_consent=none", 0), ("; tb_consent=session", 1)):
            whole = {"cookie": shop.cookies_of("anna")["cookie"] + cookie}
            assert (await send(shop, "page", page(), "", **OURS, **whole)).status_code == 200
            assert len(await log(shop)) == logged


async def test_a_servers_own_name_is_no_bots(shop: Behind) -> None:
    await send(shop, "page", page(userId="anna"), **{"user-agent": "python-requests/2.32"})
    assert len(await log(shop)) == 1
