"""What goes straight from the origin to the client beside what goes the ordinary way, on real connections."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from proxy.httpcache.stored import http_date
from proxy.page.slots import DeclaredSlot
from tests.wire.origin import Origin, Seen, Wire, always, by_path, in_turn, ok, once
from tests.wire.served import Heard, Served, hear, request
from tests.wire.site import answering, eventually, published, shown

NO_STORE = b"Cache-Control: no-store"
HTML = b"Content-Type: text/html"
SLOT = b'<html><body><div data-slot="home.hero">default</div></body></html>'
FIELDS = ((b"User-Agent", b"Mozilla"), (b"Accept", b"text/html,*/*"), (b"Cookie", b"session=1"))
COOKIELESS = FIELDS[:-1]
PACKED = gzip.compress(b"<p>plain", mtime=0)
ANSWERS = {
    b"/asset": ok(b"x" * 200_000, b"Content-Type: text/plain", NO_STORE),
    b"/page": ok(SLOT, HTML, NO_STORE, b'ETag: "a"'),
    b"/plain": ok(b"<p>plain", HTML, NO_STORE, b'ETag: "a"'),
    b"/coded": ok(gzip.compress(SLOT), HTML, NO_STORE, b"Content-Encoding: gzip"),
    b"/coded/plain": ok(PACKED, HTML, NO_STORE, b"Content-Encoding: gzip"),
    b"/coded/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n"
    b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED),
    b"/settled": ok(SLOT, HTML, b"Cache-Control: no-store, no-transform"),
    b"/moved": ok(b"", NO_STORE, b"Location: /asset", status=b"302 Found"),
    b"/gone": ok(b"gone", NO_STORE, status=b"410 Gone"),
    b"/broken": ok(b"a", NO_STORE, b"X-Bad: \x01"),
    b"/empty": b"HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n",
    b"/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n",
    b"/cookie": ok(b"a", b"Set-Cookie: a=1; Domain=127.0.0.1", NO_STORE),
}


async def asked(
    served: Served, path: bytes, times: int = 6, fields: tuple[tuple[bytes, bytes], ...] = FIELDS
) -> list[Heard]:
    """The answers to the same request again and again: from the third on it is known by its header sets."""
    reader, writer = await served.connect()
    try:
        heard = []
        for _ in range(times):
            writer.write(request(b"GET", path, *fields))
            heard.append(await hear(reader))
        return heard
    finally:
        writer.close()


@pytest.mark.parametrize("fields", [FIELDS, COOKIELESS], ids=["cookies", "marked"])
@pytest.mark.parametrize("path", sorted(ANSWERS))
async def test_what_goes_straight_comes_out_the_same(path: bytes, fields: tuple[tuple[bytes, bytes], ...]) -> None:
    rules = published(shown("Hello"))
    async with Origin(by_path(ANSWERS)) as origin:
        async with Served(origin.url, publication=rules) as served:
            straight = await asked(served, path, fields=fields)
            counted = served.site.metrics.by_value("tailorbird_cache_requests_total")
            seen = [sorted(one.headers) for one in origin.requests]
        async with Served(origin.url, publication=rules, has_lane=False) as served:
            ordinary = await asked(served, path, fields=fields)
            assert served.site.metrics.by_value("tailorbird_cache_requests_total") == counted
        assert straight == ordinary
        assert not any(b"transfer-encoding" in heard.headers for heard in straight)  # what is there whole has a length
        assert all((b"Hello" in heard.body) == (path in (b"/page", b"/coded")) for heard in straight)
        assert [sorted(one.headers) for one in origin.requests[len(seen) :]] == seen


@pytest.mark.parametrize("has_lane", [True, False])
@pytest.mark.parametrize("path", [*sorted(ANSWERS), b"/_tb/t.js", b"/_tb/nothing"])
async def test_each_answer_says_when_it_was_made_whether_or_not_the_origin_does(path: bytes, has_lane: bool) -> None:
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, has_lane=has_lane) as served:
        dates = [heard.date for heard in await asked(served, path)]
    assert all(abs((http_date(date or b"") or 0.0) - time.time()) < 60 for date in dates)


async def test_the_origins_date_stays() -> None:
    said = b"Date: Sat, 28 Nov 2026 18:00:00 GMT"
    async with Origin(always(ok(b"", NO_STORE, said))) as origin, Served(origin.url) as served:
        assert {heard.date for heard in await asked(served, b"/")} == {said[6:]}


async def test_no_task_waits_for_what_goes_straight_and_its_slot_comes_back() -> None:
    go_on = asyncio.Event()

    async def slowly(wire: Wire) -> None:
        for number in range(9):
            await wire.request()
            await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: no-store\r\n\r\nab")
            if number == 3:
                await go_on.wait()
            await wire.send(b"cd")

    async with Origin(slowly) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for _ in range(3):
            writer.write(request(b"GET", b"/", *FIELDS))
            assert (await hear(reader)).body == b"abcd"
        writer.write(request(b"GET", b"/", *FIELDS))
        await reader.readuntil(b"\r\n\r\nab")
        assert not served.listener.server_state.tasks
        writer.write(request(b"GET", b"/", *FIELDS))  # sent ahead: it waits for its turn
        go_on.set()
        assert await reader.readexactly(2) == b"cd"
        assert (await hear(reader)).body == b"abcd"
        assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())
        writer.close()


async def test_a_page_that_came_before_and_has_a_field_no_head_may_have_is_an_honest_error() -> None:
    odd = ok(SLOT, HTML, NO_STORE, b"X-Odd: a\x01")
    async with Origin(by_path({b"/": odd})) as origin, Served(origin.url) as served:
        assert [heard.status for heard in await asked(served, b"/", 5)] == [502] * 5
        assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())


@pytest.mark.parametrize("is_packed", [False, True])
async def test_pages_that_differ_in_words_each_carry_their_own(is_packed: bool) -> None:
    page = SLOT.replace(b"default", b"<p>%s</p>").replace(b"</body>", b'<i data-cart="%s">%s</i></body>')

    async def script(wire: Wire) -> None:
        while True:
            own = (await wire.request()).get(b"x-own")
            body = page % (own * 3, own, own * int(own[-1:]))
            if is_packed:
                await wire.send(ok(gzip.compress(body), HTML, NO_STORE, b"Content-Encoding: gzip"))
            else:
                await wire.send(ok(body, HTML, NO_STORE))

    async with Origin(script) as origin, Served(origin.url, publication=published(shown("Hello"))) as served:
        reader, writer = await served.connect()
        for number in range(1, 40):
            own = b"visitor-%d" % number
            writer.write(request(b"GET", b"/", *FIELDS, (b"X-Own", own), (b"Accept-Encoding", b"gzip")))
            heard = await hear(reader)
            body = heard.body
            assert (b"content-encoding" in heard.headers) == is_packed
            before, after = page.split(b"<p>%s</p>")
            assert body.startswith(before) and b"Hello" in body
            assert body.endswith(after % (own, own * int(own[-1:])))
        writer.close()


@pytest.mark.parametrize("has_lane", [True, False])
@pytest.mark.parametrize("kind", [b"text/plain", b"text/html"])
async def test_changing_set_cookie_fields_reach_the_client_unchanged(kind: bytes, has_lane: bool) -> None:
    def cookies(number: int) -> list[bytes]:
        there = b"; DOMAIN=127.0.0.1" if number % 5 == 4 else b"; Path=/"
        return [b"n=%d" % number + there, b"expires=%d" % number, b"a=; Max-Age=0"][: 1 + number % 3]

    async def script(wire: Wire) -> None:
        number = 0
        while True:
            await wire.request()
            left = b"Keep-Alive: timeout=5, max=%d" % (100 - number)
            fields = (b"Content-Type: " + kind, NO_STORE, left, *(b"Set-Cookie: " + each for each in cookies(number)))
            await wire.send(ok(SLOT, *fields))
            number += 1

    rules = published(shown("Hello"))
    async with Origin(script) as origin, Served(origin.url, publication=rules, has_lane=has_lane) as served:
        for number, heard in enumerate(await asked(served, b"/", 40)):
            ours = [each.replace(b"; DOMAIN=127.0.0.1", b"; Domain=shop.example") for each in cookies(number)]
            assert heard.headers[b"set-cookie"].startswith(b", ".join(ours))
            assert b"keep-alive" not in heard.headers
            assert (b"Hello" in heard.body) == (kind == b"text/html")
        assert origin.connections == 1


@pytest.mark.parametrize("path", [b"/coded", b"/coded/plain", b"/coded/chunked"])
async def test_a_page_that_the_origin_compressed_is_compressed_again(path: bytes) -> None:
    fields, rules = (*FIELDS, (b"Accept-Encoding", b"gzip")), published(shown("Hello"))
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, publication=rules) as served:
        straight = await asked(served, path, 8, fields)
        assert not served.listener.server_state.tasks
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, publication=rules, has_lane=False) as served:
        assert await asked(served, path, 8, fields) == straight
    for one in straight:
        assert one.headers[b"content-encoding"] == b"gzip"
        assert (b"Hello" if path == b"/coded" else b"plain") in one.body


async def test_a_page_in_pieces_is_put_together_before_it_is_filled() -> None:
    whole = ok(SLOT, HTML, NO_STORE)

    async def slowly(wire: Wire) -> None:
        while True:
            await wire.request()
            for start in (0, len(whole) - 20):
                await wire.send(whole[start : start + len(whole) - 20])
                await asyncio.sleep(0)

    async with Origin(slowly) as origin, Served(origin.url) as served:
        assert {heard.body for heard in await asked(served, b"/", 5)} == {SLOT}


async def test_no_task_waits_for_a_page_to_be_whole_and_nobody_waits_for_ever() -> None:
    whole, asked_for = ok(SLOT, HTML, NO_STORE), 0
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        nonlocal asked_for
        while True:
            await wire.request()
            asked_for += 1
            await wire.send(whole[:-20])
            if asked_for > 4:
                await go_on.wait()
            if asked_for < 6:
                await wire.send(whole[-20:])

    rules = published(declared=[DeclaredSlot("home.top", selector="head", place="end")])  # so it is held
    async with Origin(script) as origin, Served(origin.url, publication=rules, page_timeout_ms=300) as served:
        reader, writer = await served.connect()
        for number in range(6):
            writer.write(request(b"GET", b"/", *FIELDS))
            if number == 4:
                await eventually(lambda: asked_for == 5)
                assert not served.listener.server_state.tasks
                go_on.set()
            heard = await hear(reader)
            assert (heard.status, heard.body == SLOT) == ((200, True) if number < 5 else (504, False))
        assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())
        writer.close()


async def test_what_has_to_be_waited_for_goes_the_ordinary_way() -> None:
    script = in_turn(once(ok(b"fine", NO_STORE)), always(ok(b"fine", NO_STORE)))
    async with Origin(script) as origin, Served(origin.url, max_connections=1, max_wait_ms=60_000) as served:
        heard = await asyncio.gather(*(asked(served, b"/", 6) for _ in range(3)))
        assert all(one.body == b"fine" for several in heard for one in several)


async def test_a_page_that_seems_for_all_is_fetched_for_all_behind_it() -> None:
    private, shared = ok(b"a", NO_STORE), ok(b"b", b"Cache-Control: max-age=60")

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(private if len(origin.requests) < 4 else shared)

    async with Origin(script) as origin, Served(origin.url) as served:
        assert [heard.body for heard in await asked(served, b"/", 4)] == [b"a", b"a", b"a", b"b"]
        await eventually(lambda: len(origin.requests) == 5)
        assert origin.requests[4].get(b"cookie") is None


async def test_a_304_comes_straight_to_who_asked_whether_something_changed_and_to_nobody_else() -> None:
    async with Origin(answering(_unchanged)) as origin, Served(origin.url) as served:
        assert [one.status for one in await asked(served, b"/")] == [200] * 6
        fields = (*FIELDS[:1], (b"Accept", b"*/*"), *FIELDS[2:], (b"If-None-Match", b'"theirs"'))
        assert [one.status for one in await asked(served, b"/", 4, fields)] == [304] * 4
        assert {seen.get(b"if-none-match") for seen in origin.requests[-4:]} == {b'"theirs"'}
        assert [one.status for one in await asked(served, b"/rude", 4)] == [502] * 4


async def test_a_304_for_a_page_without_its_slots_comes_to_nobody() -> None:
    fields = (*FIELDS, (b"If-None-Match", b'"theirs"'))
    async with Origin(answering(_unchanged)) as origin, Served(origin.url) as served:
        assert [one.status for one in await asked(served, b"/", 6, fields)] == [304] * 6
        served.site.gateway.publish(published(declared=[DeclaredSlot("home.hero", selector="main")]))
        for fields_now, statuses in ((FIELDS, [200] * 4), (fields, [200] * 6)):
            assert [one.status for one in await asked(served, b"/", len(statuses), fields_now)] == statuses


def _unchanged(seen: Seen) -> bytes:
    is_unchanged = seen.get(b"if-none-match") or seen.target == b"/rude"
    return (
        b"HTTP/1.1 304 Not Modified\r\n\r\n"
        if is_unchanged
        else ok(b"<main></main>", HTML, NO_STORE, b'ETag: "theirs"')
    )
