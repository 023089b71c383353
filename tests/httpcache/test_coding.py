from __future__ import annotations

import gzip
import zlib

import pytest

from proxy.httpcache.coding import inflated, preferred, takes_gzip

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
    [(PAGE, b""), (PAGE, b"identity"), (gzip.compress(PAGE, mtime=0), b"gzip"), (zlib.compress(PAGE), b"deflate")],
    ids=["none", "identity", "gzip", "deflate"],
)
def test_what_the_origin_coded_is_undone(body: bytes, coding: bytes) -> None:
    assert inflated(body, coding, 10_000) == PAGE


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"whatever", b"br"),
        (b"not gzip at all", b"gzip"),
        (gzip.compress(PAGE)[:-3], b"gzip"),
        (gzip.compress(PAGE) + b"rest", b"gzip"),
        (gzip.compress(bytes(20_000)), b"gzip"),
        (gzip.compress(bytes(9_000_000)), b"gzip"),
    ],
    ids=["unknown", "broken", "cut short", "more after it", "over the limit", "a bomb"],
)
def test_what_cannot_be_undone_safely_is_left_alone(body: bytes, coding: bytes) -> None:
    assert inflated(body, coding, 10_000) is None


def test_a_bomb_is_refused_by_its_ratio_before_its_size() -> None:
    bomb = gzip.compress(bytes(9_000_000))
    assert len(bomb) * 100 < 9_000_000
    assert inflated(bomb, b"gzip", 10_000_000) is None
