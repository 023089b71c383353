from __future__ import annotations

import pytest

from tests.wire.origin import Origin, Script, Seen, ok
from tests.wire.site import Site, answering, eventually

VIDEO = bytes(range(256)) * 8
FIELDS = (b"Content-Type: video/mp4", b"Cache-Control: max-age=60", b'ETag: "v"')
FIRST_BYTES = (b"range", b"bytes=0-3")


def whole_or_part(whole: bytes, *part: bytes) -> Script:
    def say(seen: Seen) -> bytes:
        return whole if seen.get(b"range") is None else ok(VIDEO[:4], *part, status=b"206 Partial Content")

    return answering(say)


async def test_what_is_asked_for_in_parts_only_is_fetched_whole_once_and_then_cut_here() -> None:
    script = whole_or_part(ok(VIDEO, *FIELDS), *FIELDS, b"Content-Range: bytes 0-3/2048")
    async with Origin(script) as origin, Site(origin.url) as site:
        first = await site.get(b"/lamp.mp4", FIRST_BYTES)
        await eventually(lambda: site.gateway.memory.key_count == 1)
        later = await site.get(b"/lamp.mp4", (b"range", b"bytes=2000-"))
        assert [seen.get(b"range") for seen in origin.requests] == [b"bytes=0-3", None]
    assert (first.status, first.body, first["cache-status"]) == (206, VIDEO[:4], "tailorbird; fwd=bypass; detail=range")
    assert (later.status, later.body, later["content-range"]) == (206, VIDEO[2000:], "bytes 2000-2047/2048")
    assert later["cache-status"].startswith("tailorbird; hit")


async def test_an_origin_that_knows_no_ranges_is_asked_for_the_whole_once_more() -> None:
    async with Origin(answering(lambda seen: ok(VIDEO, *FIELDS))) as origin, Site(origin.url) as site:
        first = await site.get(b"/lamp.mp4", FIRST_BYTES)
        await eventually(lambda: site.gateway.memory.key_count == 1)
        later = await site.get(b"/lamp.mp4", FIRST_BYTES)
        assert len(origin.requests) == 2
    assert ((first.status, first.body), (later.status, later.body)) == ((200, VIDEO), (206, VIDEO[:4]))


@pytest.mark.parametrize(
    "part",
    [
        (b"Cache-Control: max-age=60", b"Content-Range: bytes 0-3/2049"),
        (b"Cache-Control: max-age=60", b"Content-Range: bytes 0-3/*"),
        (b"Cache-Control: max-age=60", b"Content-Type: multipart/byteranges; boundary=x"),
        (b"Cache-Control: private", b"Content-Range: bytes 0-3/2048"),
        (b"Cache-Control: max-age=60", b"Set-Cookie: a=b", b"Content-Range: bytes 0-3/2048"),
        (b"Content-Range: bytes 0-3/2048",),
    ],
)
async def test_a_part_of_what_may_not_be_kept_is_all_that_is_asked_for(part: tuple[bytes, ...]) -> None:
    script = whole_or_part(ok(VIDEO, *FIELDS), *part)
    async with Origin(script) as origin, Site(origin.url, max_stored_bytes=2048) as site:
        for _ in range(3):
            await site.get(b"/lamp.mp4", FIRST_BYTES)
        assert [seen.get(b"range") for seen in origin.requests] == [b"bytes=0-3"] * 3


async def test_a_whole_that_turned_out_not_to_be_shared_is_not_asked_for_with_each_part() -> None:
    script = whole_or_part(ok(VIDEO, b"Cache-Control: private"), *FIELDS, b"Content-Range: bytes 0-3/2048")
    async with Origin(script) as origin, Site(origin.url, uncacheable_seconds=120) as site:
        await site.get(b"/lamp.mp4", FIRST_BYTES)
        await eventually(lambda: len(origin.requests) == 2)
        await site.get(b"/lamp.mp4", FIRST_BYTES)
        assert [seen.get(b"range") for seen in origin.requests] == [b"bytes=0-3", None, b"bytes=0-3"]
        site.now += 120
        await site.get(b"/lamp.mp4", FIRST_BYTES)
        await eventually(lambda: len(origin.requests) == 5)


async def test_a_head_of_a_part_fetches_nothing() -> None:
    script = whole_or_part(ok(VIDEO, *FIELDS), *FIELDS, b"Content-Range: bytes 0-3/2048")
    async with Origin(script) as origin, Site(origin.url) as site:
        await site.get(b"/lamp.mp4", FIRST_BYTES, method=b"HEAD")
        await site.get(b"/lamp.mp4", FIRST_BYTES)
        await eventually(lambda: len(origin.requests) == 3)
        said = [(seen.method, seen.get(b"range")) for seen in origin.requests]
    assert said == [(b"HEAD", b"bytes=0-3"), (b"GET", b"bytes=0-3"), (b"GET", None)]
