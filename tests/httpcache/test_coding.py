from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard

from proxy.errors import OperatorError
from proxy.httpcache import coding as codings
from proxy.httpcache import coding as module
from proxy.httpcache.coding import CODERS, best_of, inflated, page_codings, preferred, ranked, takes_gzip
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
def test_gzip_is_sent_only_to_who_takes_it(asked: bytes, taken: bool) -> None:
    assert takes_gzip(asked) is taken


def test_codings_are_named_in_one_order() -> None:
    assert preferred(b"gzip, br") == preferred(b"br,gzip;q=1.0") == (b"br", b"gzip")


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
def test_what_the_origin_coded_is_undone(body: bytes, coding: bytes) -> None:
    assert inflated(body, coding, 10_000) == PAGE


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"whatever", b"lzma"),
        *((b"whatever", coding) for coding in (b"br", b"zstd")),
        *((CODERS[coding](PAGE)[:-3], coding) for coding in (b"br", b"zstd")),
        *((CODERS[coding](PAGE) + b"rest", coding) for coding in (b"br", b"zstd")),
        *((CODERS[coding](bytes(20_000)), coding) for coding in (b"br", b"zstd")),
        *((CODERS[coding](bytes(9_000_000)), coding) for coding in (b"br", b"zstd")),
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
def test_what_cannot_be_undone_safely_is_left_alone(body: bytes, coding: bytes) -> None:
    assert inflated(body, coding, 10_000) is None


def test_a_bomb_is_refused_by_its_ratio_before_its_size() -> None:
    for coding, coder in CODERS.items():
        bomb = coder(bytes(9_000_000))
        assert len(bomb) * 100 < 9_000_000
        assert inflated(bomb, coding, 10_000_000) is None
        assert inflated(bomb, coding, 10_000_000, 1_000_000) == bytes(9_000_000)


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
def test_the_coding_a_client_likes_best_comes_first(asked: bytes, best: tuple[bytes, ...]) -> None:
    assert ranked(asked) == best


def test_without_the_extra_there_is_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codings, "brotli", None)
    monkeypatch.setattr(codings, "zstandard", None)
    assert inflated(brotli.compress(PAGE), b"br", 10_000) is None
    assert inflated(zstandard.compress(PAGE), b"zstd", 10_000) is None
    assert inflated(gzip.compress(PAGE), b"gzip", 10_000) == PAGE


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
def test_a_page_leaves_in_the_coding_its_client_likes_best_of_those_it_may(
    codings: tuple[bytes, ...], asked: bytes, best: bytes
) -> None:
    assert best_of(codings, asked) == best


def test_what_pages_cannot_be_coded_in_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert page_codings(Settings(page_codings=("zstd", "gzip"))) == (b"zstd", b"gzip")
    with pytest.raises(OperatorError, match="`page_codings` has `br`"):
        page_codings(Settings(page_codings=("br",)))
    monkeypatch.setattr(module, "zstandard", None)
    with pytest.raises(OperatorError, match="needs a package"):
        page_codings(Settings(page_codings=("zstd",)))
