from __future__ import annotations

import pytest

from proxy.http.message import Request
from proxy.model import Headers
from proxy.settings import Settings
from proxy.visitors.consent import Consents
from proxy.visitors.view_content import is_opened, why_not_counted

CONSENTS = Consents(Settings())
CHROME = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"


def request(*headers: tuple[bytes, bytes], method: bytes = b"GET", depth: int = 0) -> Request:
    fields: Headers = ((b"user-agent", CHROME), *headers)
    return Request(method, b"/", b"", b"shop.example", fields, depth=depth)


def test_a_browser_counts() -> None:
    assert why_not_counted(request(), CONSENTS) == ""
    assert why_not_counted(request((b"sec-gpc", b"0"), (b"dnt", b"0")), CONSENTS) == ""


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (((b"sec-gpc", b"1"),), "unwanted"),
        (((b"dnt", b"1"),), "unwanted"),
    ],
)
def test_visitors_who_opted_out_do_not_count(headers: Headers, why: str) -> None:
    assert why_not_counted(request(*headers), CONSENTS) == why


def test_a_bot_and_the_nameless_do_not_count() -> None:
    assert why_not_counted(Request(b"GET", b"/", b"", b"x", ((b"user-agent", b"curl/8.5.0"),)), CONSENTS) == "bot"
    assert why_not_counted(Request(b"GET", b"/", b"", b"x", ()), CONSENTS) == "bot"


@pytest.mark.parametrize(
    ("headers", "opened"),
    [
        (((b"sec-fetch-dest", b"document"),), True),
        (((b"accept", b"text/html,*/*;q=0.8"),), True),
        (((b"sec-fetch-dest", b"iframe"), (b"accept", b"text/html")), False),
        (((b"sec-fetch-dest", b"empty"), (b"accept", b"text/html")), False),
        (((b"sec-fetch-dest", b"empty"), (b"sec-fetch-mode", b"navigate")), True),  # by a service worker
        (((b"sec-fetch-dest", b"empty"), (b"sec-fetch-mode", b"cors"), (b"accept", b"text/html")), False),
        (((b"accept", b"*/*"),), False),
        ((), False),
        (((b"sec-fetch-dest", b"document"), (b"sec-purpose", b"prefetch")), False),
        (((b"sec-fetch-dest", b"document"), (b"x-moz", b"prefetch")), False),
    ],
)
def test_a_page_is_opened_when_a_browser_asks_for_it_to_show_it_now(headers: Headers, opened: bool) -> None:
    assert is_opened(request(*headers)) is opened


def test_only_a_whole_page_that_is_read_is_opened() -> None:
    document = (b"sec-fetch-dest", b"document")
    assert not is_opened(request(document, method=b"HEAD"))
    assert not is_opened(request(document, method=b"POST"))
    assert not is_opened(request(document, depth=1))
