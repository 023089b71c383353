"""Whom results count: from the pages and events of a running product to what the studio tells of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.studio.app import create_studio
from tests.visitors.test_capture import OPENED
from tests.visitors.test_collect import HTML, KEYS, PAGE, SERVER
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

FOLDER = {
    "a.rules.yaml": """version: 1
experiments:
  - name: Bar
    slot: home.hero
    variants: [{name: control, show: nothing new}, {name: new, show: {banner: {title: New}}}]
""",
    "slots.yaml": "slots: {home.hero: {}}",
}
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Behind]:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, write_keys=KEYS, consent=("own",)) as behind,
    ):
        behind.client.headers.update(OPENED)
        yield behind


async def look(shop: Behind, visitor: str, consent: str = "profile", **headers: str) -> bool:
    """Opens the page, with the cookie of a visitor whom the shop knows; whether it showed what is new."""
    cookies = shop.cookies_of(visitor)["cookie"]
    page = await shop.client.get("/", headers={"cookie": f"{cookies}; tb_consent={consent}", **headers})
    return "New" in page.text


async def send(shop: Behind, call: str, body: dict[str, Any]) -> None:
    answer = await shop.client.post(f"/_tb/v1/{call}", json=body, auth=httpx.BasicAuth(SERVER, ""))
    assert answer.status_code == 200, answer.text


async def order(shop: Behind, person: str, number: str, revenue: float) -> None:
    bought = {"order_id": number, "revenue": revenue}
    await send(shop, "track", {"event": "Order Completed", "userId": person, "properties": bought})


async def told(shop: Behind) -> dict[str, tuple[int, int, float]]:
    """For each arm how many met it, how many of them ordered, and what all of them paid: as the studio has it, and the
    command."""
    await shop.tailorbird.journal.aclose()  # pages tell of their visitors a moment later
    transport = httpx.ASGITransport(create_studio(shop.tailorbird.desk, token=""))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", verify=False) as studio:
        answer = await studio.get("/api/results?rule=Bar")
        assert answer.status_code == 200, answer.text
    command = ["results", "--rule", "Bar", "--rules", str(shop.rules), "--store", shop.tailorbird.settings.store]
    printed = await asyncio.to_thread(CliRunner().invoke, tailorbird, [*command, "--format", "json"])
    assert answer.json() == json.loads(printed.stdout)
    (bar,) = answer.json()
    return {
        row["group"]: (row["visitors"], row["did"]["order completed"], row["paid"] * row["visitors"])
        for row in bar["rows"]
    }


async def test_visitors_count_once_by_the_arm_they_saw_with_what_they_ordered_since(shop: Behind) -> None:
    names = [f"visitor{number}" for number in range(12)]
    await order(shop, names[0], "early", 500.0)  # before anything was met
    new = []
    for name in names:
        if await look(shop, name):
            new.append(name)
        await look(shop, name)
    assert 0 < len(new) < 12
    await order(shop, names[0], "1", 20.0)
    await order(shop, new[-1], "2", 30.0)
    ordered = {names[0]: 20.0}
    ordered[new[-1]] = ordered.get(new[-1], 0.0) + 30.0
    expected = {}
    for group, members in (("control", set(names) - set(new)), ("new", set(new))):
        paid = [ordered[name] for name in members if name in ordered]
        expected[group] = (len(members), len(paid), pytest.approx(sum(paid)))
    assert await told(shop) == expected


async def test_bots_and_who_withholds_consent_and_who_is_nobody_count_nowhere(shop: Behind) -> None:
    for _ in range(2):
        await look(shop, "bot", **{"user-agent": CRAWLER})
        await look(shop, "prefetcher", **{"sec-purpose": "prefetch"})
        await look(shop, "contextual", "contextual")
        await look(shop, "withheld", "none")
        await shop.client.get("/", headers={"cookie": "tb_consent=profile"})
    await look(shop, "anna")
    assert sum(visitors for visitors, *_ in (await told(shop)).values()) == 1


async def test_a_person_on_two_devices_counts_once_and_for_what_the_first_saw(shop: Behind) -> None:
    await look(shop, "laptop")
    first = await look(shop, "laptop")
    await send(shop, "identify", {"userId": "anna", "anonymousId": "laptop"})
    assert await look(shop, "anna") == first, "she keeps her arm after a login"
    phones = {await look(shop, f"phone{number}"): f"phone{number}" for number in range(20)}
    other = phones[not first]
    await send(shop, "identify", {"userId": "anna", "anonymousId": other})
    await order(shop, "anna", "1", 40.0)
    found = await told(shop)
    assert sum(visitors for visitors, *_ in found.values()) == 20, "19 phones, and anna with two devices"
    ordered = {group: (did, paid) for group, (_, did, paid) in found.items()}
    arms = ("new", "control") if first else ("control", "new")
    assert ordered == dict(zip(arms, [(1, 40.0), (0, 0.0)], strict=True)), "what she saw later is not what she met"
