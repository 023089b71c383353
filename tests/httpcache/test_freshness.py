from __future__ import annotations

import pytest

from proxy.httpcache.freshness import http_date, initial_age

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
     b"Sun, 30 Feb 1994 08:49:37 GMT", b"1994-11-06T08:49:37Z"],
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
