from __future__ import annotations

import pytest

from proxy.page.slots import DeclaredSlot
from tests.wire.origin import Origin, always, by_path, ok
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
        ("refused", ok(b"", b"Cache-Control: public, max-age=60", status=b"401 Unauthorized")),
        ("refused", ok(b"", b"Cache-Control: max-age=60", status=b"403 Forbidden")),
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
