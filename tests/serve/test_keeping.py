from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from proxy.errors import OriginError
from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.compile import Publication
from proxy.rulebook.policy import PagePolicy, Policy
from tests.wire.origin import Origin, Seen, Wire, always, ok
from tests.wire.site import HTML, PAGE, SHARED, Site, answering, eventually, in_segment, published, read, shown

IMAGE = (b"Content-Type: image/png", b"Cache-Control: max-age=60")
GZIPPED = (b"accept-encoding", b"gzip")


async def test_an_answer_chosen_by_language_is_kept_for_each_language() -> None:
    def say(seen: Seen) -> bytes:
        return ok(PAGE + (seen.get(b"accept-language") or b"any"), *SHARED, b"Vary: Accept-Language")

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for _ in range(2):
            for language in (b"nl", b"fr"):
                assert (await site.get(b"/", (b"accept-language", language))).body == PAGE + language
        assert (await site.get(b"/")).body == PAGE + b"any"
        # Once without telling, since nobody knew; then once for each.
        asked = [seen.get(b"accept-language") for seen in origin.requests]
    assert asked == [None, b"nl", b"fr", None]


async def test_fields_nobody_chooses_by_do_not_reach_the_origin_nor_tell_answers_apart() -> None:
    def say(seen: Seen) -> bytes:
        return ok(b" ".join(value for _, value in seen.headers), *SHARED)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        poison = (b"x-forwarded-host", b"x-host", b"x-original-url", b"x-forwarded-scheme", b"origin", b"user-agent")
        first = await site.get(b"/", *((name, b"poison") for name in poison))
        second = await site.get(b"/")
        assert len(origin.requests) == 1
    assert b"poison" not in first.body
    assert first.body == second.body


async def test_an_asset_flows_to_its_first_client_while_it_is_kept() -> None:
    release = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n%b\r\n%b\r\n\r\none" % IMAGE)
        await release.wait()
        await wire.send(b"two")
        await wire.until_closed()

    async with Origin(script) as origin, Site(origin.url) as site:
        answer = await site.gateway.page(site.request(b"/a.png"), site.now)
        assert answer.stream is not None
        assert await anext(answer.stream) == b"one"
        assert site.gateway.hit(site.request(b"/a.png"), site.now) is None
        release.set()
        assert await anext(answer.stream) == b"two"
        await eventually(lambda: site.gateway.hit(site.request(b"/a.png"), site.now) is not None)
        assert (await site.get(b"/a.png")).body == b"onetwo"
        assert len(origin.requests) == 1


async def test_an_asset_is_kept_though_its_first_client_leaves() -> None:
    async with Origin(always(ok(b"x" * 100_000, *IMAGE))) as origin, Site(origin.url) as site:
        answer = await site.gateway.page(site.request(b"/a.png"), site.now)
        assert answer.stream is not None
        await answer.stream.aclose()  # type: ignore[attr-defined]
        await eventually(lambda: site.gateway.hit(site.request(b"/a.png"), site.now) is not None)


@pytest.mark.parametrize("framing", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
async def test_an_asset_that_breaks_off_breaks_off_and_is_not_kept(framing: bytes) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        head = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n%b\r\n%b\r\n\r\n" % IMAGE
        await wire.send(head + b"3\r\none\r\n")

    async with Origin(script) as origin, Site(origin.url) as site:
        for asked in (1, 2):
            with pytest.raises(OriginError):
                await site.get(b"/a.png")
            assert len(origin.requests) == asked


@pytest.mark.parametrize("has_length", [True, False])
async def test_an_asset_too_large_to_keep_passes_through_and_is_remembered_as_such(has_length: bool) -> None:
    body = bytes(range(256)) * 1_000
    head = b"HTTP/1.1 200 OK\r\n%b\r\n%b\r\n" % IMAGE
    framed = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    script = always(head + (framed if has_length else chunked))
    async with Origin(script) as origin, Site(origin.url, max_stored_bytes=100_000) as site:
        assert (await site.get(b"/film.mp4")).body == body
        again = await site.get(b"/film.mp4")
    assert again.body == body
    assert again["cache-status"] == "tailorbird; fwd=bypass; detail=too-big"


async def test_who_downloads_what_is_too_large_to_keep_slowly_keeps_nobody_waiting() -> None:
    going_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n%b\r\n%b\r\nTransfer-Encoding: chunked\r\n\r\n" % IMAGE)
        await wire.send(b"4\r\nfilm\r\n")
        await going_on.wait()
        await wire.send(b"3\r\nend\r\n0\r\n\r\n")

    async with Origin(script) as origin, Site(origin.url, max_stored_bytes=3, collapse_wait_ms=10**6) as site:
        asking = [asyncio.create_task(site.get(b"/film.mp4")) for _ in range(3)]
        await eventually(lambda: len(origin.requests) == 3)
        going_on.set()
        assert [(await task).body for task in asking] == [b"filmend"] * 3


async def test_an_answer_that_ends_with_its_connection_is_not_kept() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n%b\r\n%b\r\n%b\r\n\r\n%b" % (*SHARED, PAGE))

    async with Origin(script) as origin, Site(origin.url) as site:
        answer = await site.get(b"/")
    assert (answer.body, answer["cache-status"].split("; ")[2]) == (PAGE, "detail=unbounded")


async def test_a_304_for_something_else_confirms_nothing() -> None:
    def say(seen: Seen) -> bytes:
        if seen.get(b"if-none-match"):
            return b'HTTP/1.1 304 Not Modified\r\nETag: "other"\r\n\r\n'
        return ok(PAGE, *SHARED)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        answer = await site.get(b"/")
    assert (answer.status, answer.body) == (200, PAGE)


OVERRIDES = CacheOverrides(fresh_seconds=60, cookies=CookieRoles())


@pytest.mark.parametrize("overrides", [None, OVERRIDES], ids=["without a policy", "by a policy"])
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (b"Set-Cookie: session=annas", "set-cookie"),
        (b"Cache-Control: private, max-age=60", "private"),
        (b"Cache-Control: no-store", "no-store"),
        (b"Vary: *", "vary-any"),
    ],
)
async def test_a_304_says_as_much_of_who_may_be_given_the_page_as_a_200(
    told: bytes, reason: str, overrides: CacheOverrides | None
) -> None:
    def say(seen: Seen) -> bytes:
        if seen.get(b"if-none-match"):
            return b"HTTP/1.1 304 Not Modified\r\n%b\r\n\r\n" % told
        return ok(PAGE, *SHARED)

    publication = published() if overrides is None else ruled(overrides)
    async with Origin(answering(say)) as origin, Site(origin.url, publication=publication) as site:
        await site.get(b"/")
        site.now += 61
        for _ in range(2):
            answer = await site.get(b"/")
            assert answer["cache-status"] == f"tailorbird; fwd=bypass; detail={reason}"
            assert b"annas" not in b"".join(value for _, value in answer.headers)


async def test_a_304_that_brings_another_word_of_its_lifetime_is_believed_unless_the_operator_has_one() -> None:
    def say(seen: Seen) -> bytes:
        if seen.get(b"if-none-match"):
            return b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=5\r\n\r\n"
        return ok(PAGE, *SHARED)

    for publication, seconds in ((published(), 5), (ruled(OVERRIDES), 60)):
        async with Origin(answering(say)) as origin, Site(origin.url, publication=publication) as site:
            await site.get(b"/")
            site.now += 61
            await site.get(b"/")
            assert (await site.get(b"/"))["cache-status"].startswith(f"tailorbird; hit; ttl={seconds}")


async def test_a_page_that_stops_being_for_everybody_is_forgotten() -> None:
    answers = iter([ok(PAGE, *SHARED), *[ok(PAGE, HTML, b"Cache-Control: private")] * 2])
    async with Origin(answering(lambda _: next(answers))) as origin, Site(origin.url) as site:
        await site.get(b"/")
        site.now += 61
        await site.get(b"/")
        assert site.gateway.hit(site.request(b"/"), site.now) is None
        assert len(origin.requests) == 3


async def test_one_connection_is_enough() -> None:
    """What is let go, or asked a second time, gives its connection back first."""
    script = answering(lambda seen: ok(PAGE, HTML, b"Cache-Control: private", b"Vary: Accept-Language"))
    async with Origin(script) as origin, Site(origin.url, max_connections=1) as site:
        answer = await site.gateway.page(site.request(b"/", (b"accept-language", b"nl")), site.now)
        assert (await read(answer)).body == PAGE


def ruled(overrides: CacheOverrides, **more: object) -> Publication:
    return replace(published(), policy=Policy((PagePolicy("/*", overrides, **more),)))  # type: ignore[arg-type]


# -- JSON


API = b'{"n": 1.50, "content": {"hero": {"title": "old"}, "html": "<b>old</b>"}, "e": "\\u00e9"}'
JSON_FIELDS = (b"Content-Type: application/json", b"Cache-Control: max-age=60")
IN_JSON = [
    DeclaredSlot("home.hero", page="/api/*", json="$.content.hero"),
    DeclaredSlot("home.html", page="/api/*", json="$.content.html"),
]
VIPS = [shown("For VIPs", when=in_segment("vip")), shown("In HTML", "home.html", when=in_segment("vip"), order=1)]


@pytest.mark.parametrize("coding", [b"gzip, br", b""])
async def test_slots_in_json_are_filled_for_each_visitor_and_the_rest_stays_as_it_came(coding: bytes) -> None:
    publication = published(*VIPS, declared=IN_JSON)
    async with Origin(always(ok(API, *JSON_FIELDS))) as origin, Site(origin.url, publication=publication) as site:
        accepted = (b"accept-encoding", coding)
        vip = await site.get(b"/api/home", site.visitor("anna", "vip"), accepted)
        other = await site.get(b"/api/home", accepted)
        assert len(origin.requests) == 1
        assert origin.requests[0].get(b"accept-encoding") == b"identity"
    said = json.loads(vip.body)
    assert said["content"]["hero"]["title"] == "For VIPs" and "In HTML" in said["content"]["html"]
    assert vip.body.startswith(b'{"n": 1.50, ') and vip.body.endswith(b', "e": "\\u00e9"}')
    assert (vip["content-type"], vip["cache-control"]) == ("application/json", "private, no-cache")
    assert other.body == API


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(ok(API[:-1], *JSON_FIELDS), "not_json"), (ok(b"[1]", *JSON_FIELDS), "no_slots")],
)
async def test_json_that_cannot_be_cut_is_given_as_it_came(answer: bytes, reason: str) -> None:
    publication = published(*VIPS, declared=IN_JSON)
    async with Origin(always(answer)) as origin, Site(origin.url, publication=publication) as site:
        for _ in range(2):
            got = await site.get(b"/api/home", site.visitor("anna", "vip"))
            assert got.body == answer.partition(b"\r\n\r\n")[2]
        counted = site.metrics.get("tailorbird_page_passthrough_total", "not_json")
    assert counted == (1 if reason == "not_json" else 0)


async def test_json_is_cut_again_for_other_slots_and_is_an_asset_without_any() -> None:
    async with Origin(always(ok(API, *JSON_FIELDS))) as origin, Site(origin.url) as site:
        anna = site.visitor("anna", "vip")
        assert (await site.get(b"/api/home", anna)).body == API
        site.gateway.publish(published(*VIPS, declared=IN_JSON))
        assert b"For VIPs" in (await site.get(b"/api/home", anna)).body
        site.gateway.publish(published(*VIPS))
        assert (await site.get(b"/api/home", anna)).body == API
        assert len(origin.requests) == 1
