from __future__ import annotations

import gzip

import zstandard

from tests.wire.faulty import Slow
from tests.wire.origin import Origin, always, ok
from tests.wire.site import HTML, PAGE, SHARED, Got, Site, in_segment, published, shown

VIP = published(shown("Hello VIP", when=in_segment("vip")))
GZIP = (b"accept-encoding", b"gzip")
PLAIN = b"<!doctype html><p>no slots here" + b" and more text" * 50


def unchanged(got: Got) -> tuple[bytes, bytes]:
    return b"if-none-match", got["etag"].encode()


async def test_a_filled_page_is_for_its_visitor_alone() -> None:
    fields = (*SHARED, b"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", b"CDN-Cache-Control: max-age=600")
    async with Origin(always(ok(PAGE, *fields))) as origin, Site(origin.url, publication=VIP) as site:
        for _ in ("stored", "hit"):
            got = await site.get(b"/", site.visitor("anna", "vip"))
            assert got["cache-control"] == "private, no-cache"
            assert (got["etag"].startswith('W/"'), "page-1" in got["etag"]) == (True, False)
            assert (got["last-modified"], got["cdn-cache-control"], got["age"]) == ("", "", "")


async def test_a_return_visit_is_a_304_until_something_else_would_be_shown() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        anna = site.visitor("anna", "vip")
        first = await site.get(b"/", anna, GZIP)
        assert (await site.get(b"/", anna, GZIP, unchanged(first))).status == 304
        assert (await site.get(b"/", GZIP, unchanged(first))).status == 200
        assert (await site.get(b"/", anna, unchanged(first))).status == 200
        site.gateway.publish(published(shown("Hello again", when=in_segment("vip"))))
        assert (await site.get(b"/", anna, GZIP, unchanged(first))).status == 200


async def test_gzip_and_plain_answers_are_the_same_page() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        anna = site.visitor("anna", "vip")
        plain, packed = await site.get(b"/", anna), await site.get(b"/", anna, GZIP)
    assert plain.body == packed.body
    assert (plain["content-encoding"], packed["content-encoding"]) == ("", "gzip")
    assert packed["content-length"] == str(packed.wire_length)
    assert plain["vary"] == packed["vary"] == "Accept-Encoding"


async def test_pages_leave_in_zstd_where_that_is_set_and_the_client_likes_it_as_well() -> None:
    codings = {"page_codings": ("zstd", "gzip")}
    for body in (PAGE, PLAIN):
        async with Origin(always(ok(body, *SHARED))) as origin, Site(origin.url, publication=VIP, **codings) as site:
            anna = site.visitor("anna", "vip")
            plain = await site.get(b"/", anna)
            for asked, coding in ((b"gzip, br, zstd", "zstd"), (b"gzip, zstd;q=0.9", "gzip"), (b"br", "")):
                accepted = (b"accept-encoding", asked)
                got = await site.get(b"/", anna, accepted)
                assert (got["content-encoding"], got["vary"]) == (coding, "Accept-Encoding")
                assert got["content-length"] == str(got.wire_length)
                assert got["etag"].startswith("W/") or (not coding and body is PLAIN)
                read = unframed(got.body) if coding == "zstd" else got.body
                assert read == plain.body
                assert (await site.get(b"/", anna, accepted, unchanged(got))).status == 304


def unframed(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).readall()


async def test_a_page_without_slots_is_everybodys_as_in_any_cache() -> None:
    async with Origin(always(ok(PLAIN, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        await site.get(b"/")
        site.now += 5
        plain, packed = await site.get(b"/"), await site.get(b"/", GZIP)
        for got in (plain, packed):
            assert (got.body, got["age"], got["cache-control"]) == (PLAIN, "5", "max-age=60")
            assert got["cache-status"] == "tailorbird; hit; ttl=55"
            assert (await site.get(b"/", unchanged(got), GZIP)).status == 304
    assert (plain["etag"], packed["etag"]) == ('"page-1"', 'W/"page-1"')
    assert packed.wire_length < len(PLAIN)
    assert packed["vary"] == plain["vary"] == "Accept-Encoding"


async def test_an_asset_goes_out_as_it_came() -> None:
    coded = gzip.compress(b"body{}")
    fields = (b"Content-Type: text/css", b"Cache-Control: max-age=60", b'ETag: "css"', b"Content-Encoding: gzip")
    async with Origin(always(ok(coded, *fields))) as origin, Site(origin.url) as site:
        first, second = await site.get(b"/a.css", GZIP), await site.get(b"/a.css", GZIP)
        assert (await site.get(b"/a.css", GZIP, unchanged(second))).status == 304
    assert first.body == second.body == b"body{}"
    assert (first["etag"], second["etag"], second["age"]) == ('"css"', '"css"', "0")
    assert first["cache-status"] == "tailorbird; fwd=uri-miss; stored"


async def test_an_asset_on_its_way_is_compared_and_headed_too() -> None:
    fields = (b"Cache-Control: max-age=60", b'ETag: "png"', b"Content-Type: image/png")
    async with Origin(always(ok(b"png", *fields))) as origin, Site(origin.url) as site:
        unmodified = await site.get(b"/a.png", (b"if-none-match", b'"png"'))
        headed = await site.get(b"/b.png", method=b"HEAD")
    assert (unmodified.status, unmodified.body) == (304, b"")
    assert (headed.status, headed.body, headed["content-length"]) == (200, b"", "3")


async def test_an_error_page_with_a_lifetime_is_filled_and_stays_an_error() -> None:
    missing = ok(PAGE, HTML, b"Cache-Control: max-age=5", status=b"404 Not Found")
    async with Origin(always(missing)) as origin, Site(origin.url, publication=VIP) as site:
        for _ in ("stored", "hit"):
            got = await site.get(b"/", site.visitor("anna", "vip"), (b"if-none-match", b"*"))
            assert (got.status, b"Hello VIP" in got.body) == (404, True)
        assert len(origin.requests) == 1


async def test_a_page_says_that_its_visitors_profile_could_not_be_had_in_time() -> None:
    hello, patience = published(shown("Hello {name|you}")), {"profile_budget_ms": 5.0, "profile_longest_ms": 10.0}
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=hello, **patience) as site:
        await site.remember("anna", name="Anna")
        site.profiles._store = Slow(seed=1, share=1.0, seconds=0.5).around(site.store)
        for how in ("fwd=uri-miss; stored", "hit; ttl=60"):
            late = await site.get(b"/", site.visitor("anna"))
            assert b"Hello you" in late.body
            assert late["cache-status"] == f"tailorbird; {how}; detail=no-profile"
        stranger = await site.get(b"/")
        assert stranger["cache-status"] == "tailorbird; hit; ttl=60; detail=personalised"
        site.profiles._store = site.store
        await site.profiles.reads_ended(["anna"])
        known = await site.get(b"/", site.visitor("anna"))
        assert b"Hello Anna" in known.body and known["cache-status"].endswith("detail=personalised")
