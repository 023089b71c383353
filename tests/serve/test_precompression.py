"""Texts that are asked for again are given in the coding each client likes best, with the fields that belong to it."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import brotli
import pytest
import zstandard

from proxy.httpcache.coding import ENCODERS
from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.model import Headers
from proxy.serve.precompression import Background, Precompressed, precompressible
from tests.wire.origin import Origin, always, ok
from tests.wire.site import Got, Site, eventually

STYLE = b"".join(b".shoe-%d { color: #%06x; margin: %dpx }\n" % (n, n * 7919, n % 13) for n in range(400))
CSS = (b"Content-Type: text/css", b"Cache-Control: max-age=60", b'ETag: "style-1"', b"Accept-Ranges: bytes")
UNDO: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
    "gzip": gzip.decompress,
}


def accepting(text: bytes) -> tuple[bytes, bytes]:
    return b"accept-encoding", text


async def packed(site: Site, coding: bytes) -> None:
    """Asks until the style sheet comes in that coding."""

    async def asked() -> Got:
        return await site.get(b"/style.css", accepting(coding))

    for _ in range(3):
        await asked()
    entry = next(iter(site.gateway.memory._protected.values())).newest_first[0].entry
    await eventually(lambda: coding in entry.packed.codings)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
async def test_a_text_comes_smaller_and_says_so(coding: str) -> None:
    async with Origin(always(ok(STYLE, *CSS))) as origin, Site(origin.url) as site:
        first = await site.get(b"/style.css", accepting(coding.encode()))
        assert (first["content-encoding"], first["vary"]) == ("", "Accept-Encoding")
        await packed(site, coding.encode())
        got = await site.get(b"/style.css", accepting(coding.encode()))
        body = got.body if coding == "gzip" else UNDO[coding](got.body)
        assert body == STYLE
        assert got.wire_length < len(STYLE) / 3
        assert got["content-length"] == str(got.wire_length)
        assert (got["content-encoding"], got["etag"], got["accept-ranges"]) == (coding, 'W/"style-1"', "")
        assert got["vary"] == "Accept-Encoding"

        plain = await site.get(b"/style.css")
        assert (plain.body, plain["content-encoding"], plain["etag"]) == (STYLE, "", '"style-1"')
        assert plain["vary"] == "Accept-Encoding"
        assert len(origin.requests) == 1


@pytest.mark.parametrize(
    ("fields", "body", "vary"),
    [
        (CSS, STYLE, "Origin, Accept-Encoding"),
        (CSS, b"a { b: c }", "Origin"),
        ((b"Content-Type: image/png", b"Cache-Control: max-age=60", b'ETag: "style-1"'), STYLE, "Origin"),
    ],
)
async def test_what_it_varies_by_is_the_same_from_the_first_answer_on(
    fields: tuple[bytes, ...], body: bytes, vary: str
) -> None:
    async with Origin(always(ok(body, *fields, b"Vary: Origin"))) as origin:
        for first in ((), ((b"if-none-match", b'"style-1"'),)):
            async with Site(origin.url) as site:
                said = [(await site.get(b"/style.css", accepting(b"br"), *own))["vary"] for own in (first, (), first)]
            assert said == [vary] * 3


async def test_a_part_and_a_return_visit_are_of_what_the_client_has() -> None:
    async with Origin(always(ok(STYLE, *CSS))) as origin, Site(origin.url) as site:
        await packed(site, b"br")
        part = await site.get(b"/style.css", accepting(b"br"), (b"range", b"bytes=0-9"))
        assert (part.status, part.body, part["content-encoding"]) == (206, STYLE[:10], "")
        for tag in (b'"style-1"', b'W/"style-1"'):
            again = await site.get(b"/style.css", accepting(b"br"), (b"if-none-match", tag))
            assert (again.status, again.body) == (304, b"")
        head = await site.get(b"/style.css", accepting(b"br"), method=b"HEAD")
        assert (head["content-encoding"], head.body) == ("br", b"")


async def test_what_is_renewed_unchanged_is_not_packed_again() -> None:
    async def script(wire) -> None:  # type: ignore[no-untyped-def]
        while True:
            seen = await wire.request()
            await wire.send(
                b'HTTP/1.1 304 Not Modified\r\nETag: "style-1"\r\nCache-Control: max-age=60\r\n\r\n'
                if seen.get(b"if-none-match")
                else ok(STYLE, *CSS)
            )

    async with Origin(script) as origin, Site(origin.url) as site:
        await packed(site, b"br")
        site.now += 61
        got = await site.get(b"/style.css", accepting(b"br"))
        assert len(origin.requests) == 2
        assert got["content-encoding"] == "br"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (((b"content-type", b"font/woff2"),), STYLE),
        (((b"content-type", b"image/png"),), STYLE),
        (((b"content-type", b"text/css"), (b"content-encoding", b"gzip")), STYLE),
        (((b"content-type", b"text/css"), (b"cache-control", b"max-age=60, no-transform")), STYLE),
        (((b"content-type", b"text/css"),), b"a { b: c }"),
    ],
    ids=["a font", "a picture", "coded already", "not to be changed", "small"],
)
def test_what_stays_as_it_is(headers: Headers, body: bytes) -> None:
    assert precompressible(stored_response(200, headers, body, 0, 0, CacheOptions())) is None
    assert (
        precompressible(
            stored_response(200, ((b"content-type", b"TEXT/CSS; charset=utf-8"),), STYLE, 0, 0, CacheOptions())
        )
        is not None
    )


async def test_a_text_asked_for_once_is_not_packed_and_one_that_gets_no_smaller_stays() -> None:
    background, once, noise = Background("test", 1 << 30), Precompressed(STYLE), Precompressed(ENCODERS[b"br"](STYLE))
    once.tend(b"br", background)
    for _ in range(3):
        noise.tend(b"gzip", background)
    last = Precompressed(STYLE)
    for _ in range(2):
        last.tend(b"br", background)
    await eventually(lambda: b"br" in last.codings)  # one thread, in order: the others are done
    assert (once.codings, noise.codings) == ({}, {})


async def test_beyond_its_memory_all_are_forgotten_and_made_again() -> None:
    background = Background("test", most_bytes=len(ENCODERS[b"br"](STYLE)) + 10)
    one, other = Precompressed(STYLE), Precompressed(STYLE + b" ")
    for text in (one, other):
        for _ in range(2):
            text.tend(b"br", background)
    third = Precompressed(STYLE + b"  ")
    for _ in range(2):
        third.tend(b"br", background)
    await eventually(lambda: b"br" in third.codings)
    assert (one.codings, other.codings) == ({}, {})
    one.tend(b"br", background)
    await eventually(lambda: b"br" in one.codings)
