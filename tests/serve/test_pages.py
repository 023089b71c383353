from __future__ import annotations

import gzip
from math import inf

import pytest

from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.model import Headers
from proxy.serve.pages import Entry, coding_of, is_page
from tests.wire.origin import Origin, ok
from tests.wire.site import PAGE, Site, answering

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


UNCONFIRMED = (b"Content-Type: text/html; charset=utf-8", b"Cache-Control: max-age=60")


@pytest.mark.parametrize(
    ("then", "is_again"),
    [
        (ok(PAGE, *UNCONFIRMED, b"X-Served-By: another"), True),
        (ok(PAGE, b"Content-Type: text/html; charset=utf-16", b"Cache-Control: max-age=60"), False),
        (ok(PAGE, *UNCONFIRMED, b'Surrogate-Control: content="ESI/1.0"'), False),
        (ok(PAGE.replace(b"rest", b"best"), *UNCONFIRMED), False),
        (ok(gzip.compress(PAGE), *UNCONFIRMED, b"Content-Encoding: gzip"), False),
    ],
    ids=["the same", "in another charset", "with includes", "with another word", "coded"],
)
async def test_a_page_that_comes_again_stays_cut_and_packed_as_it_was(then: bytes, is_again: bool) -> None:
    answers = iter([ok(PAGE, *UNCONFIRMED), then])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        templates = []
        for _ in range(2):
            assert (await site.get(b"/"))["cache-status"].endswith("stored; detail=personalised") or not is_again
            kept = site.gateway.kept(site.request(b"/"))
            assert kept is not None
            templates.append(kept.template)
            site.now += 61
        assert (templates[0] is templates[1]) == is_again


async def test_a_page_that_comes_again_with_a_nonce_in_its_fields_is_not_kept_any_more() -> None:
    policy = b"Content-Security-Policy: script-src 'nonce-r4nd0m5tr1ng'"
    answers = iter([ok(PAGE, *UNCONFIRMED), ok(PAGE, *UNCONFIRMED, policy), ok(PAGE, *UNCONFIRMED, policy)])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        assert (await site.get(b"/"))["cache-status"].endswith('detail="csp-nonce at Content-Security-Policy"')
