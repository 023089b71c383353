"""What is purged, hard or softly, and forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.httpcache.purge import Purge, purge_of
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.policy import PagePolicy, Policy
from tests.wire.origin import Origin, always, ok
from tests.wire.site import HTML, NOON, PAGE, SHARED, Site, answering, eventually, published


async def test_a_purged_page_is_fetched_again_and_no_other() -> None:
    async with Origin(always(ok(PAGE, *SHARED, b"Surrogate-Key: home product-7"))) as origin, Site(origin.url) as site:
        for purge in (purge_of(["/a"]), purge_of(prefixes=["http://shop.example/"]), purge_of(tags=["product-7"])):
            await site.get(b"/a")
            assert await site.gateway.purge(purge) == 1
            assert site.gateway.hit(site.request(b"/a"), NOON) is None
            assert await site.gateway.purge(purge) == 0
        assert len(origin.requests) == 3
        assert site.metrics.get("tailorbird_cache_purged_total", "hard") == 3


async def test_a_page_is_purged_by_the_address_that_visitors_see() -> None:
    policy = Policy(
        (PagePolicy("/*", CacheOverrides(fresh_seconds=60, cookies=CookieRoles(), ignored_parameters=("utm_*",))),)
    )
    publication = replace(published(), policy=policy)
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=publication) as site:
        for address in ("/a?page=2&utm_source=mail", "https://shop.example/a?utm_source=mail&page=2"):
            await site.get(b"/a?page=2&utm_source=mail")
            assert await site.gateway.purge(purge_of([address])) == 1


async def test_a_page_cut_again_keeps_its_tags() -> None:
    async with Origin(always(ok(PAGE, *SHARED, b"Cache-Tag: home"))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.gateway.publish(published(declared=[DeclaredSlot("home.top", selector="main", place="start")]))
        await site.get(b"/")
        assert await site.gateway.purge(purge_of(tags=["home"])) == 1


async def test_what_is_purged_softly_is_stale_and_may_stand_in_or_be_shown_while_it_is_renewed() -> None:
    first = ok(PAGE, HTML, b"Cache-Control: max-age=60, stale-while-revalidate=30")
    answers = iter([first, ok(PAGE + b"new", *SHARED), ok(b"oops", status=b"500 Oops")])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        await site.gateway.purge(purge_of(prefixes=["/"], is_soft=True))
        assert (await site.get(b"/"))["cache-status"].startswith("tailorbird; hit; ttl=0")
        await eventually(lambda: site.gateway.hit(site.request(b"/"), site.now) is not None)
        assert (await site.get(b"/")).body == PAGE + b"new"
        await site.gateway.purge(purge_of(["/"], is_soft=True))
        assert (await site.get(b"/")).body == PAGE + b"new"


@pytest.mark.parametrize("purge", [purge_of(["/"]), purge_of(prefixes=["/"]), purge_of(tags=["home"])])
async def test_what_was_being_fetched_while_it_was_purged_is_not_kept(purge: Purge) -> None:
    release = asyncio.Event()

    async def later() -> bytes:
        await release.wait()
        return ok(PAGE, *SHARED, b"Cache-Tag: home")

    async with Origin(answering(lambda _: later())) as origin, Site(origin.url) as site:
        old = asyncio.create_task(site.get(b"/"))
        await eventually(lambda: len(origin.requests) == 1)
        await site.gateway.purge(purge)
        release.set()
        await old
        assert site.gateway.hit(site.request(b"/"), NOON) is None


@pytest.mark.parametrize("is_soft", [True, False])
async def test_a_page_that_was_purged_does_not_stand_in_for_who_waited_meanwhile(*, is_soft: bool) -> None:
    release = asyncio.Event()

    async def fails() -> bytes:
        await release.wait()
        return ok(status=b"503 Down")

    answers = iter([ok(PAGE, *SHARED), *(fails() for _ in range(9))])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 100
        waiting = asyncio.create_task(site.get(b"/"))
        await eventually(lambda: len(origin.requests) == 2)
        await site.gateway.purge(purge_of(["/"], is_soft=is_soft))
        release.set()
        assert (await waiting).status == (200 if is_soft else 503)
        for never_asked in answers:
            never_asked.close()


async def test_a_purge_makes_a_page_that_was_not_to_be_shared_be_tried_again() -> None:
    answers = iter([*[ok(PAGE, HTML, b"Cache-Control: private")] * 2, ok(PAGE, *SHARED)])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        await site.gateway.purge(purge_of(["/"]))
        assert "uri-miss; stored" in (await site.get(b"/"))["cache-status"]
