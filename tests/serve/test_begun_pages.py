"""A page that its origin sends slowly is begun before it is whole, and its body is what it would be otherwise."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from proxy.serve.begun_pages import BegunPage
from tests.serve.test_pass_through import FIELDS
from tests.wire.origin import Origin, Wire
from tests.wire.served import Heard, Served, hear, request
from tests.wire.site import Site, eventually, in_segment, published, shown

FIELD = b"Content-Type: text/html; charset=utf-8"
NO_STORE, PRIVATE = b"Cache-Control: private, no-store", b"Cache-Control: private"
START = (
    b"<!doctype html><html><head><title>x</title><link rel=stylesheet href=/a.css></head><body><header>Shop</header>"
)
REST = b'<div data-slot="home.hero">default</div><main>the rest</main></body></html>'
RULES = published(shown("Hello"))
GZIP = (b"Accept-Encoding", b"gzip")


class Slow:
    """Sends the first piece of a page, the others once it may `go_on`, and, unless it `breaks`, an end."""

    def __init__(self, *pieces: bytes, fields: Sequence[bytes] = (NO_STORE,), breaks: bool = False) -> None:
        self.pieces, self.breaks = pieces, breaks
        self.head = b"\r\n".join([b"HTTP/1.1 200 OK", FIELD, *fields, b"Transfer-Encoding: chunked", b"\r\n"])
        self.go_on = asyncio.Event()

    async def __call__(self, wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(self.head + chunk(self.pieces[0]))
            await self.go_on.wait()
            for piece in self.pieces[1:]:
                await wire.send(chunk(piece))
            if self.breaks:
                return
            await wire.send(b"0\r\n\r\n")


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


class Client:
    """Asks for the page at `/` on one connection."""

    def __init__(self, served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.served, self.reader, self.writer = served, reader, writer

    def ask(self, *fields: tuple[bytes, bytes], path: bytes = b"/") -> None:
        self.writer.write(request(b"GET", path, *FIELDS, *fields))

    async def sees(self, text: bytes) -> None:
        """Waits until that has come."""
        await eventually(lambda: text in self.reader._buffer)  # type: ignore[attr-defined]

    async def hear(self) -> Heard:
        return await hear(self.reader)


@asynccontextmanager
async def asking(script: Slow, *, known: int = 0, **settings: object) -> AsyncIterator[Client]:
    """A client of whose page so much is `known`: how often it came before, and was whole."""
    async with Origin(script) as origin, Served(origin.url, **{"publication": RULES, **settings}) as served:
        client = Client(served, *await served.connect())
        script.go_on.set()
        for _ in range(known):
            client.ask()
            await client.hear()
        script.go_on.clear()
        yield client
        client.writer.close()
        await eventually(lambda: not any(limiter.under_way for limiter in served.site.origins.limiters.values()))
        await eventually(lambda: not served.listener.server_state.tasks)


@pytest.mark.parametrize("known", [0, 1, 4])
@pytest.mark.parametrize("has_lane", [True, False])
async def test_a_browser_has_the_head_of_a_page_while_the_rest_is_made(
    known: int, monkeypatch: pytest.MonkeyPatch, *, has_lane: bool
) -> None:
    script = Slow(START, REST)
    async with asking(script, known=known, has_lane=has_lane) as client:
        client.ask()
        await client.sees(b"Shop</header>")
        script.go_on.set()
        heard = await client.hear()
        for module in ("begun_pages", "pass_through"):
            monkeypatch.setattr(f"proxy.serve.{module}.BEGIN_SECONDS", 30.0)
        client.ask()
        whole = await client.hear()
    assert heard.is_whole and heard.body.startswith(START) and b"Hello" in heard.body
    assert heard.headers[b"cache-control"] == b"private, no-cache, no-store"
    assert not heard.headers.keys() & {b"content-length", b"etag"}
    assert (whole.body, whole.headers[b"content-length"]) == (heard.body, b"%d" % len(heard.body))


async def test_a_page_without_slots_comes_as_it_is_sent() -> None:
    script = Slow(START, b"<main>one</main>", b"two")
    async with asking(script) as client:
        client.ask()
        await client.sees(b"Shop</header>")
        script.go_on.set()
        assert (await client.hear()).body == START + b"<main>one</main>two"
        assert client.served.site.metrics.get("tailorbird_requests_total", "bypass") == 1


async def test_a_page_that_a_browser_may_keep_is_begun_once_its_path_is_known_to_have_slots() -> None:
    script = Slow(START, REST, fields=(PRIVATE, b'ETag: "theirs"'))
    async with asking(script) as client:
        client.ask()
        await asyncio.sleep(0.1)
        script.go_on.set()
        whole = await client.hear()
        assert b"content-length" in whole.headers
        script.go_on.clear()
        client.ask()
        await client.sees(b"Shop</header>")
        script.go_on.set()
        begun = await client.hear()
        script.go_on.clear()
        client.ask((b"If-None-Match", whole.headers[b"etag"]))
        await asyncio.sleep(0.1)
        script.go_on.set()
        assert (await client.hear()).status == 304
    assert (begun.body, b"etag" in begun.headers) == (whole.body, False)


async def test_a_newcomer_gets_one_cookie_with_the_head_and_is_who_the_page_is_for() -> None:
    script = Slow(START, REST)
    async with asking(script, visitor_cookie="on") as client:
        client.ask()
        await client.sees(b"Shop</header>")
        script.go_on.set()
        heard = await client.hear()
    assert heard.headers[b"set-cookie"].count(b"tb_v=") == 1 and b"Hello" in heard.body


async def test_what_a_script_asks_for_gives_a_newcomer_a_cookie_only_if_it_has_slots() -> None:
    script = Slow(START, b"<main>no slots</main>")
    async with asking(script, visitor_cookie="on") as client:
        client.writer.write(request(b"GET", b"/", (b"Accept", b"*/*"), FIELDS[-1]))
        await asyncio.sleep(0.1)
        script.go_on.set()
        assert b"set-cookie" not in (await client.hear()).headers


async def test_a_page_is_for_its_visitor_though_it_was_begun_before_the_profile_was_read() -> None:
    script = Slow(START, REST)
    async with asking(script, publication=published(shown("Hello VIP", when=in_segment("vip")))) as client:
        name, cookies = client.served.site.visitor("anna", "vip")
        client.writer.write(request(b"GET", b"/", (name, cookies + b"; session=1")))
        await client.sees(b"Shop</header>")
        script.go_on.set()
        assert b"Hello VIP" in (await client.hear()).body


@pytest.mark.parametrize("takes_gzip", [True, False])
async def test_gzip_is_flushed_where_the_rest_is_waited_for(*, takes_gzip: bool) -> None:
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = coder.compress(START) + coder.flush(zlib.Z_SYNC_FLUSH)
    script = Slow(first, coder.compress(REST) + coder.flush(), fields=(NO_STORE, b"Content-Encoding: gzip"))
    async with asking(script) as client:
        client.ask(*[GZIP] * takes_gzip)
        await client.sees(b"\x00\x00\xff\xff\r\n" if takes_gzip else b"Shop</header>")
        script.go_on.set()
        heard = await client.hear()
    assert heard.body.startswith(START) and b"Hello" in heard.body and heard.is_whole
    assert (heard.headers.get(b"content-encoding") == b"gzip") is takes_gzip


@pytest.mark.parametrize("how", ["breaks off", "is damaged", "is cut short", "drips"])
async def test_a_begun_page_that_does_not_come_whole_breaks_off(how: str) -> None:
    packed = gzip.compress(START + REST, mtime=0)
    coded = how in ("is damaged", "is cut short")
    rest = {"is damaged": packed[40:-8] + b"12345678", "is cut short": packed[40:-1]}.get(how, b"")
    fields = (NO_STORE, b"Content-Encoding: gzip") if coded else (NO_STORE,)
    script = Slow(packed[:40] if coded else START, rest, fields=fields, breaks=how == "breaks off")
    settings = {"page_timeout_ms": 300} if how == "drips" else {}
    async with asking(script, **settings) as client:
        client.ask(*[GZIP] * coded)
        await client.sees(b"200 OK")
        await client.sees(b"\r\n\r\n")
        if how != "drips":
            script.go_on.set()
        heard = await asyncio.wait_for(client.hear(), 30)
    assert (heard.status, heard.is_whole) == (200, False)


@pytest.mark.parametrize("how", ["closes", "aborts"])
async def test_a_client_that_leaves_lets_go_of_the_origin(how: str) -> None:
    async with asking(Slow(START, REST)) as client:
        client.ask()
        await client.sees(b"Shop</header>")
        client.writer.transport.abort() if how == "aborts" else client.writer.close()


async def test_a_page_larger_than_a_page_may_be_is_passed_on() -> None:
    filler = random.Random(1).randbytes(30_000).hex().encode()
    for coding in (b"", b"gzip"):
        body = START + REST + filler * 3
        data = gzip.compress(body, mtime=0) if coding else body
        fields = (NO_STORE, b"Content-Encoding: gzip") if coding else (NO_STORE,)
        script = Slow(b"", data[:50_000], data[50_000:], fields=fields)
        async with asking(script, max_page_bytes=70_000) as client:
            client.ask(GZIP)
            await client.sees(b"\r\n\r\n")
            script.go_on.set()
            assert (await client.hear()).body == body
            assert client.served.site.metrics.get("tailorbird_page_passthrough_total", "too-big") == 1


async def test_nothing_is_held_of_a_page_that_is_passed_on() -> None:
    script = Slow(b"", *[b"x" * 10_000] * 300)
    async with Origin(script) as origin, Site(origin.url, publication=RULES, max_page_bytes=70_000) as site:
        answer = await site.gateway.page(site.request(b"/", *FIELDS), site.now)
        page = answer.stream
        assert isinstance(page, BegunPage)
        script.go_on.set()
        size = 0
        async for piece in page:
            size += len(piece)
            assert len(page._page) + sum(map(len, page._came)) <= 400_000
        await page.aclose()
    assert size == 3_000_000


async def test_to_an_old_client_a_begun_page_ends_with_the_connection() -> None:
    script = Slow(START, REST)
    async with asking(script) as client:
        client.writer.write(b"GET / HTTP/1.0\r\nHost: shop.example\r\nCookie: session=1\r\n\r\n")
        await client.sees(b"Shop</header>")
        script.go_on.set()
        assert (await client.reader.read()).endswith(b"<main>the rest</main></body></html>")
