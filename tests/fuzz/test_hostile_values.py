"""What strangers and origins write is read once through, however long it is: no value of 32 kB holds up the others. Nor
is it remembered at its length."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest

from proxy.audience.consent import SOURCES, consent_in
from proxy.events.bots import is_bot
from proxy.http.authority import address_of
from proxy.http.client import Customers, client_of, networks
from proxy.http.forwarding import without_our_cookies
from proxy.http.message import HeaderSet, Question, cookies_named
from proxy.http.returning import response_headers
from proxy.httpcache import directives, targeted
from proxy.httpcache.coding import accepted_codings
from proxy.httpcache.cookies import cookie_value
from proxy.httpcache.key import normalised
from proxy.httpcache.ranges import is_unchanged, requested_range
from proxy.httpcache.response_cache import MarkedKeys
from proxy.httpcache.stored import CacheOptions, http_date, stored_response
from proxy.page.includes import says_includes, substituted
from proxy.rulebook.policy import PagePolicy, Policy
from proxy.serve.comparing import Comparing
from proxy.serve.logline import Lines
from proxy.settings import Settings
from proxy.visitors.claims import unsigned_segments
from proxy.visitors.context import device_of, host_of, languages_of
from proxy.visitors.parameters import parameters_of

SIZE = 32_768
MOST_SECONDS = 1.0
"""Of CPU; what goes through a value again for each of its bytes takes many."""

ORIGIN, OURS, TRUSTED = address_of("http://shop.internal"), b"https://shop.example", networks(["10.0.0.0/8"])
KEPT = stored_response(200, ((b"etag", b'"a"'),), b"0123456789", 0.0, 0.0, CacheOptions())
RUNS = (
    b"a", b" ", b"\t", b"0", b"9", b"/", b".", b"%", b";", b"; ", b",", b", ", b'"', b'\\"', b'="', b'="\\"', b"=",
    b"<", b">", b"<a", b"(", b"$(", b"$(a{", b"%2e/", b"../", b"a=", b"a;", b"a ", b"a-", b"-", b"&", b"a=b&", b"*",
    b"tb_", b"__Host-tb_", b"; tb_v=", b"url", b"[", b"for=", b"q=", b"\\", b"'", b"content=", b"Mozilla/", b"bot",
    b"\xff",
)  # fmt: skip
READERS: dict[str, Callable[[bytes], object]] = {
    "Forwarded": lambda value: client_of("10.0.0.1", ((b"forwarded", value),), TRUSTED),
    "X-Forwarded-For": lambda value: client_of("10.0.0.1", ((b"x-forwarded-for", value),), TRUSTED),
    "path": normalised,
    "query": parameters_of,
    "cookies of ours": lambda value: cookies_named(b"__Host-tb_", value),
    "cookies without ours": without_our_cookies,
    "a cookie": lambda value: cookie_value(b"a", ((b"cookie", value),)),
    "consent": lambda value: [consent_in(source, value) for source in SOURCES],
    "hints": unsigned_segments,
    "Accept-Encoding": accepted_codings,
    "Accept-Language": languages_of,
    "User-Agent": lambda value: (device_of(value, b""), is_bot(value)),
    "Referer": host_of,
    "Range": lambda value: requested_range(KEPT, ((b"range", b"bytes=" + value),)),
    "If-None-Match": lambda value: is_unchanged(((b"if-none-match", value),), b'"a"', None),
    "a date": http_date,
    "Cache-Control": directives.parse,
    "CDN-Cache-Control": targeted.parse,
    "Surrogate-Control": says_includes,
    "an include": lambda value: substituted("/a?" + value.decode("latin-1"), b"shop.example", value),
    **{
        name.title(): lambda value, name=name: response_headers(((name.encode(), value),), address=ORIGIN, ours=OURS)  # type: ignore[misc]
        for name in ("location", "refresh", "link", "set-cookie")
    },
}


@pytest.mark.parametrize("name", READERS)
def test_a_long_value_is_read_in_linear_time(name: str) -> None:
    for run in RUNS:
        for last in (b"", b"!"):
            value = (run * (SIZE // len(run)))[: SIZE - 1] + last
            begun = time.thread_time()
            READERS[name](value)
            assert time.thread_time() - begun < MOST_SECONDS, f"{run!r} again and again, and {last!r}"


SITE = HeaderSet((), b"shop.example", "https", "identity")
REMEMBER: dict[str, Callable[[], Callable[[bytes], object]]] = {
    "marked addresses": lambda: partial(MarkedKeys().add, reason="private", until=1.0),
    "compared pages": lambda: Comparing(Settings()).agreed,
    "paths with a policy": lambda: Policy((PagePolicy("/a"),)).of,
    "whom a proxy asks for": lambda: partial(_customer, Customers(TRUSTED)),
    "whom the log names": lambda: partial(_line, Lines(TRUSTED), Question(SITE, b"GET", b"/", b"", None)),
    "bots": lambda: is_bot,
}


def _customer(customers: Customers, value: bytes) -> str:
    return customers.of("10.0.0.1", ((b"x-forwarded-for", value + b", 192.0.2.7"),))


def _line(lines: Lines, question: Question, value: bytes) -> bytes:
    return lines.of(0.0, (question, {b"x-forwarded-for": value + b", 192.0.2.7"}, "10.0.0.1"), 200, ())


@pytest.mark.parametrize("name", REMEMBER)
def test_long_values_made_up_by_one_do_not_fill_the_memory(name: str) -> None:
    read = REMEMBER[name]()
    tracemalloc.start()
    try:
        for number in range(4_000):
            read(b"%d" % number + b"a" * 8_000)
        assert tracemalloc.get_traced_memory()[0] < 12_000_000
    finally:
        tracemalloc.stop()
