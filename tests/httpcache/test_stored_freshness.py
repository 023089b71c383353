from __future__ import annotations

import pytest

from proxy.httpcache.directives import parse
from proxy.httpcache.stored import MAX_HEURISTIC_SECONDS, http_date, initial_age, lifetime
from proxy.model import Headers

NOON = 784_111_777.0


@pytest.mark.parametrize(
    "written",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"sun, 06 NOV 1994 08:49:37 GMT",
    ],
)
def test_a_date_may_have_three_formats(written: bytes) -> None:
    assert http_date(written) == NOON


@pytest.mark.parametrize(
    "written",
    [b"", b"0", b"-1", b"Sun, 6 Nov 1994 08:49:37 GMT", b"Sun, 06 Nov 1994 08:49:37", b"Sun, 06 Nov 1994 08:49:37 UTC",
     b"Sun, 06 Nov 1994 24:49:37 GMT", b"Sun, 06 Nov 1994 08:60:37 GMT", b"Sun, 06 Xxx 1994 08:49:37 GMT",
     b"Sun, 30 Feb 1994 08:49:37 GMT", b"Sun, 06 Nov 1994 08:49:61 GMT", b"1994-11-06T08:49:37Z"],
)  # fmt: skip
def test_an_invalid_date_is_none(written: bytes) -> None:
    assert http_date(written) is None


def test_a_leap_second_is_a_date() -> None:
    assert http_date(b"Sat, 31 Dec 2016 23:59:60 GMT") == http_date(b"Sun, 01 Jan 2017 00:00:00 GMT")


def test_two_digit_years_lie_at_most_fifty_years_ahead() -> None:
    assert http_date(b"Sunday, 06-Nov-76 08:49:37 GMT") == http_date(b"Fri, 06 Nov 2076 08:49:37 GMT")
    assert http_date(b"Sunday, 06-Nov-77 08:49:37 GMT") == http_date(b"Sun, 06 Nov 1977 08:49:37 GMT")


def test_the_wait_for_the_origin_counts_as_age() -> None:
    assert initial_age(((b"age", b"5"),), NOON - 3, NOON) == 8


def test_an_old_date_counts_as_age_when_no_age_came() -> None:
    assert initial_age(((b"date", b"Sun, 06 Nov 1994 08:49:27 GMT"),), NOON, NOON) == 10


DATE = (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT")
CHANGED = (b"last-modified", b"Sun, 06 Nov 1994 08:48:37 GMT")  # a minute before
LONG_AGO = (b"last-modified", b"Sun, 06 Nov 1904 08:49:37 GMT")
EXPIRES = (b"expires", b"Sun, 06 Nov 1994 08:50:07 GMT")  # 30 seconds after


@pytest.mark.parametrize(
    ("status", "said", "fields", "seconds", "is_explicit"),
    [
        (200, b"s-maxage=5, max-age=60", (EXPIRES,), 5, True),
        (200, b"max-age=60", (EXPIRES,), 60, True),
        (200, b"", (EXPIRES, CHANGED), 30, True),
        (200, b"", (EXPIRES, EXPIRES), 30, True),
        (200, b"", (EXPIRES, (b"expires", b"0")), 0, True),
        (200, b"", ((b"expires", b"0"),), 0, True),
        (200, b"", ((b"expires", b"Sun, 06 Nov 1994 08:00:00 GMT"),), 0, True),
        (200, b"", (), 0, False),
        (200, b"", (CHANGED,), 6, False),
        (200, b"", ((b"last-modified", EXPIRES[1]),), 0, False),
        (200, b"", (LONG_AGO,), MAX_HEURISTIC_SECONDS, False),
        (404, b"", (LONG_AGO,), MAX_HEURISTIC_SECONDS, False),
        (400, b"", (LONG_AGO,), 0, False),
        (400, b"public", (LONG_AGO,), MAX_HEURISTIC_SECONDS, False),
        (302, b"public", (CHANGED,), 6, False),
        (302, b"", (CHANGED,), 0, False),
    ],
)
def test_the_lifetime_is_what_the_origin_says_else_a_tenth_of_the_time_since_the_last_change(
    status: int, said: bytes, fields: Headers, seconds: float, is_explicit: bool
) -> None:
    found = lifetime(status, (DATE, *fields), parse(said), NOON + 9, heuristic_fraction=0.1)
    assert (found.seconds, found.explicit) == (seconds, is_explicit)


@pytest.mark.parametrize("written", [b"", b"soon", b"-1", b"5, 6"])
def test_an_age_is_the_first_number_of_its_list_or_none(written: bytes) -> None:
    assert initial_age(((b"age", written),), NOON, NOON) == (5 if written == b"5, 6" else 0)
