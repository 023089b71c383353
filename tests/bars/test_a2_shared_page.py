"""One page of an origin that writes HTML its own way, asked for by 200 visitors in 8 segments at once, cold: the origin
is asked once, and each is shown their own segment's banner in it, with every other byte as the origin wrote it."""

from __future__ import annotations

import asyncio
import re

import pytest

from proxy.diagnostics import as_text
from proxy.rulebook.compile import Publication, load
from tests.wire.origin import Origin, Seen, ok
from tests.wire.served import Heard, Served
from tests.wire.site import answering, eventually

VISITORS = 200
SEGMENTS = [f"Group {letter}" for letter in "ABCDEFGH"]

PAGE = b"""<!DOCTYPE HTML>\r
<HTML LANG=en><Head><Title>Shop <div data-slot="home.hero"></div></Title>\r
<script>var t = '<div data-slot="home.hero">decoy one</div>';</script>\r
<!-- <div data-slot="home.hero">decoy two</div> -->\r
<style>.x::after { content: '<div data-slot="home.hero">' }</style></Head>\r
<bOdY class=home>\r
<P>Caf\xc3\xa9 &amp; cr\xc3\xa8me<p>unclosed\r
<textarea><div data-slot="home.hero">decoy three</div></textarea>\r
<DIV ID=hero\r
     Data-Slot="home.hero"   title='a > b'>the default &copy;\r
<b>still the default</b></dIv >\r
<IMG alt='<div data-slot="home.hero">decoy four</div>' src=x.png>\r
<ul><li>one<li>two</ul>\r
<Section data-slot=home.row><p>row</p></SECTION>\r
</bOdY></HTML>\r
"""
DEFAULTS = (b"the default &copy;\r\n<b>still the default</b>", b"<p>row</p>")
RULES = {
    "slots.yaml": "slots:\n  home.hero: {}\n  home.row: {}\n",
    "a.rules.yaml": "version: 1\nsegments:\n"
    + "".join(f"  {name}:\n    description: told by a cookie\n" for name in SEGMENTS)
    + "rules:\n"
    + "".join(
        f"  - name: Banner of {name}\n    slot: home.hero\n    when:\n      segment: {name}\n"
        f"    show:\n      banner:\n        title: Only for {name}\n"
        for name in SEGMENTS
    ),
}


def publication() -> Publication:
    loaded = load({name: text.encode() for name, text in RULES.items()})
    assert loaded.publication is not None, as_text(loaded.findings, loaded.sources)
    return loaded.publication


@pytest.mark.bar("A2")
async def test_200_visitors_share_one_fetch_and_each_sees_their_own_banner() -> None:
    everybody_waits = asyncio.Event()

    async def when_all_wait(_: Seen) -> bytes:
        await everybody_waits.wait()
        return ok(PAGE, b"Content-Type: text/html; charset=utf-8", b"Cache-Control: public, max-age=600")

    rules = publication()
    async with (
        Origin(answering(when_all_wait)) as origin,
        Served(origin.url, publication=rules, collapse_wait_ms=60_000) as served,
    ):

        async def visit(number: int) -> Heard:
            cookie = served.site.visitor(f"visitor-{number}", SEGMENTS[number % len(SEGMENTS)])
            coding = (b"Accept-Encoding", b"gzip" if number % 2 else b"identity")
            return await served.get(b"/", cookie, coding)

        visits = [asyncio.create_task(visit(number)) for number in range(VISITORS)]
        await eventually(lambda: len(served.listener.server_state.tasks) == VISITORS)
        everybody_waits.set()
        heard = await asyncio.gather(*visits)
        late = await visit(0)

    assert len(origin.requests) == 1
    said = sorted(answer.headers[b"cache-status"].decode() for answer in heard)
    first = "tailorbird; fwd=uri-miss; stored; detail=personalised"
    assert said.count(first) == 1
    assert set(said) - {first} <= {"tailorbird; fwd=uri-miss; collapsed; detail=personalised"}
    assert late.headers[b"cache-status"].startswith(b"tailorbird; hit; ttl=")
    for number, answer in enumerate(heard):
        must_be_the_page_of(number, answer)


def must_be_the_page_of(number: int, answer: Heard) -> None:
    """Their own banner, no other, and each byte outside the slot as the origin wrote it."""
    before, after = PAGE.split(DEFAULTS[0])
    assert answer.status == 200
    assert answer.body.startswith(before)
    assert answer.body.endswith(after)
    filled = answer.body[len(before) : len(answer.body) - len(after)]
    assert set(re.findall(rb"Only for (Group \w)", filled)) == {SEGMENTS[number % len(SEGMENTS)].encode()}
