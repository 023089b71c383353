from __future__ import annotations

import pytest

from proxy.httpcache.policy import may_reuse, may_serve_on_error
from proxy.httpcache.stored import Choices, StoredResponse, store
from proxy.model import Headers

NOON = 784_111_777.0


def kept(headers: Headers) -> StoredResponse:
    return store(200, headers, b"body", NOON, NOON, Choices())


def test_age_and_ttl_go_on_from_where_the_origin_left_them() -> None:
    stored = kept(((b"cache-control", b"max-age=60"), (b"age", b"10")))
    assert (stored.age(NOON), stored.ttl(NOON)) == (10, 50)
    assert (stored.age(NOON + 55), stored.ttl(NOON + 55)) == (65, -5)


def test_a_clock_that_jumps_back_makes_nothing_younger_than_it_came() -> None:
    assert kept(((b"age", b"10"),)).age(NOON - 3600) == 10


def test_fields_that_may_not_be_shared_unasked_are_left_out() -> None:
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


def test_an_answer_without_a_date_gets_the_one_it_came_at() -> None:
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
def test_an_operators_grace_holds_where_the_origin_says_nothing_of_it(said: bytes, after: int, expected: str) -> None:
    stored = store(200, ((b"cache-control", said),), b"", NOON, NOON, Choices(grace_seconds=10))
    assert may_reuse(stored, NOON + after).reason == expected
    without = store(200, ((b"cache-control", said),), b"", NOON, NOON, Choices())
    on_error = [may_serve_on_error(each, NOON + after, default_seconds=5).reason for each in (stored, without)]
    assert on_error[0] == on_error[1]
