from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from proxy.errors import OriginError
from proxy.page.slots import DeclaredSlot
from tests.wire.large_shop import catalogue
from tests.wire.large_shop import published as in_order
from tests.wire.origin import Origin, Seen, Wire, always, by_path, ok
from tests.wire.site import HTML, PAGE, Got, Site, answering, in_segment, published, shown

VIP = published(shown("Hello VIP", when=in_segment("vip")))
PRIVATE = (
    HTML,
    b"Cache-Control: private, max-age=60",
    b'ETag: "theirs"',
    b"Last-Modified: now",
    b"Accept-Ranges: bytes",
)
BROWSER = (b"accept", b"text/html,*/*;q=0.8")
GZIP = (b"accept-encoding", b"gzip, br")
BASKET = b"; basket=1"


async def private(answer: bytes, *headers: tuple[bytes, bytes], method: bytes = b"GET", **settings: object) -> Got:
    """What anna, a VIP with a basket, is answered by a shop that answers so."""
    async with Origin(always(answer)) as origin, Site(origin.url, publication=VIP, **settings) as site:
        name, cookies = site.visitor("anna", "vip")
        got = await site.get(b"/cart", (name, cookies + BASKET), *headers, method=method)
        assert origin.requests[0].get(b"cookie") == b"basket=1"
        return got


async def test_a_private_page_is_filled_and_says_nothing_of_the_origins_bytes() -> None:
    got = await private(ok(PAGE, *PRIVATE, b"Set-Cookie: basket=2"), BROWSER)
    assert b"Hello VIP" in got.body
    assert (got["cache-control"], got["set-cookie"]) == ("private, no-cache", "basket=2")
    assert (got["last-modified"], got["accept-ranges"], "theirs" in got["etag"]) == ("", "", False)
    assert got["content-length"] == str(len(got.body))


@pytest.mark.parametrize(("method", "cookie"), [(b"GET", b"basket=1"), (b"POST", b""), (b"GET", b"")])
async def test_a_request_that_the_origin_fails_over_is_told_once_whoever_makes_it(
    method: bytes, cookie: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with Site("http://127.0.0.1:9") as site:
        assert (await site.get(b"/cart", (b"cookie", cookie), method=method)).status == 502
        assert site.metrics.get("tailorbird_origin_errors_total", "refused") == 1
    assert [record.getMessage()[:30] for record in caplog.records] == ["`/cart` could not be fetched: "]


async def test_an_answer_to_a_form_is_filled_too() -> None:
    got = await private(ok(PAGE, *PRIVATE, status=b"422 Try again"), BROWSER, method=b"POST")
    assert (got.status, b"Hello VIP" in got.body) == (422, True)


async def test_we_add_no_compression_to_a_page_the_origin_did_not_compress() -> None:
    got = await private(ok(PAGE, *PRIVATE), BROWSER, GZIP)
    assert got["content-encoding"] == ""


async def test_a_page_the_origin_compressed_stays_compressed() -> None:
    coded = ok(gzip.compress(PAGE), *PRIVATE, b"Content-Encoding: gzip")
    got = await private(coded, BROWSER, GZIP)
    assert (got["content-encoding"], b"Hello VIP" in got.body, got["vary"]) == ("gzip", True, "Accept-Encoding")
    assert got["content-length"] == str(got.wire_length)


async def test_pages_are_asked_for_in_a_coding_we_can_undo_and_whole() -> None:
    async with Origin(always(ok(PAGE, *PRIVATE))) as origin, Site(origin.url) as site:
        basket = (b"cookie", b"basket=1")
        await site.get(b"/a", basket, BROWSER, GZIP, (b"range", b"bytes=0-9"), (b"if-range", b'"a"'))
        await site.get(b"/b", basket, BROWSER, (b"accept-encoding", b"br"))
        await site.get(b"/c", basket, (b"accept-encoding", b"br"), (b"range", b"bytes=0-9"))
        await site.get(b"/a", basket, BROWSER, GZIP, method=b"POST")
        asked = [(seen.get(b"accept-encoding"), seen.get(b"range")) for seen in origin.requests]
        assert asked == [(b"gzip", None), (b"identity", None), (b"br", b"bytes=0-9"), (b"gzip", None)]


async def test_a_return_visit_to_the_same_private_page_is_a_304_and_our_tag_stays_here() -> None:
    async with Origin(always(ok(PAGE, *PRIVATE))) as origin, Site(origin.url, publication=VIP) as site:
        name, cookies = site.visitor("anna", "vip")
        first = await site.get(b"/", (name, cookies + BASKET), BROWSER)
        tag = (b"if-none-match", first["etag"].encode())
        second = await site.get(b"/", (name, cookies + BASKET), BROWSER, tag)
        other = await site.get(b"/", (b"cookie", b"basket=1"), BROWSER, tag)
        assert [seen.get(b"if-none-match") for seen in origin.requests] == [None, None, None]
    assert (second.status, second.body, other.status) == (304, b"", 200)


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"<p>no slots</p>", *PRIVATE),
        ok(PAGE, b"Content-Type: text/plain"),
        ok(PAGE, HTML, b"Cache-Control: no-transform, private"),
        ok(PAGE.replace(b"</DIV>", b""), *PRIVATE),
        ok(b"brotli", *PRIVATE, b"Content-Encoding: br"),
        ok(PAGE, *PRIVATE, b"Content-Range: bytes 0-90/900", status=b"206 Partial Content"),
    ],
    ids=["without slots", "text", "no-transform", "a slot that does not end", "a coding we cannot undo", "a part"],
)
async def test_what_is_not_to_be_filled_goes_out_as_it_came(answer: bytes) -> None:
    got = await private(answer, BROWSER, GZIP)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert got.body == body
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        assert got[name.decode().lower()] == value.decode()


async def test_head_of_a_private_page_does_not_promise_the_origins_bytes() -> None:
    got = await private(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n%b\r\n\r\n" % b"\r\n".join(PRIVATE), method=b"HEAD")
    assert (got.status, got["content-length"], got["etag"], got["last-modified"]) == (200, "", "", "")
    assert got["content-type"] == "text/html; charset=utf-8"


async def test_head_of_a_private_page_says_no_more_of_it_than_get() -> None:
    """A lifetime of the shop's would be that of the filled page which the browser holds (RFC 9111 4.3.5)."""

    def say(seen: Seen) -> bytes:
        answer = ok(PAGE, *PRIVATE)
        return answer.removesuffix(PAGE) if seen.method == b"HEAD" else answer

    async with Origin(answering(say)) as origin, Site(origin.url, publication=VIP) as site:
        head, whole, again = [
            await site.get(b"/", (b"cookie", b"basket=1"), BROWSER, method=method)
            for method in (b"HEAD", b"GET", b"HEAD")
        ]
    assert head["cache-control"] == "private, no-cache"
    for name in ("cache-control", "vary", "content-type", "last-modified"):
        assert again[name] == whole[name]


async def test_a_page_too_large_to_fill_streams_through_whole() -> None:
    large = PAGE + b"<p>" * 100_000
    async with Origin(always(ok(large, *PRIVATE))) as origin, Site(origin.url, max_page_bytes=100_000) as site:
        got = await site.get(b"/", (b"cookie", b"basket=1"), BROWSER)
        assert site.metrics.get("tailorbird_page_passthrough_total", "too-big") == 1
    assert (got.body, got["etag"]) == (large, '"theirs"')


async def test_what_is_no_page_is_not_waited_for() -> None:
    release = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: application/json\r\n\r\none")
        await release.wait()
        await wire.send(b"two")

    async with Origin(script) as origin, Site(origin.url) as site:
        answer = await site.gateway.page(site.request(b"/api", method=b"POST"), site.now)
        assert answer.stream is not None
        assert await anext(answer.stream) == b"one"
        release.set()
        assert await anext(answer.stream) == b"two"


@pytest.mark.parametrize(
    ("head", "method", "length"),
    [
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"GET", "5"),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"GET", "0"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"HEAD", ""),
        (b"\r\nhello", b"GET", ""),
    ],
    ids=["whole", "empty", "only its head", "to be cut by anybody"],
)
async def test_how_long_a_body_is_is_told_where_it_is_known(head: bytes, method: bytes, length: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n" + head)

    async with Origin(script) as origin, Site(origin.url) as site:
        got = await site.get(b"/a", (b"cookie", b"a=1"), method=method)
        assert (got.status, got["content-length"]) == (200, length)


async def test_a_stream_nobody_reads_gives_its_connection_back() -> None:
    async with Origin(always(ok(b"x" * 10_000))) as origin, Site(origin.url, max_connections=1) as site:
        for _ in range(3):
            answer = await site.gateway.page(site.request(b"/api", method=b"POST"), site.now)
            assert answer.stream is not None
            await answer.stream.aclose()  # type: ignore[attr-defined]


async def test_a_private_page_that_breaks_off_is_an_error_and_gives_its_connection_back() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n%b\r\n\r\n<p>" % b"\r\n".join(PRIVATE))

    async with Origin(script) as origin, Site(origin.url, max_connections=1) as site:
        for _ in range(2):
            assert (await site.get(b"/", (b"cookie", b"basket=1"))).status == 502


async def test_other_streams_that_break_off_raise() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nx")

    async with Origin(script) as origin, Site(origin.url) as site:
        with pytest.raises(OriginError):
            await site.get(b"/api", method=b"POST")


async def test_json_that_is_its_visitors_own_has_its_slots_filled_too() -> None:
    body = b'{"hero": "<p>old</p>", "cart": 3}'
    slot = DeclaredSlot("home.hero", page="/api/home", json="$.hero")
    answer = ok(body, b"Content-Type: application/vnd.api+json", b"Cache-Control: private")
    publication = published(shown("Hello"), declared=[slot])
    async with Origin(always(answer)) as origin, Site(origin.url, publication=publication) as site:
        got = await site.get(b"/api/home", (b"cookie", b"basket=3"), (b"accept-encoding", b"br"))
        assert origin.requests[0].get(b"accept-encoding") == b"identity"
        elsewhere = await site.get(b"/api/other", (b"cookie", b"basket=3"), (b"accept-encoding", b"br"))
        assert origin.requests[1].get(b"accept-encoding") == b"br"
    assert "Hello" in json.loads(got.body)["hero"] and got.body.endswith(b', "cart": 3}')
    assert elsewhere.body == body


async def test_json_that_is_its_visitors_own_has_its_list_put_in_order_and_what_is_broken_passes() -> None:
    lists = "{search: {page: /api/*, json: $.hits, product: sku}}"
    publication = in_order("rules: [{name: A, listing: search, pin: {product: SKU-2}}]", catalogue(3), lists)
    whole = b'{"total": 2, "hits": [{"sku": "SKU-1", "x": 1.0},\n {"sku": "SKU-2"}]}'
    kind = b"Content-Type: application/json"
    answers = {
        b"/api/search": ok(whole, kind, b"Cache-Control: private"),
        b"/api/broken": ok(whole[:-1], kind, b"Cache-Control: private"),
        b"/api/twice": ok(whole.replace(b"SKU-2", b"SKU-1"), kind, b"Cache-Control: private"),
    }
    async with Origin(by_path(answers)) as origin, Site(origin.url, publication=publication) as site:
        cookie = (b"cookie", b"basket=3")
        got = await site.get(b"/api/search", cookie)
        assert got.body == b'{"total": 2, "hits": [{"sku": "SKU-2"},\n {"sku": "SKU-1", "x": 1.0}]}'
        assert (await site.get(b"/api/search?sort=price", cookie)).body == whole
        assert (await site.get(b"/api/broken", cookie)).body == whole[:-1]
        assert (await site.get(b"/api/twice", cookie)).body == whole.replace(b"SKU-2", b"SKU-1")
        counted = [site.metrics.get("tailorbird_page_passthrough_total", why) for why in ("card_twice", "not_json")]
        assert counted == [1, 1]


@pytest.mark.parametrize(
    ("keep_host", "status", "is_told"), [(False, 403, True), (True, 403, False), (False, 200, False)]
)
async def test_a_form_of_ours_that_the_origin_takes_for_another_sites_is_told_of(
    caplog: pytest.LogCaptureFixture, *, keep_host: bool, status: int, is_told: bool
) -> None:
    refusal = ok(b"Cross-site POST form submissions are forbidden", status=b"%d x" % status)
    async with Origin(always(refusal)) as origin, Site(origin.url, keep_host=keep_host) as site:
        await site.get(b"/account", (b"origin", b"https://evil.example"), method=b"POST")
        assert "forgery" not in caplog.text
        await site.get(b"/account", (b"origin", b"http://shop.example"), method=b"POST")
    assert (f"asked at `{origin.url}`" in caplog.text) is is_told


@pytest.mark.parametrize(
    ("method", "why"), [(b"GET", "miss"), (b"HEAD", "miss"), (b"POST", "method"), (b"PUT", "method")]
)
async def test_an_error_says_why_its_request_went_to_the_origin(method: bytes, why: str) -> None:
    async def gone(wire: Wire) -> None:
        await wire.request()

    async with Origin(gone) as origin, Site(origin.url) as site:
        got = await site.get(b"/", (b"cookie", b"basket=1"), method=method)
    assert got["cache-status"].startswith(f"tailorbird; fwd={why}; detail=")
