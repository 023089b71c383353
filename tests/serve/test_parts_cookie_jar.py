from __future__ import annotations

import pytest

from proxy.http.message import Request
from proxy.serve.parts import agreed, set_by, with_cookies


def asks(cookie: bytes = b"") -> Request:
    fields = ((b"accept", b"*/*"), *([(b"cookie", cookie)] if cookie else []))
    return Request(b"GET", b"/", b"", b"shop.example", fields)


def test_what_fields_set_goes_by_name() -> None:
    assert set_by([b"sid=a=b; Path=/; HttpOnly", b" seen =1", b"gone=; Max-Age=0"]) == {
        b"sid": b"a=b",
        b"seen": b"1",
        b"gone": b"",
    }


@pytest.mark.parametrize(
    ("cookie", "cookies", "expected"),
    [
        (b"", {b"sid": b"1"}, b"sid=1"),
        (b"a=1; b=2", {b"sid": b"1"}, b"a=1; b=2; sid=1"),
        (b"sid=0; b=2", {b"sid": b"1"}, b"b=2; sid=1"),
        (b"sid=0; b=2", {b"sid": b""}, b"b=2"),
    ],
)
def test_a_client_sends_the_cookies_it_was_given(cookie: bytes, cookies: dict[bytes, bytes], expected: bytes) -> None:
    asked = with_cookies(asks(cookie), cookies)
    assert (asked.cookies, asked.get(b"accept")) == (expected, b"*/*")


def test_a_client_without_cookies_sends_none() -> None:
    request = asks(b"a=1")
    assert with_cookies(request, {}) is request


@pytest.mark.parametrize(
    ("cookie", "told", "expected"),
    [
        (b"", [{}, {}], ({}, [])),
        (b"", [{b"sid": b"1"}, {}], ({b"sid": b"1"}, [])),
        (b"", [{b"sid": b"1"}, {b"sid": b"2"}, {b"sid": b"1"}], ({b"sid": b"1"}, [1])),
        (b"a=1", [{b"sid": b"1"}, {b"a": b"2"}, {b"a": b"3", b"sid": b"2"}], ({b"sid": b"1"}, [2])),
        (b"sid=9", [{b"sid": b"1"}, {b"sid": b"2"}], ({}, [])),
    ],
)
def test_the_first_who_sets_a_cookie_that_was_not_sent_counts(
    cookie: bytes, told: list[dict[bytes, bytes]], expected: tuple[dict[bytes, bytes], list[int]]
) -> None:
    assert agreed(asks(cookie), told) == expected
