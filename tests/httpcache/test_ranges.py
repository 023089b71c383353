from __future__ import annotations

import pytest

from proxy.httpcache.ranges import requested_range, whole_length
from proxy.httpcache.stored import CacheOptions, StoredResponse, stored_response

NOON = 784_111_777.0
CHANGED = b"Sun, 06 Nov 1994 08:00:00 GMT"


def kept(status: int = 200) -> StoredResponse:
    return stored_response(
        status, ((b"etag", b'"a"'), (b"last-modified", CHANGED)), b"0123456789", NOON, NOON, CacheOptions()
    )


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
def test_one_range_gives_its_bytes(asked: bytes, positions: range) -> None:
    assert requested_range(kept(), ((b"range", asked),)) == positions


MANY = b"9" * 5_000


@pytest.mark.parametrize(
    "asked",
    [
        b"bytes=0-1, 4-5", b"bytes=5-4", b"bytes=-", b"bytes=a-b", b"lines=0-1", b"",
        b"bytes=0-" + MANY, b"bytes=-" + MANY, b"bytes=%b-" % MANY,
    ],
    ids=lambda asked: asked[:16].decode(),
)  # fmt: skip
def test_several_or_invalid_ranges_give_the_whole_answer(asked: bytes) -> None:
    assert requested_range(kept(), ((b"range", asked),)) is None


def test_no_range_or_another_status_gives_the_whole_answer() -> None:
    assert requested_range(kept(), ()) is None
    assert requested_range(kept(404), ((b"range", b"bytes=0-1"),)) is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [(b'"a"', True), (CHANGED, True), (b'"b"', False), (b'W/"a"', False), (b"Sun, 06 Nov 1994 08:00:01 GMT", False)],
)
def test_if_range_gives_a_part_only_of_the_same_version(condition: bytes, holds: bool) -> None:
    part = requested_range(kept(), ((b"range", b"bytes=0-1"), (b"if-range", condition)))
    assert (part is not None) is holds


def test_a_date_says_nothing_of_the_coding_in_which_a_client_has_its_parts() -> None:
    for condition, part in ((CHANGED, None), (b'"a"', range(2))):
        asked = (b"range", b"bytes=0-1"), (b"if-range", condition)
        assert requested_range(kept(), asked, may_be_coded=True) == part
    assert requested_range(kept(), ((b"range", b"bytes=0-1"),), may_be_coded=True) == range(2)


def test_if_range_never_holds_by_a_weak_tag() -> None:
    weak = stored_response(200, ((b"etag", b'W/"a"'),), b"0123456789", 0, 0, CacheOptions())
    assert requested_range(weak, ((b"range", b"bytes=0-1"), (b"if-range", b'W/"a"'))) is None


@pytest.mark.parametrize(
    ("said", "length"),
    [
        (b"bytes 0-3/10", 10),
        (b"Bytes 9-9/10", 10),
        (b"bytes 0-3/*", None),
        (b"bytes */10", None),
        (b"items 0-3/10", None),
        (b"bytes 0-3/10, bytes 5-6/10", None),
        (b"", None),
    ],
)
def test_a_part_says_how_long_the_whole_is(said: bytes, length: int | None) -> None:
    assert whole_length(((b"etag", b'"a"'), (b"content-range", said))) == length
