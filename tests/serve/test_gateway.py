from __future__ import annotations

import asyncio

import pytest

from proxy.httpcache.purge import Purge, purge_of
from proxy.page.slots import DeclaredSlot
from tests.wire.origin import Origin, Seen, always, by_path, ok
from tests.wire.site import HTML, NOON, PAGE, SHARED, Site, answering, eventually, in_segment, published, read, shown

VIP = published(shown("Hello VIP", when=in_segment("vip")))
IMAGE = (b"Content-Type: image/png", b"Cache-Control: max-age=60", b'ETag: "i"')
SHOP_COOKIE = (b"cookie", b"basket=3")


async def test_a_stored_page_is_asked_for_once_and_shown_to_each_in_their_own_way() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        first = await site.get(b"/", site.visitor("anna", "vip"))
        second = await site.get(b"/")
    assert (b"Hello VIP" in first.body, b"Hello VIP" in second.body) == (True, False)
    assert second.body == PAGE
    assert first["cache-status"] == "tailorbird; fwd=uri-miss; stored; detail=personalised"
    assert second["cache-status"] == "tailorbird; hit; ttl=60; detail=personalised"
    assert len(origin.requests) == 1


async def test_a_hit_needs_no_event_loop() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url) as site:
        request = site.request(b"/")
        assert site.gateway.hit(request, NOON) is None
        await site.gateway.page(request, NOON)
        answer = site.gateway.hit(request, NOON)
    assert answer is not None
    assert b"".join(answer.chunks) == PAGE


async def test_the_shops_cookies_on_an_unknown_page_make_it_the_visitors_own_and_fill_the_cache_behind_it() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url) as site:
        own = await site.get(b"/", SHOP_COOKIE)
        await eventually(lambda: len(origin.requests) == 2)
        assert [seen.get(b"cookie") for seen in origin.requests] == [b"basket=3", None]
        await eventually(lambda: site.gateway.hit(site.request(b"/", SHOP_COOKIE), NOON) is not None)
    assert own["cache-status"].startswith("tailorbird; fwd=bypass; detail=cookies")


async def test_credentials_on_an_unknown_page_are_not_used_for_everybody() -> None:
    async with Origin(always(ok(b"secret", HTML, b"Cache-Control: private"))) as origin, Site(origin.url) as site:
        await site.get(b"/", (b"authorization", b"Basic x"))
        assert [seen.get(b"authorization") for seen in origin.requests] == [b"Basic x"]


@pytest.mark.parametrize("cookie", [b"_ga=GA1.2.3; _ga_X9=1", b"_fbp=x"])
async def test_cookies_that_say_nothing_to_the_shop_do_not_matter(cookie: bytes) -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url) as site:
        answer = await site.get(b"/", (b"cookie", cookie))
        assert origin.requests[0].get(b"cookie") is None
    assert "uri-miss; stored" in answer["cache-status"]


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("private", ok(PAGE, HTML, b"Cache-Control: private, max-age=60")),
        ("no-store", ok(PAGE, HTML, b"Cache-Control: no-store")),
        ("set-cookie", ok(PAGE, *SHARED, b"Set-Cookie: session=1")),
        ("no-lifetime", ok(PAGE, HTML)),
        ("vary-cookie", ok(PAGE, *SHARED, b"Vary: Cookie")),
        ("vary-any", ok(PAGE, *SHARED, b"Vary: *")),
        ("no-lifetime", ok(b"", b"Location: /login", status=b"302 Found")),
        ("no-lifetime", ok(b"", status=b"401 Unauthorized")),
        ("no-lifetime", ok(b"", status=b"403 Forbidden")),
    ],
)
async def test_what_is_not_for_everybody_is_let_go_asked_for_as_the_visitor_and_remembered(
    reason: str, answer: bytes
) -> None:
    async with Origin(always(answer)) as origin, Site(origin.url, uncacheable_seconds=120) as site:
        first = await site.get(b"/", (b"accept-language", b"nl"))
        assert first["cache-status"].startswith(f"tailorbird; fwd=bypass; detail={reason}")
        assert [seen.get(b"accept-language") for seen in origin.requests] == [None, b"nl"]
        site.now += 119
        await site.get(b"/", (b"accept-language", b"nl"))
        assert len(origin.requests) == 3
        site.now += 1
        await site.get(b"/", (b"accept-language", b"nl"))
        assert len(origin.requests) == 5


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
        assert answer["cache-status"].startswith("tailorbird; hit; ttl=-60")
        assert b"Hello VIP" in answer.body
        site.now += 3_600
        late = await site.get(b"/")
    assert (late.status, late["cache-control"]) == (502, "no-store")


async def test_an_origin_that_answers_5xx_is_stood_in_for_too_and_the_page_is_not_marked() -> None:
    answers = iter([ok(PAGE, *SHARED), ok(b"oops", HTML, status=b"500 Oops"), ok(PAGE + b"new", *SHARED)])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        for _ in range(2):
            assert (await site.get(b"/")).body == PAGE
        assert len(origin.requests) == 2
        site.now += site.settings.origin_down_seconds
        assert (await site.get(b"/")).body == PAGE + b"new"


async def test_a_stale_page_is_given_when_another_fetch_of_it_takes_too_long() -> None:
    release = asyncio.Event()
    answers = iter([ok(PAGE, *SHARED)])

    async def late() -> bytes:
        await release.wait()
        return ok(PAGE + b"new", *SHARED)

    async with (
        Origin(answering(lambda _: next(answers, None) or late())) as origin,
        Site(origin.url, collapse_wait_ms=5) as site,
    ):
        await site.get(b"/")
        site.now += 61
        first = asyncio.create_task(site.get(b"/"))
        await eventually(lambda: len(origin.requests) == 2)
        assert (await site.get(b"/")).body == PAGE
        assert len(origin.requests) == 2
        release.set()
        assert (await first).body == PAGE + b"new"


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


async def test_head_is_answered_from_what_get_stored_with_the_same_fields() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        head = await site.get(b"/", method=b"HEAD")
        got = await site.get(b"/")
        again = await site.get(b"/", method=b"HEAD")
        assert [seen.method for seen in origin.requests] == [b"GET"]
    assert (head.body, again.body) == (b"", b"")
    assert again.headers == got.headers
    assert again["content-length"] == str(len(PAGE))


async def test_a_part_of_a_filled_page_is_the_whole_page() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        await site.get(b"/")
        answer = await site.get(b"/", (b"range", b"bytes=0-9"))
    assert (answer.status, answer.body, answer["accept-ranges"]) == (200, PAGE, "")


async def test_a_part_of_what_is_not_stored_comes_from_the_origin() -> None:
    part = ok(b"0123", b"Content-Range: bytes 0-3/10", status=b"206 Partial Content")
    async with Origin(always(part)) as origin, Site(origin.url) as site:
        answer = await site.get(b"/logo.png", (b"range", b"bytes=0-3"))
    assert (answer.status, answer.body) == (206, b"0123")
    assert answer["cache-status"] == "tailorbird; fwd=bypass; detail=range"


async def test_a_part_of_a_stored_asset_is_cut_here() -> None:
    async with Origin(always(ok(b"0123456789", *IMAGE))) as origin, Site(origin.url) as site:
        await site.get(b"/logo.png")
        part = await site.get(b"/logo.png", (b"range", b"bytes=2-4"))
        outside = await site.get(b"/logo.png", (b"range", b"bytes=10-"))
        known = await site.get(b"/logo.png", (b"range", b"bytes=2-4"), (b"if-none-match", b'"i"'))
        assert len(origin.requests) == 1
    assert (part.status, part.body, part["content-range"], part["content-length"]) == (206, b"234", "bytes 2-4/10", "3")
    assert (outside.status, outside.body, outside["content-range"]) == (416, b"", "bytes */10")
    assert known.status == 304


@pytest.mark.parametrize("field", [(b"if-match", b'"i"'), (b"if-unmodified-since", b"Sun, 06 Nov 1994 08:49:37 GMT")])
async def test_conditions_that_only_the_origin_can_judge_go_there(field: tuple[bytes, bytes]) -> None:
    async with Origin(always(ok(b"0123456789", *IMAGE))) as origin, Site(origin.url) as site:
        await site.get(b"/logo.png")
        await site.get(b"/logo.png", field)
        assert origin.requests[1].get(field[0]) == field[1]


async def test_the_status_of_caches_before_us_comes_first() -> None:
    upstream = (b"Cache-Status: Fastly; hit",)
    async with Origin(always(ok(PAGE, *SHARED, *upstream))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        answer = await site.get(b"/")
    assert answer["cache-status"] == "Fastly; hit, tailorbird; hit; ttl=60; detail=personalised"


async def test_hosts_schemes_and_queries_do_not_share_a_page() -> None:
    async with Origin(answering(lambda seen: ok(PAGE + seen.target, *SHARED))) as origin, Site(origin.url) as site:
        assert (await site.get(b"/a?x=1")).body == PAGE + b"/a?x=1"
        assert (await site.get(b"/a?x=2")).body == PAGE + b"/a?x=2"
        request = site.request(b"/a?x=1")
        request.host = b"other.example"
        assert site.gateway.hit(request, NOON) is None
        request.host, request.scheme = b"shop.example", "https"
        assert site.gateway.hit(request, NOON) is None


async def test_a_client_may_ask_for_a_new_page_only_where_the_operator_lets_it() -> None:
    shop = always(ok(PAGE, *SHARED))
    for may_refresh, requests in ((False, 1), (True, 2)):
        async with Origin(shop) as origin, Site(origin.url, clients_may_refresh=may_refresh) as site:
            await site.get(b"/")
            await site.get(b"/", (b"cache-control", b"no-cache"))
            assert len(origin.requests) == requests


async def test_other_declared_slots_cut_the_stored_pages_again() -> None:
    hero = DeclaredSlot("home.top", selector="main", place="start")
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        await site.get(b"/")
        site.gateway.publish(published(shown("On top", "home.top"), declared=[hero]))
        assert site.gateway.hit(site.request(b"/"), NOON) is None
        assert b"On top" in (await site.get(b"/")).body
        assert site.gateway.hit(site.request(b"/"), NOON) is not None
        assert len(origin.requests) == 1


async def test_a_new_publication_decides_the_very_next_request() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=VIP) as site:
        await site.get(b"/")
        site.gateway.publish(published(shown("For all")))
        answer = site.gateway.hit(site.request(b"/"), NOON)
        assert answer is not None
        assert b"For all" in (await read(answer)).body


async def test_different_paths_have_their_own_origins() -> None:
    api, shop = Origin(by_path({b"/api/x": ok(b"api")})), Origin(always(ok(PAGE, *SHARED)))
    async with api, shop, Site(shop.url, f"/api={api.url}") as site:
        assert (await site.get(b"/api/x")).body == b"api"
        assert (await site.get(b"/x")).body == PAGE


# -- what the operator decides


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
async def test_what_was_asked_for_with_all_the_visitor_said_is_theirs_though_it_is_not_kept(reason: str) -> None:
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


async def test_nobody_waits_for_what_others_credentials_bring() -> None:
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


# -- purge


async def test_a_purged_page_is_fetched_anew_and_no_other() -> None:
    async with Origin(always(ok(PAGE, *SHARED, b"Surrogate-Key: home product-7"))) as origin, Site(origin.url) as site:
        for purge in (purge_of(["/a"]), purge_of(prefixes=["http://shop.example/"]), purge_of(tags=["product-7"])):
            await site.get(b"/a")
            assert await site.gateway.purge(purge) == 1
            assert site.gateway.hit(site.request(b"/a"), NOON) is None
            assert await site.gateway.purge(purge) == 0
        assert len(origin.requests) == 3
        assert site.metrics.get("tailorbird_cache_purged_total", "hard") == 3


async def test_a_page_cut_again_keeps_its_tags() -> None:
    async with Origin(always(ok(PAGE, *SHARED, b"Cache-Tag: home"))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.gateway.publish(published(declared=[DeclaredSlot("home.top", selector="main", place="start")]))
        await site.get(b"/")
        assert await site.gateway.purge(purge_of(tags=["home"])) == 1


async def test_what_is_purged_softly_is_stale_and_may_stand_in_or_be_shown_while_it_is_renewed() -> None:
    answers = iter(
        [ok(PAGE, HTML, b"Cache-Control: max-age=60, stale-while-revalidate=30"), ok(PAGE + b"new", *SHARED)]
    )
    async with Origin(answering(lambda _: next(answers, b""))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        await site.gateway.purge(purge_of(prefixes=["/"], is_soft=True))
        assert (await site.get(b"/"))["cache-status"].startswith("tailorbird; hit; ttl=0")
        await eventually(lambda: site.gateway.hit(site.request(b"/"), site.now) is not None)
        assert (await site.get(b"/")).body == PAGE + b"new"
        await site.gateway.purge(purge_of(["/"], is_soft=True))
        origin.script = always(ok(b"oops", status=b"500 Oops"))
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


async def test_a_purge_makes_a_page_that_was_not_to_be_shared_be_tried_again() -> None:
    answers = iter([*[ok(PAGE, HTML, b"Cache-Control: private")] * 2, ok(PAGE, *SHARED)])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        await site.gateway.purge(purge_of(["/"]))
        assert "uri-miss; stored" in (await site.get(b"/"))["cache-status"]
