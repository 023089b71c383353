from __future__ import annotations

import pytest

from proxy.httpcache.ranges import wanted
from proxy.httpcache.stored import Choices, StoredResponse, store

NOON = 784_111_777.0
CHANGED = b"Sun, 06 Nov 1994 08:00:00 GMT"


def kept(status: int = 200) -> StoredResponse:
    return store(status, ((b"etag", b'"a"'), (b"last-modified", CHANGED)), b"0123456789", NOON, NOON, Choices())


@pytest.mark.parametrize(
    ("asked", "positions"),
    [
        (b"bytes=0-1", range(2)),
        (b"bytes=4-", range(4, 10)),
        (b"bytes=-3", range(7, 10)),
        (b"bytes=-99", range(10)),
        (b"bytes=8-99", range(8, 10)),
        (b"Bytes=0-0", range(1)),
        (b"bytes=10-", range(10, 10)),
        (b"bytes=99-100", range(99, 10)),
        (b"bytes=-0", range(10, 10)),
    ],
)
def test_one_range_is_cut_out(asked: bytes, positions: range) -> None:
    assert wanted(kept(), ((b"range", asked),)) == positions


MANY = b"9" * 5_000


@pytest.mark.parametrize(
    "asked",
    [
        b"bytes=0-1, 4-5", b"bytes=5-4", b"bytes=-", b"bytes=a-b", b"lines=0-1", b"",
        b"bytes=0-" + MANY, b"bytes=-" + MANY, b"bytes=%b-" % MANY,
    ],
    ids=lambda asked: asked[:16].decode(),
)  # fmt: skip
def test_several_ranges_and_what_is_none_get_the_whole(asked: bytes) -> None:
    assert wanted(kept(), ((b"range", asked),)) is None


def test_nothing_asked_and_no_success_get_the_whole() -> None:
    assert wanted(kept(), ()) is None
    assert wanted(kept(404), ((b"range", b"bytes=0-1"),)) is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [(b'"a"', True), (CHANGED, True), (b'"b"', False), (b'W/"a"', False), (b"Sun, 06 Nov 1994 08:00:01 GMT", False)],
)
def test_parts_are_only_given_of_the_version_the_client_has_parts_of(condition: bytes, holds: bool) -> None:
    part = wanted(kept(), ((b"range", b"bytes=0-1"), (b"if-range", condition)))
    assert (part is not None) is holds
