from __future__ import annotations

import gzip
from math import inf

import pytest

from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.model import Headers
from proxy.page.slots import DeclaredSlot
from proxy.serve.pages import Entry, coding_of, is_page
from tests.wire.origin import Origin, ok
from tests.wire.site import PAGE, SHARED, Site, answering, in_segment, published, shown

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


@pytest.mark.parametrize("again", [b'HTTP/1.1 304 Not Modified\r\nETag: "page-1"\r\n\r\n', ok(PAGE, *SHARED)])
async def test_a_page_that_is_fetched_again_and_is_the_same_is_shown_as_before_and_not_put_together_anew(
    again: bytes,
) -> None:
    rules = published(shown("Hello VIP", when=in_segment("vip")))
    script = answering(lambda seen: ok(PAGE, *SHARED) if seen.get(b"if-none-match") is None else again)
    async with Origin(script) as origin, Site(origin.url, publication=rules) as site:
        first = await site.get(b"/", site.visitor("anna", "vip"))
        before = site.gateway.kept(site.request(b"/"))
        site.now += 61
        second = await site.get(b"/", site.visitor("berta", "vip"))
        after = site.gateway.kept(site.request(b"/"))
    assert len(origin.requests) == 2
    assert b"Hello VIP" in first.body and second.body == first.body
    assert before is not None and after is not None and before is not after
    assert before.memo_entry is not None and before.memo_entry is after.memo_entry


async def test_another_page_or_the_same_cut_elsewhere_is_put_together_anew() -> None:
    elsewhere = published(declared=[DeclaredSlot("home.top", selector="main", place="start")])
    script = answering(lambda seen: ok(PAGE + b"%d" % len(origin.requests), *SHARED))
    async with Origin(script) as origin, Site(origin.url) as site:
        memos = []
        for waited, publication in ((0, published()), (61, published()), (0, elsewhere)):
            site.now += waited
            site.gateway.publish(publication)
            await site.get(b"/")
            entry = site.gateway.kept(site.request(b"/"))
            assert entry is not None and entry.memo_entry is not None
            memos.append(entry.memo_entry)
        assert len(origin.requests) == 2
    assert len(set(map(id, memos))) == 3
