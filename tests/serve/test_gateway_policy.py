"""What the operator decides of how pages are stored and asked for."""

from __future__ import annotations

import asyncio

import pytest

from tests.serve.test_gateway import IMAGE, VIP
from tests.wire.origin import Origin, Seen, always, ok
from tests.wire.site import HTML, NOON, PAGE, SHARED, Site, answering, eventually


async def test_fields_that_target_caches_like_us_go_before_cache_control_and_ours_ends_here() -> None:
    fields = (b"Content-Type: text/css", b"Cache-Control: no-store", b"CDN-Cache-Control: max-age=5")
    ours = b"Tailorbird-Cache-Control: max-age=60"
    async with Origin(always(ok(b"a{}", *fields, ours))) as origin, Site(origin.url) as site:
        first = await site.get(b"/a.css")
        site.now += 50
        again = await site.get(b"/a.css")
        assert len(origin.requests) == 1
    for answer in (first, again):
        assert (answer["cdn-cache-control"], answer["tailorbird-cache-control"]) == ("max-age=5", "")
        assert answer["cache-control"] == "no-store"


async def test_fields_an_operator_forwards_reach_the_origin_and_vary_tells_answers_apart() -> None:
    script = answering(lambda seen: ok(seen.get(b"x-store") or b"none", *IMAGE, b"Vary: X-Store"))
    async with Origin(script) as origin, Site(origin.url, forwarded_fields=("X-Store",)) as site:
        for _ in range(2):
            for store in (b"gent", b"brugge"):
                assert (await site.get(b"/a.png", (b"x-store", store))).body == store
        assert len(origin.requests) == 2


EVERY = {"forwarded_fields": ("*",)}


async def test_every_field_may_be_forwarded_but_cookies_conditions_and_ranges() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, **EVERY) as site:
        sent = ((b"user-agent", b"phone"), (b"x-anything", b"1"), (b"accept-language", b"nl"))
        withheld = ((b"if-none-match", b'"x"'), (b"if-modified-since", b"x"), (b"cookie", b"_ga=1"))
        await site.get(b"/", *sent, *withheld)
        (seen,) = origin.requests
    assert [seen.get(name) for name, _ in sent] == [value for _, value in sent]
    assert [seen.get(name) for name, _ in withheld] == [None] * 3


@pytest.mark.parametrize("reason", ["private", "set-cookie"])
async def test_an_answer_to_a_private_request_is_the_visitors_even_if_not_stored(reason: str) -> None:
    field = {"private": b"Cache-Control: private", "set-cookie": b"Set-Cookie: session=1"}[reason]
    async with Origin(always(ok(PAGE, HTML, field))) as origin, Site(origin.url, publication=VIP, **EVERY) as site:
        first = await site.get(b"/", site.visitor("anna", "vip"))
        assert len(origin.requests) == 1
        await site.get(b"/")
        assert len(origin.requests) == 2
    assert b"Hello VIP" in first.body
    assert first["cache-status"] == f"tailorbird; fwd=uri-miss; detail={reason}"


async def test_such_an_answer_is_nobody_elses() -> None:
    """Those who waited for the same page each ask for themselves."""
    release, answers = asyncio.Event(), iter(range(10))

    async def later() -> bytes:
        await release.wait()
        return ok(b"visit %d" % next(answers), HTML, b"Set-Cookie: session=1")

    async with Origin(answering(lambda _: later())) as origin, Site(origin.url, **EVERY) as site:
        visits = [asyncio.create_task(site.get(b"/")) for _ in range(5)]
        await eventually(lambda: len(origin.requests) == 1)
        release.set()
        bodies = [answer.body for answer in await asyncio.gather(*visits)]
    assert sorted(bodies) == [b"visit %d" % number for number in range(5)]


async def test_such_an_answer_is_let_go_when_its_visitor_left() -> None:
    release = asyncio.Event()

    async def later() -> bytes:
        await release.wait()
        return ok(PAGE, HTML, b"Cache-Control: private")

    async with Origin(answering(lambda _: later())) as origin, Site(origin.url, max_connections=1, **EVERY) as site:
        gone = asyncio.create_task(site.get(b"/"))
        await eventually(lambda: len(origin.requests) == 1)
        gone.cancel()
        release.set()
        assert (await site.get(b"/")).body == PAGE


@pytest.mark.parametrize(
    ("control", "is_kept"),
    [(b"max-age=60", False), (b"public, max-age=60", True), (b"s-maxage=60", True), (b"private, s-maxage=60", False)],
)
async def test_what_is_answered_to_credentials_is_kept_only_where_the_origin_says_so(
    control: bytes, is_kept: bool
) -> None:
    answer = ok(PAGE, HTML, b"Cache-Control: " + control)
    async with Origin(always(answer)) as origin, Site(origin.url, forwarded_fields=("authorization",)) as site:
        await site.get(b"/", (b"authorization", b"Basic x"))
        assert origin.requests[0].get(b"authorization") == b"Basic x"
        assert (site.gateway.hit(site.request(b"/"), NOON) is not None) is is_kept


async def test_an_answer_chosen_by_credentials_is_only_for_who_has_them() -> None:
    def say(seen: Seen) -> bytes:
        return ok(seen.get(b"authorization") or b"stranger", *IMAGE, b"Cache-Control: public", b"Vary: Authorization")

    async with Origin(answering(say)) as origin, Site(origin.url, **EVERY) as site:
        for _ in range(2):
            for number in (b"1", b"2"):
                assert (await site.get(b"/a.png", (b"authorization", b"Basic " + number))).body == b"Basic " + number
            assert (await site.get(b"/a.png")).body == b"stranger"
        assert len(origin.requests) == 3


async def test_requests_do_not_wait_for_a_fetch_with_credentials() -> None:
    def say(seen: Seen) -> bytes:
        return ok(seen.get(b"authorization") or b"stranger", HTML, b"Cache-Control: max-age=60")

    async with Origin(answering(say)) as origin, Site(origin.url, **EVERY) as site:
        asked = [site.get(b"/", (b"authorization", b"Basic %d" % number)) for number in range(5)]
        bodies = [answer.body for answer in await asyncio.gather(*asked, site.get(b"/"))]
    assert bodies == [b"Basic %d" % number for number in range(5)] + [b"stranger"]


async def test_what_is_only_wanted_from_the_cache_is_not_fetched() -> None:
    only = (b"cache-control", b"only-if-cached")
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, clients_may_refresh=True) as site:
        assert (await site.get(b"/", only)).status == 504
        assert origin.requests == []
        await site.get(b"/")
        assert (await site.get(b"/", only)).status == 200


async def test_a_client_that_wants_nothing_stored_is_passed_through() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, clients_may_refresh=True) as site:
        await site.get(b"/", (b"cache-control", b"no-store"))
        assert site.gateway.hit(site.request(b"/"), NOON) is None


async def test_where_a_proxys_word_on_the_host_is_forwarded_and_varied_by_pages_are_kept_by_it() -> None:
    def said(seen: Seen) -> bytes:
        return ok(b"<p>of %b" % (seen.get(b"x-forwarded-host") or b""), *SHARED, b"Vary: X-Forwarded-Host")

    async with (
        Origin(answering(said)) as origin,
        Site(origin.url, trusted_proxies=("192.0.2.7",), forwarded_fields=("*",)) as site,
    ):
        hosts = (b"a.example", b"b.example") * 2
        got = [await site.get(b"/", (b"x-forwarded-host", host)) for host in hosts]
    assert [one.body for one in got] == [b"<p>of %b" % host for host in hosts]
    assert len(origin.requests) == 2
