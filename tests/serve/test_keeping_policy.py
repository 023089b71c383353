"""What is kept by an operator's policy, and what is compared before it is."""

from __future__ import annotations

import asyncio
import gzip
import itertools
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate

import pytest

from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.page.holes import Fill, FillKind, Hole
from proxy.rulebook.policy import PagePolicy, Policy
from tests.serve.test_keeping import ruled
from tests.wire.origin import Origin, Seen, Wire, always, by_path, ok
from tests.wire.site import HTML, NOON, PAGE, SHARED, Site, answering, eventually

OPEN = ruled(CacheOverrides(fresh_seconds=60, cookies=CookieRoles(key=("currency",), own=("sessionid",))))


async def test_a_page_that_is_new_each_time_is_not_kept_and_the_place_is_told_once_for_long() -> None:
    bodies = (b"<p>\n<b id=x>%d</b></p>" % number for number in itertools.count())
    async with (
        Origin(answering(lambda _: ok(next(bodies), HTML))) as origin,
        Site(origin.url, publication=OPEN) as site,
    ):
        first = await site.get(b"/")
        assert first["cache-status"] == 'tailorbird; fwd=bypass; detail="differs at #x, line 2"'
        assert len(origin.requests) == 3  # two to compare, and the visitor's own
        site.now += 3_599
        await site.get(b"/")
        assert len(origin.requests) == 4
        assert site.metrics.get("tailorbird_pages_not_kept_total", "differs") == 1


async def test_what_both_fetches_agree_on_is_kept_and_not_compared_again() -> None:
    async with Origin(always(ok(PAGE, HTML))) as origin, Site(origin.url, publication=OPEN) as site:
        await site.get(b"/")
        assert len(origin.requests) == 2
        assert "hit" in (await site.get(b"/"))["cache-status"]
        site.now += 61
        await site.get(b"/")
        assert len(origin.requests) == 3


async def test_a_page_whose_origin_says_how_long_it_lives_is_not_compared() -> None:
    bodies = (b"<p>%d" % number for number in itertools.count())
    async with Origin(answering(lambda _: ok(next(bodies), *SHARED))) as origin, Site(origin.url) as site:
        assert "stored" in (await site.get(b"/"))["cache-status"]
    assert len(origin.requests) == 1


@pytest.mark.parametrize(
    ("settings", "fetches"), [({}, 1), ({"compare_pages": "all"}, 2)], ids=["believed", "compared"]
)
async def test_a_page_that_is_not_there_is_kept_as_its_origin_says_beside_an_operators_word(
    settings: dict[str, str], fetches: int
) -> None:
    """Theirs is for what was found: `notFound()` of Next.js comes with a lifetime of its own."""
    gone = ok(b"<p>not here", HTML, b"Cache-Control: s-maxage=60", status=b"404 Not Found")
    async with Origin(always(gone)) as origin, Site(origin.url, publication=OPEN, **settings) as site:
        assert "stored" in (await site.get(b"/"))["cache-status"]
        assert "hit" in (await site.get(b"/"))["cache-status"]
        assert len(origin.requests) == fetches


@pytest.mark.parametrize(("seconds", "field"), [(90, b"Date: %b"), (59, b"Date: %b"), (0, b"Date: %b\r\nAge: 60")])
async def test_an_origin_whose_pages_are_stale_when_they_come_is_told_once(
    seconds: int, field: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    def say(_: Seen) -> bytes:
        return ok(PAGE, b"Cache-Control: max-age=60", HTML, field % formatdate(NOON - seconds, usegmt=True).encode())

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for path in (b"/", b"/two"):
            await site.get(path)
        told = [each.getMessage() for each in caplog.records if "s old from" in each.getMessage()]
        assert len(told) == (seconds != 59)
        assert all(f"s old from `{origin.url}` and" in each for each in told)


async def test_a_page_with_a_token_is_not_kept_whatever_its_origin_says() -> None:
    page = b"<form><input name=_token value=abc></form>"
    async with Origin(always(ok(page, *SHARED))) as origin, Site(origin.url) as site:
        got = await site.get(b"/")
    assert got["cache-status"].endswith('detail="csrf-token at html > body > form > input@value, line 1"')
    assert got.body == page


async def test_a_second_fetch_that_fails_keeps_nothing_and_marks_nothing() -> None:
    answers = iter([ok(PAGE, HTML), ok(b"", status=b"503 Busy"), ok(PAGE, HTML), ok(PAGE, HTML), ok(PAGE, HTML)])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url, publication=OPEN) as site:
        assert "detail=differs" in (await site.get(b"/"))["cache-status"]
        assert "stored" in (await site.get(b"/"))["cache-status"]


async def test_there_is_a_page_for_each_value_of_a_key_cookie_and_only_that_cookie_is_told() -> None:
    def say(seen: Seen) -> bytes:
        return ok(PAGE + (seen.get(b"cookie") or b"none"), HTML, b"Vary: Cookie")

    async with Origin(answering(say)) as origin, Site(origin.url, publication=OPEN) as site:
        for _ in range(2):
            for cookie, told in [(b"currency=EUR; _ga=1", b"currency=EUR"), (b"currency=USD", b"currency=USD")]:
                assert (await site.get(b"/", (b"cookie", cookie))).body == PAGE + told
            assert (await site.get(b"/")).body == PAGE + b"none"
        together = [site.get(b"/new", (b"cookie", b"currency=%d" % number)) for number in range(5)]
        for number, got in enumerate(await asyncio.gather(*together)):
            assert got.body == PAGE + b"currency=%d" % number


@pytest.mark.parametrize("cookie", [b"sessionid=1", b"unheard_of=1", b"currency=EUR; sessionid=1"])
async def test_a_visitor_with_a_cookie_that_makes_their_own_page_is_never_shown_everybodys(cookie: bytes) -> None:
    async with Origin(always(ok(PAGE, HTML))) as origin, Site(origin.url, publication=OPEN) as site:
        await site.get(b"/")
        got = await site.get(b"/", (b"cookie", cookie))
        assert got["cache-status"].startswith("tailorbird; fwd=bypass; detail=cookies")
        assert origin.requests[-1].get(b"cookie") == cookie
        assert "hit" in (await site.get(b"/"))["cache-status"]


async def test_parameters_that_make_no_difference_are_neither_kept_by_nor_asked_for() -> None:
    publication = ruled(CacheOverrides(fresh_seconds=60, ignored_parameters=("utm_*",)))
    async with Origin(always(ok(PAGE, HTML))) as origin, Site(origin.url, publication=publication) as site:
        await site.get(b"/c?utm_source=mail&page=2")
        assert "hit" in (await site.get(b"/c?page=2&utm_medium=x"))["cache-status"]
        assert "hit" not in (await site.get(b"/c?page=3"))["cache-status"]
    assert {seen.target for seen in origin.requests} == {b"/c?page=2", b"/c?page=3"}


async def test_a_page_that_holds_the_value_of_a_cookie_it_sets_is_never_kept() -> None:
    id = b"6qgcpar26fc3mnnltlpo623i64"
    answer = ok(b'<a href="/cart?PHPSESSID=%b">' % id, HTML, b"Set-Cookie: PHPSESSID=%b; path=/" % id)
    publication = ruled(CacheOverrides(fresh_seconds=60, dropped_cookies=("PHPSESSID", "currency")))
    async with Origin(always(answer)) as origin, Site(origin.url, publication=publication) as site:
        for _ in range(2):
            assert (await site.get(b"/"))["cache-status"].endswith('detail="session-id at the page, line 1"')
    short = ok(b"<a href='?currency=EUR'>EUR</a>", HTML, b"Set-Cookie: currency=EUR")
    async with Origin(always(short)) as origin, Site(origin.url, publication=publication) as site:
        assert "stored" in (await site.get(b"/"))["cache-status"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
async def test_what_is_no_page_is_not_kept_with_the_value_of_a_cookie_it_sets_either(
    pack: Callable[[bytes], bytes],
) -> None:
    id = b"6qgcpar26fc3mnnltlpo623i64"
    sets = b"Set-Cookie: sid=%b; path=/" % id
    coding = () if pack is bytes else (b"Content-Encoding: gzip",)
    says = {
        b"/a.json": ok(pack(b'{"session": "%b"}' % id), b"Content-Type: application/json", sets, *coding),
        b"/b.js": ok(pack(b"goTo(';jsessionid=1')"), b"Content-Type: text/javascript", sets, *coding),
        b"/c.txt": ok(pack(b"x"), b"Content-Type: text/plain", b"Content-Location: /?sid=%b" % id, sets, *coding),
    }
    publication = ruled(CacheOverrides(fresh_seconds=60, dropped_cookies=("sid",)))
    async with Origin(by_path(says)) as origin, Site(origin.url, publication=publication) as site:
        said = {}
        for path in (*says, *says):
            answers = await asyncio.gather(site.get(path), site.get(path))
            said[path] = answers[0]["cache-status"]
    assert [said[path].endswith("detail=session-id") for path in says] == [True, False, True]
    assert "hit" in said[b"/b.js"]


async def test_who_waited_for_an_answer_with_the_value_of_a_cookie_asks_for_their_own() -> None:
    ids = (b"%026d" % number for number in itertools.count())
    begun = asyncio.Event()

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            id = next(ids)
            await begun.wait()
            await wire.send(ok(id, b"Content-Type: application/json", b"Set-Cookie: sid=%b" % id))

    publication = ruled(CacheOverrides(fresh_seconds=60, dropped_cookies=("sid",)))
    async with Origin(script) as origin, Site(origin.url, publication=publication) as site:
        waiting = [asyncio.ensure_future(site.get(b"/a.json")) for _ in range(3)]
        await eventually(lambda: len(origin.requests) == 1)
        begun.set()
        answers = await asyncio.gather(*waiting)
    assert len({answer.body for answer in answers}) == 3


async def test_pages_that_an_operator_keeps_out_are_each_visitors_own() -> None:
    publication = ruled(CacheOverrides(), is_kept=False)
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=publication) as site:
        for _ in range(2):
            assert (await site.get(b"/"))["cache-status"] == "tailorbird; fwd=bypass; detail=policy"
    assert len(origin.requests) == 2


async def test_what_an_address_keeps_out_by_a_parameter_leaves_the_rest_of_its_path_kept() -> None:
    kept = ruled(CacheOverrides(fresh_seconds=60))
    policy = Policy((PagePolicy("/*?route=cart*", is_kept=False), *kept.policy.pages))
    publication = replace(kept, policy=policy)
    async with Origin(always(ok(PAGE, HTML))) as origin, Site(origin.url, publication=publication) as site:
        for target, said in ((b"/?a=1", "hit"), (b"/?a=1&route=cart/add", "detail=policy"), (b"/?route=x", "hit")):
            await site.get(target)
            assert said in (await site.get(target))["cache-status"]


async def test_another_policy_counts_from_the_next_request_on() -> None:
    async with Origin(always(ok(PAGE, HTML))) as origin, Site(origin.url) as site:
        assert "detail=no-lifetime" in (await site.get(b"/"))["cache-status"]
        site.gateway.publish(OPEN)
        assert "stored" in (await site.get(b"/"))["cache-status"]
        site.gateway.publish(ruled(CacheOverrides(fresh_seconds=60)))
        assert "stored" in (await site.get(b"/"))["cache-status"]
        assert "hit" in (await site.get(b"/"))["cache-status"]


async def test_a_page_with_holes_that_may_not_be_changed_is_not_kept() -> None:
    publication = ruled(CacheOverrides(fresh_seconds=60), holes=(Hole("p", Fill(FillKind.NOTHING)),))
    answer = ok(b"<p>x</p>", HTML, b"Cache-Control: no-transform")
    async with Origin(always(answer)) as origin, Site(origin.url, publication=publication) as site:
        assert "detail=no-transform" in (await site.get(b"/"))["cache-status"]
