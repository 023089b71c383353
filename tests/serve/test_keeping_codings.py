"""What is kept of answers that come in several codings."""

from __future__ import annotations

import gzip
import logging

import pytest

from tests.wire.origin import Origin, Seen, always, ok
from tests.wire.site import PAGE, SHARED, Site, answering

IMAGE = (b"Content-Type: image/png", b"Cache-Control: max-age=60")
GZIPPED = (b"accept-encoding", b"gzip")


async def test_an_asset_is_kept_for_each_coding_it_comes_in() -> None:
    def say(seen: Seen) -> bytes:
        if b"gzip" in (seen.get(b"accept-encoding") or b""):
            return ok(gzip.compress(b"body{}"), *IMAGE, b"Vary: Accept-Encoding", b"Content-Encoding: gzip")
        return ok(b"body{}", *IMAGE, b"Vary: Accept-Encoding")

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for _ in range(2):
            assert (await site.get(b"/a.css", GZIPPED))["content-encoding"] == "gzip"
            assert (await site.get(b"/a.css"))["content-encoding"] == ""
        assert len(origin.requests) == 2


SETS = (b"gzip, deflate, br, zstd", b"gzip", b"br;q=0.4, gzip;q=0.5", b"gzip, br", b"*")


@pytest.mark.parametrize("sets", [SETS, SETS[::-1], (b"gzip", *SETS)], ids=["most first", "all first", "least first"])
async def test_one_body_of_each_coding_is_kept_whatever_else_its_clients_accept(sets: tuple[bytes, ...]) -> None:
    packed = gzip.compress(b"body{}", mtime=0)
    fields = (*IMAGE, b"Vary: Accept-Encoding")

    def say(seen: Seen) -> bytes:
        if b"gzip" in (seen.get(b"accept-encoding") or b""):
            return ok(packed, *fields, b"Content-Encoding: gzip", b'ETag: "packed"')
        return ok(b"body{}", *fields, b'ETag: "plain"')

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for accepted in sets * 2:
            got = await site.get(b"/a.css", (b"accept-encoding", accepted))
            assert (got.body, got["content-encoding"], got["etag"]) == (b"body{}", "gzip", '"packed"')
            assert (got["content-length"], got["vary"]) == (str(len(packed)), "Accept-Encoding")
        plain = await site.get(b"/a.css", (b"accept-encoding", b"gzip;q=0"))
        assert (plain.body, plain["content-encoding"], plain["etag"]) == (b"body{}", "", '"plain"')
        assert len(site.gateway.memory) == 2
        assert len(origin.requests) == 2 + (sets[0] == b"gzip")


async def test_a_coded_file_confirmed_for_who_opens_it_as_a_page_stays_for_who_takes_that_coding() -> None:
    """A page is asked for uncoded, and nginx confirms by one weak tag what it sends in any coding."""

    def say(seen: Seen) -> bytes:
        fields = (b"Content-Type: text/plain", b"Cache-Control: max-age=60", b'ETag: W/"a"', b"Vary: Accept-Encoding")
        if seen.get(b"if-none-match"):
            return b"\r\n".join((b"HTTP/1.1 304 Not Modified", *fields, b"", b""))
        if b"gzip" in (seen.get(b"accept-encoding") or b""):
            return ok(gzip.compress(b"Allow: /"), *fields, b"Content-Encoding: gzip")
        return ok(b"Allow: /", *fields)

    opened = (b"accept", b"text/html,*/*;q=0.8"), GZIPPED
    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/robots.txt", GZIPPED)
        site.now += 61
        assert (await site.get(b"/robots.txt", *opened))["content-encoding"] == "gzip"
        assert (await site.get(b"/robots.txt"))["content-encoding"] == ""
        assert (await site.get(b"/robots.txt", GZIPPED))["content-encoding"] == "gzip"
        assert len(origin.requests) == 3


async def test_a_page_that_came_coded_has_a_weak_tag_where_it_is_given_uncoded() -> None:
    page = ok(gzip.compress(b"<p>all"), *SHARED[:2], b'ETag: "gz"', b"Content-Encoding: gzip", b"Repr-Digest: md5=:x:")
    async with Origin(always(page)) as origin, Site(origin.url) as site:
        got = [await site.get(b"/", (b"accept-encoding", coding)) for coding in (b"gzip", b"identity")]
    assert [(one["content-encoding"], one["etag"], one.body) for one in got] == [
        ("gzip", 'W/"gz"', b"<p>all"),
        ("", 'W/"gz"', b"<p>all"),
    ]
    assert all("repr-digest" not in dict(one.headers) for one in got)


async def test_what_is_opened_as_a_page_and_is_none_is_kept_too_though_it_varies_by_coding() -> None:
    answer = ok(b"a picture", *IMAGE, b"Vary: Accept-Encoding")
    browser = (b"accept", b"text/html,*/*;q=0.8"), (b"accept-encoding", b"gzip, br")
    async with Origin(always(answer)) as origin, Site(origin.url) as site:
        for _ in range(3):
            assert (await site.get(b"/a.png", *browser)).body == b"a picture"
        assert len(origin.requests) == 1


async def test_who_confirms_a_body_with_fewer_codings_confirms_it_for_all() -> None:
    def say(seen: Seen) -> bytes:
        if seen.get(b"if-none-match"):
            return b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nCache-Control: max-age=60\r\n\r\n'
        return ok(gzip.compress(b"body{}"), *IMAGE, b"Vary: Accept-Encoding", b"Content-Encoding: gzip", b'ETag: "a"')

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/a.css", (b"accept-encoding", b"gzip, br"))
        site.now += 10_000
        for accepted in (b"gzip", b"gzip, br"):
            assert (await site.get(b"/a.css", (b"accept-encoding", accepted)))["content-encoding"] == "gzip"
        assert (len(origin.requests), len(site.gateway.memory)) == (2, 1)


async def test_a_page_that_came_coded_is_kept_uncoded_for_everybody() -> None:
    coded = ok(gzip.compress(PAGE), *SHARED, b"Content-Encoding: gzip", b"Vary: Accept-Encoding")
    async with Origin(always(coded)) as origin, Site(origin.url) as site:
        assert (await site.get(b"/", GZIPPED)).body == PAGE
        plain = await site.get(b"/")
        assert len(origin.requests) == 1
    assert (plain.body, plain["content-encoding"]) == (PAGE, "")


async def test_a_page_in_a_coding_we_cannot_undo_goes_only_to_who_takes_it() -> None:
    def say(seen: Seen) -> bytes:
        if b"br" in (seen.get(b"accept-encoding") or b""):
            return ok(b"brotli bytes", *SHARED, b"Content-Encoding: br")
        return ok(PAGE, *SHARED)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        coded = await site.get(b"/", (b"accept-encoding", b"br"))
        plain = await site.get(b"/")
        assert site.metrics.get("tailorbird_page_passthrough_total", "coding") == 1
        assert len(site.gateway.memory) == 1
    assert (coded.body, coded["content-encoding"]) == (b"brotli bytes", "br")
    assert (plain.body, "stored" in plain["cache-status"]) == (PAGE, True)


BROWSER = (b"accept", b"text/html,*/*;q=0.8")


async def test_a_page_whose_coding_is_damaged_is_passed_on_and_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    packed = gzip.compress(PAGE, mtime=0)
    sent = [packed[:-9]]
    script = answering(lambda _: ok(sent[0], *SHARED, b"Content-Encoding: gzip"))
    async with Origin(script) as origin, Site(origin.url) as site:
        answer = await site.gateway.page(site.request(b"/", GZIPPED, BROWSER), site.now)
        assert b"".join(answer.chunks) == packed[:-9]
        assert dict(answer.headers)[b"cache-status"] == b"tailorbird; fwd=bypass; detail=damaged"
        assert len(site.gateway.memory) == 0
        assert "`/` is not kept: damaged" in caplog.text
        site.now += site.settings.uncacheable_seconds + 1
        sent[0] = packed
        assert (await site.get(b"/", GZIPPED, BROWSER)).body == PAGE
        assert len(site.gateway.memory) == 1
