"""Whatever the page, and in whatever pieces it comes: begun early, its body is what it is if it is read whole."""

from __future__ import annotations

import asyncio
import gzip
import random
from itertools import pairwise

import pytest

from proxy.page.slots import DeclaredSlot
from tests.fuzz.test_page import mutated
from tests.serve.test_begun_pages import FIELD, GZIP, NO_STORE, Client, chunk
from tests.wire.origin import Origin, Wire, ok
from tests.wire.served import Served
from tests.wire.site import published, shown

HERO, TOP = DeclaredSlot("main.hero", selector=".hero"), DeclaredSlot("top", selector="body", place="start")
SITES = {"marked": (), "selected": (HERO,), "all": (HERO, TOP, DeclaredSlot("listing:main"))}
SLOTS = ("home.hero", "main.hero", "top", "b", "d")
EVERY_SLOT = [shown("Hello", slot, order=number) for number, slot in enumerate(SLOTS)]
WHOLE = (
    b"<!doctype html>\r\n<html><head><title>Shop</title><script>var a = '<div>'</script></head>\r\n<body>\r\n"
    b"<!-- <div data-slot=decoy> --><tb-slot name=b><p>y</p></tb-slot>\r\n"
    b'<div data-slot="home.hero"><h1>\xc3\xa9</h1></div>\r\n<main><section class=hero><p>x</p></section>\r\n'
    b"<ul data-list=main><li data-product=a>a</li><li data-product=b>b</li></ul><script>self.__next_f</script>\r\n"
    b"<table><tr><td data-slot=d>1</td></tr></table></main>\r\n</body></html>\r\n"
)


@pytest.mark.parametrize("coding", [b"", b"gzip"])
@pytest.mark.parametrize("site", SITES)
async def test_a_begun_page_is_the_same_bytes_as_one_that_was_whole(coding: bytes, site: str) -> None:
    chance = random.Random(20_261_127)
    pages = [WHOLE, *(mutated(WHOLE, chance) for _ in range(80))]
    heads = asyncio.Semaphore(0)
    head = b"\r\n".join([b"HTTP/1.1 200 OK", FIELD, NO_STORE, *[b"Content-Encoding: " + coding] * bool(coding)])

    async def script(wire: Wire) -> None:
        while True:
            way, _, number = (await wire.request()).target[1:].partition(b"/")
            body = gzip.compress(pages[int(number)], mtime=0) if coding else pages[int(number)]
            if way == b"whole":
                await wire.send(ok(body, *head.split(b"\r\n")[1:]))
                continue
            await wire.send(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
            await heads.acquire()
            for piece in split(body, chance):
                await wire.send(chunk(piece))
                await asyncio.sleep(0)
            await wire.send(b"0\r\n\r\n")

    rules = published(*EVERY_SLOT, declared=SITES[site])
    changed = 0
    async with Origin(script) as origin, Served(origin.url, publication=rules) as served:
        for number, page in enumerate(pages):
            client = Client(served, *await served.connect())
            client.ask(GZIP, path=b"/whole/%d" % number)
            whole = await client.hear()
            client.ask(GZIP, path=b"/slow/%d" % number)
            await client.sees(b"\r\n\r\n")
            heads.release()
            slow = await client.hear()
            assert b"content-length" in whole.headers and b"transfer-encoding" in slow.headers
            assert slow.body == whole.body
            changed += slow.body != page
            client.writer.close()
    assert 20 < changed < 80, "the mutations reach both outcomes"


def split(body: bytes, chance: random.Random) -> list[bytes]:
    """The body in a few pieces, or in many."""
    edges = [0, *sorted(chance.randrange(len(body)) for _ in range(chance.choice([1, 3, 40]))), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]
