from __future__ import annotations

import pytest

from proxy.httpcache.policy import may_reuse, may_serve_on_error
from proxy.httpcache.stored import CacheOptions, StoredResponse, stored_response
from proxy.model import Headers

NOON = 784_111_777.0


def kept(headers: Headers) -> StoredResponse:
    return stored_response(200, headers, b"body", NOON, NOON, CacheOptions())


def test_age_and_ttl_start_from_the_initial_age() -> None:
    stored = kept(((b"cache-control", b"max-age=60"), (b"age", b"10")))
    assert (stored.age(NOON), stored.ttl(NOON)) == (10, 50)
    assert (stored.age(NOON + 55), stored.ttl(NOON + 55)) == (65, -5)


def test_a_clock_set_back_makes_no_answer_younger_than_its_initial_age() -> None:
    assert kept(((b"age", b"10"),)).age(NOON - 3600) == 10


def test_fields_of_a_qualified_private_or_no_cache_are_left_out() -> None:
    stored = kept(
        (
            (b"cache-control", b'max-age=60, private="x-name", no-cache="x-cart"'),
            (b"x-name", b"Anna"),
            (b"x-cart", b"3"),
            (b"content-type", b"text/html"),
            (b"age", b"1"),
        )
    )
    assert [name for name, _ in stored.headers] == [b"cache-control", b"content-type", b"date"]
    assert (stored.get(b"content-type"), stored.get(b"x-name")) == (b"text/html", None)


def test_an_answer_without_a_date_gets_the_time_it_was_received() -> None:
    assert kept(()).get(b"date") == b"Sun, 06 Nov 1994 08:49:37 GMT"
    assert kept(((b"date", b"Sun, 06 Nov 1994 08:00:00 GMT"),)).get(b"date") == b"Sun, 06 Nov 1994 08:00:00 GMT"


@pytest.mark.parametrize(
    ("said", "after", "expected"),
    [
        (b"max-age=60", 59, "fresh"),
        (b"max-age=60", 69, "stale-while-revalidate"),
        (b"max-age=60", 70, "stale"),
        (b"max-age=60, stale-while-revalidate=2", 63, "stale"),
        (b"max-age=60, stale-while-revalidate=0", 60, "stale"),
        (b"max-age=60, must-revalidate", 61, "must-revalidate"),
        (b"s-maxage=60", 61, "stale"),
        (b"max-age=0", 0, "stale"),
        (b"no-cache, max-age=60", 1, "no-cache"),
    ],
)
def test_grace_seconds_apply_unless_the_origin_says_stale_while_revalidate(
    said: bytes, after: int, expected: str
) -> None:
    stored = stored_response(200, ((b"cache-control", said),), b"", NOON, NOON, CacheOptions(grace_seconds=10))
    assert may_reuse(stored, NOON + after).reason == expected
    without = stored_response(200, ((b"cache-control", said),), b"", NOON, NOON, CacheOptions())
    on_error = [may_serve_on_error(each, NOON + after, default_seconds=5).reason for each in (stored, without)]
    assert on_error[0] == on_error[1]
