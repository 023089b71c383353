"""Pages that are out of date: asked about, renewed, and standing in for an origin that is slow or down."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.serve.test_gateway import SHOP_COOKIE, VIP
from tests.wire.origin import Origin, Script, Seen, always, ok
from tests.wire.site import HTML, PAGE, SHARED, Site, answering, eventually


async def test_a_stale_page_is_asked_about_and_a_304_makes_it_fresh() -> None:
    def say(seen: Seen) -> bytes:
        if seen.get(b"if-none-match") == b'"page-1"':
            return b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n"
        return ok(PAGE, *SHARED)

    async with Origin(answering(say)) as origin, Site(origin.url, publication=VIP) as site:
        await site.get(b"/")
        site.now += 61
        renewed = await site.get(b"/", site.visitor("anna", "vip"), SHOP_COOKIE)
        after = await site.get(b"/")
        assert len(origin.requests) == 2
        assert origin.requests[1].get(b"cookie") is None
    assert renewed["cache-status"].startswith("tailorbird; fwd=stale; fwd-status=304; stored")
    assert b"Hello VIP" in renewed.body
    assert after["cache-status"].startswith("tailorbird; hit; ttl=60")


async def test_a_changed_page_replaces_the_stale_one() -> None:
    bodies = iter([PAGE, PAGE.replace(b"the rest", b"another rest")])
    async with Origin(answering(lambda _: ok(next(bodies), *SHARED))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        assert b"another rest" in (await site.get(b"/")).body
        assert b"another rest" in (await site.get(b"/")).body


async def test_while_revalidating_the_stale_page_is_given_at_once() -> None:
    bodies = iter([PAGE, PAGE + b"new"])
    fields = (HTML, b"Cache-Control: max-age=60, stale-while-revalidate=30")
    async with Origin(answering(lambda _: ok(next(bodies), *fields))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 70
        stale = await site.get(b"/")
        assert stale["cache-status"].startswith("tailorbird; hit; ttl=-10")
        await eventually(lambda: site.gateway.hit(site.request(b"/"), site.now) is not None)
        assert (await site.get(b"/")).body == PAGE + b"new"


async def test_an_origin_that_is_down_is_stood_in_for_by_the_stale_page() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin:
        site = Site(origin.url, publication=VIP)
        await site.get(b"/")
    async with site:
        site.now += 120
        answer = await site.get(b"/", site.visitor("anna", "vip"))
        assert answer["cache-status"] == "tailorbird; fwd=stale; ttl=-60; detail=personalised"
        assert b"Hello VIP" in answer.body
        site.now += 3_600
        late = await site.get(b"/")
    assert (late.status, late["cache-control"]) == (502, "no-store")
    assert late["cache-status"] == "tailorbird; fwd=stale; detail=refused"


@pytest.mark.parametrize("status", [b"500 Oops", b"429 Too Many Requests"])
@pytest.mark.parametrize("fields", [(HTML,), SHARED])
async def test_an_origin_that_fails_or_is_asked_too_often_is_stood_in_for_too_and_the_page_is_not_marked(
    fields: tuple[bytes, ...], status: bytes
) -> None:
    """Also where it gives its errors the lifetime of its pages."""
    answers = iter([ok(PAGE, *SHARED), ok(b"oops", *fields, status=status), ok(PAGE + b"new", *SHARED)])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        in_vain, unasked = [await site.get(b"/") for _ in range(2)]
        assert in_vain.body == unasked.body == PAGE
        assert f"tailorbird; fwd=stale; fwd-status={status[:3].decode()}; ttl=-1;" in in_vain["cache-status"]
        assert "tailorbird; hit; ttl=-1;" in unasked["cache-status"]  # nobody was asked (RFC 9211 2.1)
        assert len(origin.requests) == 2
        site.now += site.settings.origin_down_seconds
        assert (await site.get(b"/")).body == PAGE + b"new"


async def test_who_asks_too_often_is_answered_alone_and_others_by_an_origin_that_counts_them_apart() -> None:
    def say(seen: Seen) -> bytes:
        is_counted_apart = seen.get(b"x-forwarded-for") is not None
        return ok(PAGE, *SHARED) if is_counted_apart else ok(b"later", *SHARED, status=b"429 Too Many Requests")

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for _ in range(2):
            answer = await site.get(b"/")
            assert (answer.status, answer.body) == (200, PAGE)


def hanging(release: asyncio.Event, *fields: bytes) -> Script:
    """Answers at once the first time, and with a new page once it is released."""
    answers = iter([ok(PAGE, *fields)])

    async def late() -> bytes:
        await release.wait()
        return ok(PAGE + b"new", *fields)

    return answering(lambda _: next(answers, None) or late())


async def test_a_stale_page_is_given_when_another_fetch_of_it_takes_too_long() -> None:
    release = asyncio.Event()
    async with Origin(hanging(release, *SHARED)) as origin, Site(origin.url, collapse_wait_ms=5) as site:
        await site.get(b"/")
        site.now += 61
        first = asyncio.create_task(site.get(b"/"))
        await eventually(lambda: len(origin.requests) == 2)
        joined = await site.get(b"/")
        assert joined.body == PAGE and joined["cache-status"].startswith("tailorbird; fwd=stale; collapsed; ttl=-1")
        assert len(origin.requests) == 2
        release.set()
        assert (await first).body == PAGE + b"new"


@pytest.mark.parametrize(
    ("lifetime", "settings"), [(0, {}), (60, {"stale_wait_ms": 0})], ids=["no lifetime", "no wait"]
)
async def test_who_waits_for_another_fetch_of_a_page_that_is_waited_for_never_gets_the_stale_one(
    lifetime: int, settings: dict[str, int]
) -> None:
    release = asyncio.Event()
    fields = HTML, b'ETag: "a"', b"Cache-Control: max-age=%d" % lifetime
    async with Origin(hanging(release, *fields)) as origin, Site(origin.url, collapse_wait_ms=5, **settings) as site:
        await site.get(b"/")
        site.now += lifetime + 1
        waiting = [asyncio.create_task(site.get(b"/")) for _ in range(3)]
        await eventually(lambda: len(origin.requests) == 3)  # one of those who wait asks as well
        release.set()
        assert [(await task).body for task in waiting] == [PAGE + b"new"] * 3


async def test_who_waits_for_another_fetch_of_a_stale_page_waits_no_longer_than_who_began_it() -> None:
    release, settings = asyncio.Event(), {"stale_wait_ms": 50, "collapse_wait_ms": 10**6}
    async with Origin(hanging(release, *SHARED)) as origin, Site(origin.url, **settings) as site:
        await site.get(b"/")
        site.now += 61
        waiting = [asyncio.create_task(site.get(b"/")) for _ in range(3)]
        done, _ = await asyncio.wait(waiting, timeout=5)
        release.set()
        assert [(await task).body for task in waiting] == [PAGE] * len(done) == [PAGE] * 3


@pytest.mark.parametrize("lifetime", [60, 0])
async def test_a_hanging_origin_gives_the_stale_page_and_later_requests_do_not_wait(
    lifetime: int,
) -> None:
    release = asyncio.Event()
    fields = HTML, b'ETag: "a"', b"Cache-Control: max-age=%d" % lifetime
    async with Origin(hanging(release, *fields)) as origin, Site(origin.url, stale_wait_ms=5) as site:
        await site.get(b"/")
        site.now += lifetime + 1
        asking = asyncio.create_task(site.get(b"/"))
        await eventually(lambda: len(origin.requests) == 2)
        if not lifetime:  # it is asked about each time, and its origin is only slow
            release.set()
            assert (await asking).body == PAGE + b"new"
            return
        assert (await asking).body == PAGE
        assert (await site.get(b"/"))["cache-status"].startswith("tailorbird; hit; ttl=-1")
        assert len(origin.requests) == 2
        release.set()
        await eventually(lambda: site.gateway.hit(site.request(b"/"), site.now) is not None)
        assert (await site.get(b"/")).body == PAGE + b"new"


async def test_must_revalidate_forbids_standing_in() -> None:
    answers = iter([ok(PAGE, HTML, b"Cache-Control: max-age=60, must-revalidate"), ok(b"oops", status=b"503 Busy")])
    script = answering(lambda _: next(answers, ok(b"oops", status=b"503 Busy")))
    async with Origin(script) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        assert (await site.get(b"/")).status == 503


async def test_an_origin_that_cannot_be_reached_is_said_so_on_a_small_page() -> None:
    async with Site("http://127.0.0.1:9") as site:
        answer = await site.get(b"/")
        assert site.metrics.get("tailorbird_origin_errors_total", "refused") == 1
    assert (answer.status, answer["content-type"], answer["cache-control"]) == (
        502,
        "text/html; charset=utf-8",
        "no-store",
    )
    assert b"The shop did not answer" in answer.body
    assert b"127.0.0.1" not in answer.body


@pytest.mark.parametrize(("status", "is_forgotten"), [(b"200 OK", True), (b"303 See Other", True), (b"422 No", False)])
async def test_a_change_that_succeeds_forgets_what_was_stored(status: bytes, is_forgotten: bool) -> None:
    def say(seen: Seen) -> bytes:
        if seen.method == b"POST":
            return ok(b"", b"Location: http://shop.example/list", b"Content-Location: other", status=status)
        return ok(PAGE, *SHARED)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        paths = (b"/item", b"/list", b"/other", b"/untouched")
        for path in paths:
            await site.get(path)
        posted = await site.get(b"/item", method=b"POST")
        stored = [site.gateway.hit(site.request(path), site.now) is not None for path in paths]
    assert posted["cache-status"] == "tailorbird; fwd=method"
    assert stored == [not is_forgotten, not is_forgotten, not is_forgotten, True]


async def test_a_304_about_another_page_than_the_stored_one_is_no_news_of_it() -> None:
    new = PAGE.replace(b"the rest", b"another rest")

    def say(seen: Seen) -> bytes:
        if seen.get(b"if-none-match") == b'"page-1"':
            return b'HTTP/1.1 304 Not Modified\r\nETag: "page-2"\r\nCache-Control: max-age=60\r\n\r\n'
        return ok(PAGE, *SHARED) if len(origin.requests) == 1 else ok(new, HTML, b"Cache-Control: max-age=60")

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        renewed = await site.get(b"/")
        assert renewed.body == new and renewed["cache-status"].startswith("tailorbird; fwd=stale; stored")
        assert (await site.get(b"/"))["cache-status"].startswith("tailorbird; hit")
        assert [seen.get(b"if-none-match") for seen in origin.requests] == [None, b'"page-1"', None]


@pytest.mark.parametrize("cut", [slice(0, -9), slice(0, 20)], ids=["its end", "most of it"])
async def test_a_compressed_page_that_breaks_off_is_stood_in_for_by_the_stale_one(cut: slice) -> None:
    broken = gzip.compress(PAGE + b"new")[cut]
    answers = [ok(PAGE, *SHARED), ok(broken, *SHARED, b"Content-Encoding: gzip"), ok(PAGE + b"new", *SHARED)]
    async with Origin(answering(lambda _: answers.pop(0))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        for _ in range(2):
            assert (await site.get(b"/")).body == PAGE
        assert len(origin.requests) == 2
        assert site.metrics.get("tailorbird_pages_not_kept_total", "damaged") == 1
        site.now += site.settings.origin_down_seconds
        assert (await site.get(b"/")).body == PAGE + b"new"
        assert (await site.get(b"/"))["cache-status"].startswith("tailorbird; hit")
