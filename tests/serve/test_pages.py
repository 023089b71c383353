from __future__ import annotations

from math import inf

import pytest

from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.model import Headers
from proxy.serve.pages import Entry, coding_of, is_page

HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)


def test_pages_in_one_coding_are_told_from_those_in_another_and_in_none() -> None:
    one, other, both = (
        ((b"content-encoding", b"GZIP"),),
        ((b"content-encoding", b""),),
        ((b"content-encoding", b"gzip"),) * 2,
    )
    assert coding_of(one) == coding_of(both[:1])
    assert len({coding_of(headers) for headers in ((), one, other, both)}) == 4
    assert coding_of(HTML) == ""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (HTML, True),
        (((b"content-type", b"TEXT/HTML"),), True),
        (((b"content-type", b"text/html;charset=x"), (b"cache-control", b"max-age=1")), True),
        (((b"content-type", b"text/html"), (b"cache-control", b"max-age=1, No-Transform")), False),
        (((b"content-type", b"application/xhtml+xml"),), False),
        (((b"content-type", b"text/htmlx"),), False),
        ((), False),
    ],
)
def test_only_html_that_may_be_changed_is_a_page(headers: Headers, expected: bool) -> None:
    assert is_page(headers) is expected


@pytest.mark.parametrize(
    ("control", "age", "fresh_until"),
    [
        (b"max-age=60", b"0", 160.0),
        (b"max-age=60", b"20", 140.0),
        (b"max-age=60", b"60", -inf),
        (b"no-cache", b"0", -inf),
    ],
)
def test_an_entry_says_until_when_it_may_be_given_unasked(control: bytes, age: bytes, fresh_until: float) -> None:
    stored = stored_response(200, ((b"cache-control", control), (b"age", age)), b"", 100.0, 100.0, CacheOptions())
    assert Entry(stored, (), ()).fresh_until == fresh_until
