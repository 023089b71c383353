from __future__ import annotations

import pytest

from proxy.httpcache.ranges import conditions, is_confirmed_by, is_unchanged, updated_headers
from proxy.httpcache.stored import CacheOptions, StoredResponse, stored_response
from proxy.model import Headers

NOON = 784_111_777.0
CHANGED = b"Sun, 06 Nov 1994 08:49:37 GMT"
LATER = b"Sun, 06 Nov 1994 08:49:38 GMT"
EARLIER = b"Sun, 06 Nov 1994 08:49:36 GMT"


def kept(*headers: tuple[bytes, bytes]) -> StoredResponse:
    return stored_response(200, headers, b"body", NOON, NOON, CacheOptions())


def test_validation_sends_every_validator_of_the_stored_answer() -> None:
    assert conditions(kept((b"etag", b'"a"'), (b"last-modified", CHANGED))) == (
        (b"if-none-match", b'"a"'),
        (b"if-modified-since", CHANGED),
    )
    assert conditions(kept()) == ()


@pytest.mark.parametrize(
    ("told", "expected"), [((), True), (((b"etag", b'W/"a"'),), True), (((b"etag", b'"b"'),), False)]
)
def test_a_304_that_names_another_etag_confirms_nothing(told: Headers, expected: bool) -> None:
    assert is_confirmed_by(kept((b"etag", b'"a"')), told) is expected


def test_a_304_replaces_fields_but_not_those_of_the_body() -> None:
    stored = (
        (b"cache-control", b"max-age=60"),
        (b"etag", b'"a"'),
        (b"date", CHANGED),
        (b"x-a", b"old"),
        (b"x-b", b"stays"),
        (b"content-type", b"text/html"),
    )
    told = ((b"cache-control", b"max-age=90"), (b"x-a", b"new"), (b"content-length", b"0"), (b"content-type", b"x/y"))
    assert dict(updated_headers(stored, told)) == {
        b"cache-control": b"max-age=90",
        b"etag": b'"a"',
        b"x-a": b"new",
        b"x-b": b"stays",
        b"content-type": b"text/html",
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], False),
        ([(b"if-none-match", b'"a"')], True),
        ([(b"if-none-match", b'W/"a"')], True),
        ([(b"if-none-match", b'"b", "a"')], True),
        ([(b"if-none-match", b'"b"'), (b"if-none-match", b'"a"')], True),
        ([(b"if-none-match", b"*")], True),
        ([(b"if-none-match", b'"b"')], False),
        ([(b"if-none-match", b'"b"'), (b"if-modified-since", LATER)], False),
        ([(b"if-modified-since", CHANGED)], True),
        ([(b"if-modified-since", LATER)], True),
        ([(b"if-modified-since", EARLIER)], False),
        ([(b"if-modified-since", b"yesterday")], False),
    ],
)
def test_the_clients_copy_is_current_by_its_etag_else_by_its_date(
    asked: list[tuple[bytes, bytes]], expected: bool
) -> None:
    assert is_unchanged(tuple(asked), b'"a"', CHANGED) is expected


@pytest.mark.parametrize("told", [b'"a,b"', b'W/"a,b"'])
def test_a_tag_with_a_comma_is_one_tag(told: bytes) -> None:
    assert is_unchanged(((b"if-none-match", told),), b'"a,b"', None)
    assert not is_unchanged(((b"if-none-match", told),), b'"a"', None)


def test_without_stored_validators_only_a_star_matches() -> None:
    assert not is_unchanged(((b"if-none-match", b'"a"'),), None, None)
    assert not is_unchanged(((b"if-modified-since", CHANGED),), None, None)
    assert is_unchanged(((b"if-none-match", b"*"),), None, None)
