from __future__ import annotations

import pytest

from proxy.http.message import Request
from proxy.serve.decisions import Cors
from proxy.settings import Settings

NAMED = Cors(Settings(slot_origins=("https://app.example",)))


def asked(origin: bytes | None) -> Request:
    return Request(b"POST", b"/_tb/decide", b"", b"shop.example", () if origin is None else ((b"origin", origin),))


@pytest.mark.parametrize(
    ("origin", "may"),
    [(b"https://app.example", True), (b"https://app.example.evil", False), (b"null", False), (None, False)],
)
def test_pages_of_the_named_origins_read_it_with_their_cookies_and_no_others(origin: bytes | None, may: bool) -> None:
    fields = dict(NAMED.fields(asked(origin)))
    assert fields.get(b"access-control-allow-origin") == (origin if may else None)
    assert (fields.get(b"access-control-allow-credentials") == b"true") == may
    assert fields[b"vary"] == b"Origin"


def test_where_none_is_named_nothing_is_said() -> None:
    assert Cors(Settings()).fields(asked(b"https://app.example")) == ()


def test_a_browser_that_asks_first_is_told_what_it_may_send() -> None:
    answer = NAMED.preflight(asked(b"https://app.example"))
    assert answer.status == 204 and b"authorization" in (answer.get(b"access-control-allow-headers") or b"")
    assert NAMED.preflight(asked(b"https://evil.example")).get(b"access-control-allow-origin") is None
