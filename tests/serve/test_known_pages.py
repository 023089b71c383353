"""Pages that came before are given as the ordinary way gives them, and whatever makes them others is seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.model import HeadShape
from proxy.serve.known_pages import pages_of
from tests.serve.test_pass_through import FIELDS, HTML, NO_STORE, SLOT, asked
from tests.visitors.test_capture import FOLDER, OPENED, log
from tests.wire.behind import Behind
from tests.wire.origin import Origin, Wire, always, ok
from tests.wire.served import Served, request
from tests.wire.site import published, shown

ALL = (NO_STORE, b'ETag: "a"', b"Vary: Cookie", b"Last-Modified: Thu, 26 Nov 2026 09:00:00 GMT")
NOW = re.compile(rb"(?<=\ndate: )[^\r]+")
PLAIN = b"<html><body><p>plain</body></html>"
WITH_LENGTH = ((b"content-length", None), (b"cache-control", b"no-store"))


async def raw(served: Served, path: bytes, times: int, *fields: tuple[bytes, bytes]) -> list[bytes]:
    """The answers as they stand on the wire, but for their Date."""
    reader, writer = await served.connect()
    heard = []
    for _ in range(times):
        writer.write(request(b"GET", path, *FIELDS, *fields))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        heard.append(NOW.sub(b"now", head) + await reader.readexactly(length))
    writer.close()
    return heard


@pytest.mark.parametrize("page", [SLOT, PLAIN], ids=["slots", "none"])
@pytest.mark.parametrize(
    "fields",
    [
        ALL,
        (*ALL, b"Cache-Status: cdn; hit", b"Age: 3"),
        (*ALL, b"Surrogate-Control: content=ESI/1.0"),
        (b"Cache-Control: private, no-transform",),
    ],
    ids=["usual", "behind a cache", "put together", "settled"],
)
async def test_a_page_is_the_same_to_the_byte_in_both_ways(page: bytes, fields: tuple[bytes, ...]) -> None:
    rules = published(shown("Hello"))
    async with Origin(always(ok(page, HTML, *fields))) as origin:
        async with Served(origin.url, publication=rules) as served:
            straight = await raw(served, b"/", 8)
        async with Served(origin.url, publication=rules, has_lane=False) as served:
            ordinary = await raw(served, b"/", 8)
    assert straight == ordinary
    assert len(set(straight)) == 1
    is_filled = page is SLOT and b"no-transform" not in fields[0]
    assert (b"Hello" in straight[0]) == is_filled


@pytest.mark.parametrize("page", [SLOT, PLAIN], ids=["slots", "none"])
async def test_so_is_one_that_comes_in_chunks(page: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n%b\r\n%b\r\nTransfer-Encoding: chunked\r\n\r\n" % (HTML, NO_STORE)
    chunked = head + b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (9, page[:9], len(page) - 9, page[9:])
    async with Origin(always(chunked)) as origin:
        async with Served(origin.url, publication=published(shown("Hello"))) as served:
            straight = await raw(served, b"/", 8)
            passages = served.site.metrics.get("tailorbird_cache_requests_total", "bypass")
        async with Served(origin.url, publication=published(shown("Hello")), has_lane=False) as served:
            ordinary = await raw(served, b"/", 8)
    assert straight == ordinary
    assert len(set(straight)) == 1
    assert passages == 8


async def test_a_page_with_other_words_carries_its_own_and_one_with_other_marks_is_read() -> None:
    async def script(wire: Wire) -> None:
        while True:
            said = (await wire.request()).get(b"x-request-id") or b""
            await wire.send(ok(SLOT.replace(b"</body>", b"<p>%b</p></body>" % said), HTML, NO_STORE))

    async with Origin(script) as origin, Served(origin.url, publication=published(shown("Hello"))) as served:
        others = [b"<b>bold</b>", b'</p><div data-slot="home.side">two</div><p>']
        for said in [b"word %d" % number for number in range(12)] + others:
            (heard,) = await raw(served, b"/", 1, (b"X-Request-Id", said))
            assert said in heard and b">Hello<" in heard
        heard = (await raw(served, b"/", 5, (b"X-Request-Id", b"again")))[-1]
        assert b"<p>again</p>" in heard and b">Hello<" in heard


async def test_a_return_visit_to_the_same_page_is_a_304_where_a_browser_may_have_it() -> None:
    private = always(ok(SLOT, HTML, b"Cache-Control: private, no-cache"))
    async with Origin(private) as origin, Served(origin.url) as served:
        tag = (await asked(served, b"/", 5))[-1].headers[b"etag"]
        again = await asked(served, b"/", 5, (*FIELDS, (b"If-None-Match", tag)))
        assert {heard.status for heard in again} == {304}


async def test_every_page_that_is_given_is_an_event(tmp_path: Path) -> None:
    for name, page in (("slots", SLOT), ("none", PLAIN)):
        async with (
            Origin(always(ok(page, HTML, NO_STORE))) as origin,
            Behind(origin.url, FOLDER, tmp_path / name) as shop,
        ):
            cookies = shop.cookies_of("anna")
            headers = {**OPENED, **cookies, "cookie": f"session=1; {cookies['cookie']}"}
            for _ in range(8):
                assert (await shop.client.get(f"/{name}", headers=headers)).status_code == 200
            views = await log(shop, 8)
            assert [(view.event.kind, view.event.subject) for view in views] == [("page viewed", f"/{name}")] * 8
            assert len({view.event.id for view in views}) == 8


@pytest.mark.parametrize(
    ("status", "fields", "is_one"),
    [
        (200, (), True),
        (404, (), False),
        (200, ((b"content-encoding", b"gzip"),), True),
        (200, ((b"surrogate-control", b"content=x"),), False),
        (200, ((b"cache-control", b"no-transform"),), False),
    ],
)
def test_the_shape_of_a_head_says_whether_it_is_a_page(
    status: int, fields: tuple[tuple[bytes, bytes], ...], is_one: bool
) -> None:
    found = pages_of(HeadShape(status, ((b"content-type", b"text/html; charset=latin-1"), *fields, *WITH_LENGTH)))
    assert (found is not None) == is_one
    if found is not None:
        assert found.charset == "latin-1"
        assert found.untouched.lines([b"5"]).endswith(b"content-length: 5\r\ncache-control: no-store\r\n")
        assert b"content-length" not in found.filled.lines([b"5"])
    assert pages_of(HeadShape(200, ((b"content-type", b"image/png"), *WITH_LENGTH))) is None
