from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard

from proxy.errors import OperatorError, OriginError
from proxy.httpcache import coding as codings
from proxy.httpcache import coding as module
from proxy.httpcache.coding import (
    ENCODERS,
    GzipPieces,
    accepted_codings,
    accepts_gzip,
    best_coding,
    decoded,
    is_damaged,
    page_codings,
    ranked_codings,
)
from proxy.settings import Settings

PAGE = b"<p>" + b"shoes and more shoes " * 100


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        (b"", False),
        (b"gzip", True),
        (b"GZIP", True),
        (b"br, gzip;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000", False),
        (b"*", True),
        (b"*;q=0", False),
        (b"gzip;q=0, *", False),
        (b"deflate", False),
        (b"gzip;q=x", True),
    ],
)
def test_gzip_is_sent_only_to_clients_that_accept_it(asked: bytes, taken: bool) -> None:
    assert accepts_gzip(asked) is taken


def test_codings_are_named_in_one_order() -> None:
    assert accepted_codings(b"gzip, br") == accepted_codings(b"br,gzip;q=1.0") == (b"br", b"gzip")


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (PAGE, b""),
        (PAGE, b"identity"),
        (gzip.compress(PAGE, mtime=0), b"gzip"),
        (gzip.compress(PAGE[:700], mtime=0) + gzip.compress(PAGE[700:], mtime=0), b"gzip"),
        (zlib.compress(PAGE), b"deflate"),
        (zlib.compress(PAGE, wbits=-15), b"deflate"),
        (brotli.compress(PAGE), b"br"),
        (zstandard.compress(PAGE), b"zstd"),
        (zstandard.compress(PAGE[:700]) + zstandard.compress(PAGE[700:]), b"zstd"),
    ],
    ids=[
        "none",
        "identity",
        "gzip",
        "two of gzip",
        "deflate",
        "bare deflate",
        "br",
        "zstd",
        "two of zstd",
    ],
)
def test_a_content_coding_is_decoded(body: bytes, coding: bytes) -> None:
    assert decoded(body, coding, 10_000) == PAGE


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"whatever", b"lzma"),
        *((b"whatever", coding) for coding in (b"br", b"zstd")),
        *((ENCODERS[coding](PAGE)[:-3], coding) for coding in (b"br", b"zstd")),
        *((ENCODERS[coding](PAGE) + b"rest", coding) for coding in (b"br", b"zstd")),
        *((ENCODERS[coding](bytes(20_000)), coding) for coding in (b"br", b"zstd")),
        *((ENCODERS[coding](bytes(9_000_000)), coding) for coding in (b"br", b"zstd")),
        (b"not gzip at all", b"gzip"),
        (gzip.compress(PAGE, mtime=0)[:-3], b"gzip"),
        (gzip.compress(PAGE, mtime=0) + b"rest", b"gzip"),
        (gzip.compress(PAGE, mtime=0) + gzip.compress(PAGE, mtime=0)[:-3], b"gzip"),
        (gzip.compress(b"", mtime=0) * 5_000, b"gzip"),
        (gzip.compress(bytes(9_000), mtime=0) * 2, b"gzip"),
        (zlib.compress(PAGE)[:-3], b"deflate"),
        (zlib.compress(PAGE, wbits=-15)[:-3], b"deflate"),
        (zlib.compress(bytes(20_000), wbits=-15), b"deflate"),
        (gzip.compress(bytes(20_000), mtime=0), b"gzip"),
        (gzip.compress(bytes(9_000_000), mtime=0), b"gzip"),
    ],
)
def test_a_damaged_or_unknown_coding_is_not_decoded(body: bytes, coding: bytes) -> None:
    assert decoded(body, coding, 10_000) is None


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
def test_what_breaks_off_is_told_from_what_is_too_large_or_unknown(coding: bytes) -> None:
    assert all(is_damaged(ENCODERS[coding](PAGE)[:end], coding) for end in (-3, 30))
    assert not any(is_damaged(body, coding) for body in (ENCODERS[coding](PAGE), ENCODERS[coding](bytes(9_000_000))))
    assert not is_damaged(b"whatever", b"lzma")


def test_a_decompression_bomb_is_refused_by_its_ratio() -> None:
    for coding, coder in ENCODERS.items():
        bomb = coder(bytes(9_000_000))
        assert len(bomb) * 100 < 9_000_000
        assert decoded(bomb, coding, 10_000_000) is None
        assert decoded(bomb, coding, 10_000_000, 1_000_000) == bytes(9_000_000)


@pytest.mark.parametrize(
    ("asked", "best"),
    [
        (b"", ()),
        (b"gzip, deflate, br, zstd", (b"br", b"zstd", b"gzip")),
        (b"gzip, br;q=0.8", (b"gzip", b"br")),
        (b"gzip;q=0.5, zstd;q=0.9, br;q=0", (b"zstd", b"gzip")),
        (b"*", (b"br", b"zstd", b"gzip")),
        (b"identity, gzip;q=0.5", ()),
        (b"identity;q=0.2, gzip;q=0.5", (b"gzip",)),
        (b"deflate", ()),
    ],
)
def test_codings_are_ranked_by_weight_then_by_size(asked: bytes, best: tuple[bytes, ...]) -> None:
    assert ranked_codings(asked) == best


def test_without_the_extra_only_gzip_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codings, "brotli", None)
    monkeypatch.setattr(codings, "zstandard", None)
    assert decoded(brotli.compress(PAGE), b"br", 10_000) is None
    assert decoded(zstandard.compress(PAGE), b"zstd", 10_000) is None
    assert decoded(gzip.compress(PAGE), b"gzip", 10_000) == PAGE


@pytest.mark.parametrize(
    ("codings", "asked", "best"),
    [
        ((b"gzip",), b"gzip, br, zstd", b"gzip"),
        ((b"zstd", b"gzip"), b"gzip, br, zstd", b"zstd"),
        ((b"gzip", b"zstd"), b"gzip, br, zstd", b"gzip"),
        ((b"zstd", b"gzip"), b"gzip, zstd;q=0.5", b"gzip"),
        ((b"zstd", b"gzip"), b"gzip", b"gzip"),
        ((b"zstd", b"gzip"), b"*", b"zstd"),
        ((b"zstd", b"gzip"), b"zstd;q=0, *;q=0.1", b"gzip"),
        ((b"zstd", b"gzip"), b"br", b"identity"),
        ((b"zstd", b"gzip"), b"", b"identity"),
        ((b"zstd",), b"gzip", b"identity"),
        ((), b"gzip, zstd", b"identity"),
    ],
)
def test_a_page_has_the_best_coding_of_those_allowed_for_pages(
    codings: tuple[bytes, ...], asked: bytes, best: bytes
) -> None:
    assert best_coding(codings, asked) == best


def test_an_unknown_page_coding_is_an_error_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert page_codings(Settings(page_codings=("zstd", "gzip"))) == (b"zstd", b"gzip")
    with pytest.raises(OperatorError, match="PAGE_CODINGS`: there is no coding `br`"):
        page_codings(Settings(page_codings=("br",)))
    monkeypatch.setattr(module, "zstandard", None)
    with pytest.raises(OperatorError, match="needs a package"):
        page_codings(Settings(page_codings=("zstd",)))


def test_gzip_is_decoded_as_it_comes_in_pieces_of_bounded_size() -> None:
    texts = [PAGE, b"<p>" + b"x" * 1_000_000, b"", PAGE]
    for size in (1, 7, 10**6):
        pieces, packed = GzipPieces(), b"".join(gzip.compress(text) for text in texts)
        assert not pieces.is_whole
        came = [piece for at in range(0, len(packed), size) for piece in pieces.of(packed[at : at + size])]
        assert (b"".join(came), pieces.is_whole) == (b"".join(texts), True)
        assert max(map(len, came)) <= GzipPieces.MOST_BYTES


def test_gzip_that_is_not_all_there_is_not_whole_and_other_bytes_are_an_error() -> None:
    pieces = GzipPieces()
    assert b"".join(pieces.of(gzip.compress(PAGE)[:-1])) == PAGE and not pieces.is_whole
    with pytest.raises(OriginError):
        list(GzipPieces().of(b"no gzip at all"))
