"""The quick reading beside the ordinary one: over the corpus of requests that two servers might read differently, and
over a browser's request with anything put in, cut out or swapped, it says the same or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bars.test_b6_smuggling import CORPUS
from tests.serve.readings import BROWSER, FIELDS, head, read_by, reader, require_same_or_nothing, taught


def test_what_a_browser_says_again_is_read_by_habit() -> None:
    once = reader()
    assert [once.read(BROWSER) is not None for _ in range(4)] == [False, False, True, True]
    others = [
        head(
            *FIELDS[:4],
            b"Referer: https://shop.example/",
            *FIELDS[5:7],
            b"Cookie: session=new",
            line=b"HEAD / HTTP/1.1",
        ),
        head(*FIELDS[:4], *FIELDS[5:7]),
        head(*FIELDS[:7]),
        head(*FIELDS[:4], *FIELDS[5:7], b"Cookie: a", line=b"GET /%7ea/./b HTTP/1.1"),
        head(b"Cookie: a=\x80\xff\t1", *FIELDS[:4], *FIELDS[5:7]),
        head(*FIELDS[:4], *FIELDS[5:7], b"COOKIE: a=b"),
    ]
    for data in others:
        read = read_by(once, data)
        assert read is not None
        require_same_or_nothing(read, data)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_what_two_servers_might_read_differently_is_read_the_same_or_not_at_all(case: Any) -> None:
    for made in (reader(), taught()):
        for _ in range(3):
            require_same_or_nothing(read_by(made, case.sent), case.sent)


PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"\x7f", b"\x80", b":", b"\r\n ", b"\r\n\r\n", b"a=b", b"; ", b"?",
        b"/", b"#", b"\r\nCookie: c=d", b"\r\ncookie: c=d", b"\r\nCookie : c=d", b"\r\nCookie:c=d", b"\r\nReferer: /x",
        b"\r\nIf-None-Match: W/x", b"\r\nX-Forwarded-For: 198.51.100.1", b"\r\nx-forwarded-for: 198.51.100.1",
        b"\r\nX_Y: 1", b"\r\nContent-Length: 3", b"\r\nTransfer-Encoding: chunked", b"\r\nHost: other",
        b"\r\nUpgrade: h2c", b"\r\nConnection: close", b"\r\nConnection: cookie", b"\r\nExpect: 100-continue",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.0", b"POST", b"\r\nA: b" * 12,
    ]
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, len(BROWSER)), st.integers(0, 12), PIECES | st.just(b"")), max_size=4)


@settings(max_examples=400, deadline=None)
@given(CHANGES)
def test_whatever_is_changed_is_read_the_same_or_not_at_all(changes: list[tuple[int, int, bytes]]) -> None:
    data = BROWSER
    for at, length, piece in changes:
        data = data[:at] + piece + data[at + length :]
    for made in (reader(), taught()):
        for _ in range(4):
            require_same_or_nothing(read_by(made, data), data)


WITHIN = BROWSER.index(b"session")


@settings(max_examples=200, deadline=None)
@given(st.integers(WITHIN, len(BROWSER)), PIECES)
def test_what_stands_among_the_cookies_cannot_make_another_request(at: int, piece: bytes) -> None:
    data = BROWSER[:at] + piece + BROWSER[at:]
    require_same_or_nothing(read_by(taught(), data), data)
