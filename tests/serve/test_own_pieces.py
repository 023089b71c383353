"""Pages that the origin sends in pieces, as frameworks do that show what is slow later, through the whole product. The
first piece is the head of a page of Next.js 16 with `loading.js`, and the second brings its slot; both trimmed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.wire.behind import Behind
from tests.wire.origin import Origin, Wire

HEAD = b"""HTTP/1.1 200 OK\r
Vary: rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch, Accept-Encoding\r
Cache-Control: private, no-cache, no-store, max-age=0, must-revalidate\r
Content-Type: text/html; charset=utf-8\r
Transfer-Encoding: chunked\r
\r
"""
SHELL = b'<!DOCTYPE html><html><body><!--$?--><template id="B:0"></template><p>Wait</p><!--/$-->'
LATE = (
    b'<div hidden id="S:0"><div data-slot="home.hero" data-tb-raw=""><p>ours</p></div></div>'
    b'<script>$RC("B:0","S:0")</script><script>self.__next_f.push([1,"data-slot"])</script></body></html>'
)
RULES = {
    "a.rules.yaml": "rules:\n  - {name: All, slot: home.hero, show: {banner: {title: For all}}}\n",
    "slots.yaml": "slots: {home.hero: {}}",
}
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
PASSED_ON = "pages: [{path: /account*, store: no, slots: no}]"


@pytest.mark.parametrize("is_passed_on", [True, False])
async def test_a_page_is_filled_when_it_is_whole_unless_it_is_said_to_have_no_slots(
    tmp_path: Path, *, is_passed_on: bool
) -> None:
    has_begun = asyncio.Event()

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(HEAD + b"%x\r\n%b\r\n" % (len(SHELL), SHELL))
            if is_passed_on:
                await has_begun.wait()  # for ever, if the client had to wait for the end
            await wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(LATE), LATE))

    files = {**RULES, **({"cache.yaml": PASSED_ON} if is_passed_on else {})}
    pieces = []
    async with (
        Origin(script) as origin,
        Behind(origin.url, files, tmp_path) as shop,
        asyncio.timeout(30),
        shop.client.stream("GET", "/account/orders") as answer,
    ):
        async for piece in answer.aiter_raw():
            pieces.append(piece)
            has_begun.set()
    assert answer.status_code == 200
    assert (b"".join(pieces) == SHELL + LATE) is is_passed_on
    assert (b"For all" in b"".join(pieces)) is not is_passed_on


async def test_a_page_that_is_passed_on_is_a_page_that_was_viewed(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(HEAD + b"%x\r\n%b\r\n0\r\n\r\n" % (len(SHELL), SHELL))

    files = {**RULES, "cache.yaml": PASSED_ON}
    async with Origin(script) as origin, Behind(origin.url, files, tmp_path) as shop:
        browser = {**shop.cookies_of("v1", []), "user-agent": CHROME, "accept": "text/html"}
        assert (await shop.client.get("/account", headers=browser)).status_code == 200
        async with asyncio.timeout(30):
            while not (log := (await shop.tailorbird.store.log("", 10))[0]):
                await asyncio.sleep(0.05)
    assert [(one.event.kind, one.event.subject) for one in log] == [("page viewed", "/account")]
