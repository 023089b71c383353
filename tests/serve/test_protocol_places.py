"""Where a visitor is, from the bytes on the wire to those that come back, with rule files as editors write them: for
browsers, for CDNs that put pages together, and for apps."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.site import PAGE, SHARED

RULES = {
    "a.rules.yaml": """version: 1
rules:
  - name: Bern shop opens
    slot: home.hero
    priority: high
    when: {city: [Bern, Köniz]}
    show: {banner: {title: "Open now in {city|Bern}"}}
  - name: Studded tyres
    slot: home.hero
    when:
      country: NO
      region: [Nordland, Troms, NO-56]
    show: {banner: {title: Studded tyres}}
  - name: French Switzerland
    slot: home.hero
    when: {region: starts with Gen}
    show: {banner: {title: Bonjour}}
  - name: Near Utrecht
    slot: home.hero
    when: {location: within 20 km of Utrecht}
    show: {banner: {title: Collect it today}}
  - name: Evening there
    slot: home.hero
    when: {hours there: between 18:00 and 22:00}
    show: {banner: {title: Good evening}}
""",
    "slots.yaml": "slots:\n  home.hero: {}\n",
}
SENT = {
    "CF-IPCountry: CH\r\nCF-IPCity: Bern": "Open now in Bern",
    "CF-IPCountry: CH\r\nCF-IPCity: Köniz": "Open now in K&#246;niz",
    "cf-ipcountry: CH\r\ncf-ipcity: k%C3%B6niz": "Open now in k&#246;niz",
    "CF-IPCity: Berne": "Open now in Berne",
    "CF-IPCountry: NO\r\nCF-Region: nordland\r\nCF-IPCity: Bodø": "Studded tyres",
    "CF-IPCountry: NO\r\nCF-Region: 56": "Studded tyres",
    "CF-IPCountry: SE\r\nCF-Region: Nordland": "the default",
    "CF-IPCountry: CH\r\nCF-Region: Genève": "Bonjour",
    "CF-IPCity: Bern, Oslo": "the default",
    "CF-IPLatitude: 52.10\r\nCF-IPLongitude: 5.20": "Collect it today",
    "CF-IPLatitude: 52.37\r\nCF-IPLongitude: 4.90": "the default",
    "CF-Timezone: America/New_York": "Good evening",
    "CF-Timezone: Europe/Oslo": "the default",
    "CF-Timezone: -500": "Good evening",
    "CF-Timezone: +05:30": "the default",
    "CF-Timezone: nowhere": "the default",
    "X: y": "the default",
}
"""What a CDN sends, and what is shown for it."""
NIGHT = datetime(2026, 11, 25, 23, 30, tzinfo=UTC).timestamp()
"""Half past six in the evening in New York, five in the morning in India."""
BEHIND_A_CDN: dict[str, Any] = {
    "trusted_proxies": ("127.0.0.1",),
    "city_header": "CF-IPCity",
    "region_header": "CF-Region",
    "latitude_header": "CF-IPLatitude",
    "longitude_header": "CF-IPLongitude",
    "time_zone_header": "CF-Timezone",
    "write_keys": ("shop:server:0123456789abcdef",),
}


def asked(path: str, fields: str, cookie: str = "") -> bytes:
    """A request as a CDN passes it on; its bytes are UTF-8."""
    return f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n{fields}\r\nUser-Agent: x\r\n{cookie}\r\n".encode()


async def hear(port: int, sent: bytes, times: int = 1) -> list[bytes]:
    """What is answered to the same bytes, again and again on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = []
    for _ in range(times):
        writer.write(sent)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 9)
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        heard.append(head + await reader.readexactly(length))
    writer.close()
    return heard


@asynccontextmanager
async def behind_a_cdn(folder: Path, **settings: Any) -> AsyncIterator[Behind]:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Behind(origin.url, RULES, folder, clock=lambda: NIGHT, **{**BEHIND_A_CDN, **settings}) as shop,
    ):
        yield shop


async def test_each_visitor_is_shown_what_is_for_their_town_however_often_all_ask(tmp_path: Path) -> None:
    async with behind_a_cdn(tmp_path) as shop:
        cookie = f"Cookie: {shop.cookies_of('anna')['cookie']}\r\n"
        for _ in range(3):
            for fields, title in SENT.items():
                for answer in await hear(shop.listener.port, asked("/", fields, cookie), 4):
                    assert title.encode() in answer, fields
                    assert b"cache-control: private, no-cache" in answer


async def test_nobody_else_may_say_where_they_are(tmp_path: Path) -> None:
    async with behind_a_cdn(tmp_path, trusted_proxies=("10.0.0.1",)) as shop:
        for fields in SENT:
            for answer in await hear(shop.listener.port, asked("/", fields), 3):
                assert b"the default" in answer, fields


async def test_a_cdn_that_puts_pages_together_is_told_that_a_slot_is_for_one_visitor(tmp_path: Path) -> None:
    async with behind_a_cdn(tmp_path) as shop:
        for fields, title in SENT.items():
            (answer,) = await hear(shop.listener.port, asked("/_tb/slot/home.hero?path=/", fields))
            assert title == "the default" or title.encode() in answer, fields
            assert b"cache-control: private, no-cache\r\n" in answer
            (answer,) = await hear(shop.listener.port, asked("/_tb/slots?names=home.hero&path=/", fields))
            html = json.loads(answer.partition(b"\r\n\r\n")[2])["home.hero"]["html"]
            assert html is None if title == "the default" else title in html


async def test_an_app_is_believed_by_its_proxy_and_a_server_by_its_key(tmp_path: Path) -> None:
    async with behind_a_cdn(tmp_path) as shop:

        async def shown(context: dict[str, str], **fields: str) -> str:
            body = {"slots": ["home.hero"], "context": context}
            answer = await shop.client.post("/_tb/decide", json=body, headers=fields)
            return str(answer.json()["decisions"]["home.hero"]["rule"])

        key = {"authorization": "Bearer 0123456789abcdef"}
        assert await shown({}, **{"cf-ipcity": "Bern"}) == "Bern shop opens"
        assert await shown({"city": "Bern"}) == "", "an app does not know"
        assert await shown({"city": "BERN"}, **key) == "Bern shop opens"
        assert await shown({"city": "Oslo"}, **{"cf-ipcity": "Bern"}, **key) == ""
        assert await shown({"region": "Troms", "country": "NO"}, **key) == "Studded tyres"
