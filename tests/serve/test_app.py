from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from proxy.http.message import Request, Response
from proxy.page.slots import stylesheet, stylesheet_url
from proxy.serve.app import App
from tests.wire.large_shop import catalogue
from tests.wire.large_shop import published as in_order
from tests.wire.origin import Origin, Seen, Wire, always, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import HTML, PAGE, SHARED, answering, eventually, in_segment, published, shown

VIP = published(shown("Hello VIP", when=in_segment("vip")))


async def test_a_page_goes_out_filled_for_its_visitor() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url, publication=VIP) as served:
        first = await served.get(b"/", served.site.visitor("anna", "vip"))
        second = await served.get(b"/", served.site.visitor("anna", "vip"))
    assert b"Hello VIP" in first.body
    assert first.body == second.body
    assert second.headers[b"cache-status"] == b"tailorbird; hit; ttl=60; detail=personalised"


async def test_paths_reach_the_origin_in_one_form_and_never_decoded() -> None:
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url) as served:
        await served.get(b"/a%2fb/%7Ec/./d?q=%41&r")
        assert {seen.target for seen in origin.requests} == {b"/a%2Fb/~c/d?q=%41&r"}


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: shop.example@evil\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n", 400),
    ],
)
async def test_what_does_not_name_one_host_and_a_path_is_refused_and_the_connection_closed(
    head: bytes, status: int
) -> None:
    async with Origin(always(ok(b"x"))) as origin:
        async with Served(origin.url, allowed_hosts=("shop.example",)) as served:
            reader, writer = await served.connect()
            writer.write(head)
            assert (await hear(reader)).status == status
            assert await reader.read() == b""
            writer.close()
        assert origin.requests == []


@pytest.mark.parametrize("has_lane", [True, False], ids=["lane", "asgi"])
async def test_where_nothing_may_begin_only_what_is_answered_at_once_is_answered(has_lane: bool) -> None:
    own = {"/_tb/x": never}
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Served(origin.url, publication=VIP, has_lane=has_lane, routes=own) as served,
    ):
        assert (await served.get(b"/")).status == 200
        served.may_begin = False
        said = [(await served.get(path)).status for path in (b"/", b"/other", b"/_tb/x")]
        assert said == [200 if has_lane else 503, 503, 503]
        assert served.site.metrics.get("tailorbird_shed_total", "request") == said.count(503)
    assert [seen.target for seen in origin.requests] == [b"/"]


async def never(_: Request) -> Response:
    raise AssertionError("this was not to begin")


async def test_an_upload_streams_through() -> None:
    script = answering(lambda seen: ok(seen.body[:3] + b"%d" % len(seen.body)))
    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"POST", b"/", body=b"abc" * 100_000))
        assert (await hear(reader)).body == b"abc300000"
        head = b"POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"4\r\nwxyz\r\n0\r\n\r\n")
        assert (await hear(reader)).body == b"wxy4"
        writer.close()


async def test_an_upload_beyond_the_limit_is_refused_as_soon_as_it_shows() -> None:
    too_much = (b"Content-Length: 11\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789A\r\n")
    script = answering(lambda seen: ok(b"whole"))
    async with Origin(script) as origin, Served(origin.url, max_upload_bytes=10) as served:
        for framed in too_much:
            reader, writer = await served.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: shop.example\r\n" + framed)
            assert (await hear(reader)).status == 413
            writer.close()
        assert not origin.requests
        reader, writer = await served.connect()
        writer.write(request(b"POST", b"/", body=b"0123456789"))
        assert (await hear(reader)).body == b"whole"
        writer.close()


@pytest.mark.parametrize("framing", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
async def test_an_upload_that_breaks_off_never_reaches_the_origin_as_a_whole_one(framing: bytes) -> None:
    ends: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(wire: Wire) -> None:
        await wire.head()
        ends.set_result(await wire.until_closed())

    async with Origin(script) as origin, Served(origin.url) as served:
        _, writer = await served.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: shop.example\r\n" + framing + b"\r\n\r\n4\r\nabcd\r\n")
        await eventually(lambda: origin.open == 1)
        writer.close()
        got = await asyncio.wait_for(ends, 9)
    assert b"0\r\n\r\n" not in got
    assert len(got) < 1_000


async def test_an_answer_that_breaks_off_is_not_ended_as_if_whole(caplog: pytest.LogCaptureFixture) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    async with Origin(script) as origin, Served(origin.url) as served:
        heard = await served.get(b"/", (b"Cookie", b"basket=1"))
    assert (heard.body, heard.is_whole) == (b"hello", False)
    assert "an answer broke off" in caplog.text


async def test_events_pass_as_they_come_and_end_when_the_client_leaves_which_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await wire.send(b"9\r\ndata: 1\n\n\r\n")
        await wire.until_closed()

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/events", (b"Cookie", b"basket=1")))
        assert b"data: 1" in await reader.readuntil(b"data: 1")
        writer.close()
        await asyncio.wait_for(origin.has_open(0), 9)
    assert "broke off" not in caplog.text


async def test_a_body_nobody_reads_does_not_become_the_next_request() -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n"
    async with Origin(answering(lambda seen: ok(PAGE + seen.target, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/", body=smuggled) + request(b"GET", b"/next"))
        assert (await hear(reader)).body == PAGE + b"/"
        assert (await hear(reader)).body == PAGE + b"/next"
        writer.close()
        assert {seen.target for seen in origin.requests} == {b"/", b"/next"}


async def test_a_client_that_leaves_early_does_not_take_the_fetch_with_it() -> None:
    held = asyncio.Event()

    async def later() -> bytes:
        await held.wait()
        return ok(PAGE, *SHARED)

    async with Origin(answering(lambda _: later())) as origin, Served(origin.url) as served:
        _, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        await eventually(lambda: len(origin.requests) == 1)
        writer.close()
        held.set()
        assert (await served.get(b"/")).body == PAGE
        assert len(origin.requests) == 1


async def test_our_own_paths_never_reach_the_origin() -> None:
    async def hello(request: Request) -> Response:
        return Response(200, ((b"content-length", b"2"),), (b"hi",))

    async def below(request: Request) -> Response:
        return Response(200, ((b"content-length", b"%d" % len(request.path)),), (request.path,))

    routes = {"/_tb/hello": hello, "/_tb/as/": below}
    async with Origin(always(ok(b"the shop"))) as origin, Served(origin.url, routes=routes) as served:
        assert (await served.get(b"/_tb/hello")).body == b"hi"
        assert (await served.get(b"/_tb/as/anna")).body == b"/_tb/as/anna"
        assert (await served.get(b"/x/../_tb/hello")).body == b"hi"
        assert (await served.get(b"/_tb/nothing")).status == 404
        assert origin.requests == []


async def test_the_stylesheet_of_what_is_published_is_served() -> None:
    async with Served("http://127.0.0.1:9", publication=VIP) as served:
        heard = await served.get(stylesheet_url(stylesheet(())).encode())
        assert (heard.status, heard.headers[b"content-type"]) == (200, b"text/css; charset=utf-8")
        assert b"immutable" in heard.headers[b"cache-control"]


async def test_every_stylesheet_that_a_page_names_is_served() -> None:
    """Also where nothing but a rule and the page's own mark tell of a list."""
    rules = """
rules:
  - {name: Hello, slot: home.hero, show: {banner: {title: Hello}}}
  - {name: Second first, listing: search, pin: {product: SKU-2}}
"""
    page = b'<div id="__next"><div data-slot="home.hero">x</div><ul data-list="search">%b</ul></div>' % b"".join(
        b'<li data-product="SKU-%d">x</li>' % n for n in range(3)
    )
    page = b"<html><head><title>x</title></head><body>%b</body></html>" % page
    publication = in_order(rules, catalogue(3))
    async with Origin(always(ok(page, HTML))) as shop, Served(shop.url, publication=publication) as served:
        body = (await served.get(b"/", (b"accept", b"text/html"))).body
        sheets = set(re.findall(rb"/_tb/style[^\"]*", body))
        assert len(sheets) == 2 and b'data-tb-order="1" data-product="SKU-2"' in body
        assert {(await served.get(sheet)).status for sheet in sheets} == {200}


async def test_a_route_that_fails_is_a_500_and_counted() -> None:
    async def broken(request: Request) -> Response:
        raise ValueError("a secret detail")

    async with Served("http://127.0.0.1:9", routes={"/_tb/broken": broken}) as served:
        heard = await served.get(b"/_tb/broken")
        assert served.site.metrics.get("tailorbird_requests_total", "error") == 1
    assert (heard.status, b"secret" in heard.body) == (500, False)


async def test_a_trusted_proxy_names_the_scheme() -> None:
    def say(seen: Seen) -> bytes:
        return ok(seen.get(b"x-forwarded-proto") or b"", HTML)

    for trusted, scheme in (((), b"http"), (("127.0.0.1",), b"https")):
        async with Origin(answering(say)) as origin, Served(origin.url, trusted_proxies=trusted) as served:
            heard = await served.get(b"/", (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-For", b"192.0.2.1"))
            assert heard.body == scheme


async def test_lifespan_is_answered_for_servers_that_insist() -> None:
    async with Served("http://127.0.0.1:9") as served:
        app = served.listener.config.app
        assert isinstance(app, App)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "lifespan.shutdown" if sent else "lifespan.startup"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
