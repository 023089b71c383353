"""Logins through the real listener: a device becomes its person's on the very next request, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.events.intake import user_hash
from proxy.visitors.collect import user_key
from tests.visitors.test_collect import CHROME, HTML, KEYS, OURS, PAGE, SERVER, page
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.patience import WAITS

RULES = {
    "a.rules.yaml": "rules:\n  - name: Gold\n    slot: home.hero\n    when: {tier: gold}\n"
    "    show: {banner: {title: For gold}}\n",
    "attributes.yaml": "attributes: {tier: text}",
    "slots.yaml": "slots: {home.hero: {}}",
}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Behind]:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, RULES, tmp_path, write_keys=KEYS, **WAITS) as behind,
    ):
        behind.client.headers["user-agent"] = CHROME
        yield behind


async def send(shop: Behind, body: dict[str, Any], key: str = "", **headers: str) -> None:
    auth = httpx.BasicAuth(key, "") if key else None
    answer = await shop.client.post("/_tb/v1/identify", json=body, headers=headers, auth=auth)
    assert answer.status_code == 200


async def sees_gold(shop: Behind, visitor: str) -> bool:
    return "For gold" in (await shop.client.get("/", headers=shop.cookies_of(visitor))).text


async def test_a_server_joins_a_device_and_its_next_page_is_the_persons(shop: Behind) -> None:
    await send(shop, {"userId": "anna", "traits": {"tier": "gold"}}, SERVER)
    assert not await sees_gold(shop, "laptop")
    await send(shop, {"userId": "anna", "anonymousId": "laptop"}, SERVER)
    assert await sees_gold(shop, "laptop") and await sees_gold(shop, "anna")
    assert shop.tailorbird.metrics.get("tailorbird_joins_total", "done") == 1


async def test_of_two_logins_on_one_device_in_one_request_the_first_counts(shop: Behind) -> None:
    numbers = range(12)
    logins = [
        {"type": "identify", "userId": f"{who}-{number}", "anonymousId": f"laptop-{number}", "traits": {"tier": tier}}
        for number in numbers
        for who, tier in (("anna", "gold"), ("bert", "none"))
    ]
    sent = await shop.client.post("/_tb/v1/batch", json={"batch": logins}, auth=httpx.BasicAuth(SERVER, ""))
    assert sent.status_code == 200
    assert all([await sees_gold(shop, f"laptop-{number}") for number in numbers])


async def test_a_browser_joins_with_a_hash_that_a_server_made_and_not_without(shop: Behind) -> None:
    await send(shop, {"userId": "anna", "traits": {"tier": "gold"}}, SERVER)
    proof = user_hash(user_key(shop.tailorbird.settings), "anna")
    cookies = shop.cookies_of("laptop")
    for context in ({}, {"userHash": proof[::-1]}, {"userHash": ""}):
        await send(shop, {"userId": "anna", "context": context}, "", **OURS, **cookies)
        await send(shop, {"userId": "anna", "context": context}, "tk_1", **OURS, **cookies)
    await send(shop, {"userId": "ben", "context": {"userHash": proof}}, "", **OURS, **cookies)
    assert not await sees_gold(shop, "laptop")
    await send(shop, {"userId": "anna", "context": {"userHash": proof}}, "", **OURS, **cookies)
    assert await sees_gold(shop, "laptop")


async def test_who_agreed_to_a_session_alone_is_joined_to_nobody(tmp_path: Path) -> None:
    origin = Origin(always(ok(PAGE, *HTML)))
    async with origin, Behind(origin.url, RULES, tmp_path, write_keys=KEYS, consent=("own",)) as shop:
        shop.client.headers["user-agent"] = CHROME
        await send(shop, {"userId": "anna", "traits": {"tier": "gold"}}, SERVER)
        proof = user_hash(user_key(shop.tailorbird.settings), "anna")
        for level, is_joined in (("session", False), ("profile", True)):
            cookies = {"cookie": f"{shop.cookies_of('laptop')['cookie']}; tb_consent={level}"}
            await send(shop, {"userId": "anna", "context": {"userHash": proof}}, "", **OURS, **cookies)
            profile = await shop.tailorbird.store.get_profile("laptop")
            assert profile is not None and bool(profile.alias) is is_joined


async def test_what_the_page_says_of_itself_joins_nobody(shop: Behind) -> None:
    await send(shop, {"userId": "anna", "traits": {"tier": "gold"}}, SERVER)
    body = page(properties={"path": "/", "user id": "anna", "joins": ["laptop", "anna"], "via": "laptop"})
    answer = await shop.client.post("/_tb/v1/page", json=body, headers={**OURS, **shop.cookies_of("laptop")})
    assert answer.status_code == 200
    assert not await sees_gold(shop, "laptop")


async def test_an_erased_visitor_who_logs_in_is_merged_again(shop: Behind) -> None:
    for _ in range(2):
        await send(shop, {"userId": "anna", "traits": {"tier": "gold"}}, SERVER)
        await send(shop, {"userId": "anna", "anonymousId": "laptop"}, SERVER)
        assert await sees_gold(shop, "laptop")
        assert (await shop.tailorbird.desk.erase("anna")).ids == 2
        assert not await sees_gold(shop, "laptop")
