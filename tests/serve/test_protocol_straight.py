"""What is asked by header set and has to be asked of the origin, and what the origin says ahead of its answer."""

from __future__ import annotations

import pytest

from proxy.http.message import Request, Response
from proxy.serve.protocol import protocols
from tests.serve.test_protocol import connections
from tests.wire.origin import Origin, Wire, always, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import eventually


async def test_what_is_asked_by_habit_and_not_stored_reaches_the_origin_as_ever() -> None:
    fields = [(b"User-Agent", b"Mozilla"), (b"Accept", b"text/html"), (b"Cookie", b"session=1; __Host-tb_v=x")]
    private = ok(b"private", b"Content-Type: text/html", b"Cache-Control: no-store")
    async with Origin(always(private)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for number in range(4):
            writer.write(request(b"GET", b"/p%d?q=%d" % (number, number), *fields))
            heard = await hear(reader)
            assert (heard.status, heard.body, heard.is_whole) == (200, b"private", True)
        # What is sent ahead of an answer waits its turn, whichever way it is read.
        writer.write(request(b"GET", b"/p4?q=4", *fields))
        await eventually(lambda: len(origin.requests) == 5)
        writer.write(request(b"GET", b"/p5?q=5", *fields) + request(b"GET", b"/p6?q=6", *fields))
        assert [(await hear(reader)).body for _ in range(3)] == [b"private"] * 3
        writer.close()
    assert [seen.target for seen in origin.requests] == [b"/p%d?q=%d" % (number, number) for number in range(7)]
    assert len({tuple(sorted(seen.headers)) for seen in origin.requests}) == 1
    assert origin.requests[3].get(b"cookie") == b"session=1"


async def test_a_client_that_leaves_what_it_asked_by_habit_ends_the_exchange() -> None:
    asked = request(b"GET", b"/", (b"Accept", b"text/html"), (b"Cookie", b"session=1"))
    begun = ok(b"x" * 100, b"Cache-Control: no-store")[:-1]  # the last byte never comes
    async with Origin(by_path({b"/": begun})) as origin, Served(origin.url) as served:
        for _ in range(3):
            reader, writer = await served.connect()
            writer.write(asked)
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
        await eventually(
            lambda: (
                not connections(served)
                and not any(limiter.under_way for limiter in served.site.origins.limiters.values())
            )
        )


HINTED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nSet-Cookie: a=1\r\n\r\n"
    + ok(b"x", b"Cache-Control: no-store")
)
MODE, SESSION = (b"Sec-Fetch-Mode", b"navigate"), (b"Cookie", b"session=1")


async def test_early_hints_reach_who_says_how_it_fetches_by_any_way() -> None:
    async with Origin(always(HINTED)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for _ in range(4):  # the last are asked by header set, and straight
            writer.write(request(b"GET", b"/", MODE, SESSION))
            hints = await reader.readuntil(b"\r\n\r\n")
            assert hints == b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
            heard = await hear(reader)
            assert (heard.status, heard.body, heard.headers.get(b"link")) == (200, b"x", None)
        writer.close()


async def test_early_hints_of_a_fetch_for_everybody_reach_who_asked_first_alone() -> None:
    shared = HINTED.partition(b"HTTP/1.1 200")[0] + ok(b"x", b"Content-Type: text/css", b"Cache-Control: max-age=60")
    async with Origin(always(shared)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/a.css", MODE))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>")
        for status in (b"stored", b"hit"):
            heard = await hear(reader)
            assert (heard.status, heard.body) == (200, b"x") and status in heard.headers[b"cache-status"]
            writer.write(request(b"GET", b"/a.css", MODE))
        writer.close()


async def test_early_hints_that_come_twice_as_the_page_is_not_for_everybody_are_told_once() -> None:
    async with Origin(always(HINTED)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/", MODE))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>")
        assert ((await hear(reader)).status, len(origin.requests)) == (200, 2)
        writer.close()


@pytest.mark.parametrize("path", [b"/", b"/shared"])
async def test_no_link_leads_to_the_origins_own_address(path: bytes) -> None:
    async def script(wire: Wire) -> None:
        while True:
            asked = await wire.request()
            link = b"Link: <%b/a.css>; rel=preload" % wire.origin.url.encode()
            early = b"HTTP/1.1 103 Early Hints\r\n%b\r\n\r\n" % link if asked.target == b"/" else b""
            await wire.send(early + ok(b"x", link, b"Cache-Control: " + (b"no-store" if early else b"max-age=60")))

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for _ in range(4):  # the last are asked by header set, and straight, or stored
            writer.write(request(b"GET", path, MODE, SESSION))
            if path == b"/":
                hints = await reader.readuntil(b"\r\n\r\n")
                assert hints == b"HTTP/1.1 103 Early Hints\r\nlink: <http://shop.example/a.css>; rel=preload\r\n\r\n"
            assert (await hear(reader)).headers[b"link"] == b"<http://shop.example/a.css>; rel=preload"
        writer.close()


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        (request(b"GET", b"/", SESSION), True),
        (request(b"GET", b"/", MODE, SESSION).replace(b"HTTP/1.1", b"HTTP/1.0"), True),
        (request(b"GET", b"/", MODE, SESSION), False),
    ],
    ids=["says nothing of it", "HTTP/1.0", "through what may not pass them on"],
)
async def test_early_hints_are_kept_from_who_might_take_them_for_the_answer(asked: bytes, *, may: bool) -> None:
    async with Origin(always(HINTED)) as origin, Served(origin.url, early_hints=may) as served:
        for _ in range(4):  # the last are asked by header set, and straight
            reader, writer = await served.connect()
            writer.write(asked)
            assert (await hear(reader)).status == 200
            writer.close()


async def test_a_failure_over_what_is_read_by_habit_is_an_honest_error_too() -> None:
    asked = []

    def broken(asking: Request) -> Response | None:
        asked.append(asking.question is not None)
        if asking.question is not None:
            raise ValueError("a secret detail")
        return Response(200, ((b"content-length", b"0"),))

    async with Served("http://127.0.0.1:9") as served:
        served.listener.config.http = protocols(
            broken, lambda request, give: False, served.site.settings, served.site.metrics
        )
        reader, writer = await served.connect()
        statuses = []
        for _ in range(3):
            writer.write(request(b"GET", b"/"))
            statuses.append((await hear(reader)).status)
        assert (statuses, asked) == ([200, 200, 500], [False, False, True])
        assert await reader.read() == b""
        writer.close()
