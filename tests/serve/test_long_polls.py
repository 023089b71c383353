"""Addresses that answer when there is news: through the public face, with an origin that lets its clients wait."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxy.rulebook.policy import PagePolicy, Policy
from proxy.serve.long_polls import LongPolls
from tests.wire.origin import Origin, Wire, ok
from tests.wire.served import Heard, Served, hear, request
from tests.wire.site import eventually, published

POLLED = replace(published(), policy=Policy((PagePolicy("/news", is_kept=False, wait_seconds=60),)))
HURRIED = {"first_byte_timeout_ms": 50, "between_bytes_timeout_ms": 50}
POLL = request(b"GET", b"/news")
POLLS = pytest.mark.parametrize("poll", [POLL, request(b"POST", b"/news", body=b"what I know")], ids=["GET", "POST"])


class Shop:
    """An origin that answers `/news` once there is `news`, in two parts, `/silent` never, and all else at once."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.waiting = 0
        self.begins = asyncio.Event()
        self.rest = asyncio.Event()
        self.rest.set()

    async def __call__(self, wire: Wire) -> None:
        while True:
            seen = await wire.request()
            if seen.target == b"/silent":
                await wire.until_closed()
            elif seen.target == b"/news":
                await self._answer(wire)
            else:
                await wire.send(ok(b"at once"))

    async def _answer(self, wire: Wire) -> None:
        self.waiting += 1
        gone, news = asyncio.create_task(wire.until_closed()), asyncio.create_task(self.news.wait())
        await asyncio.wait((gone, news), return_when=asyncio.FIRST_COMPLETED)
        self.waiting -= 1
        if gone.done():
            news.cancel()
            raise ConnectionResetError
        gone.cancel()
        await asyncio.wait((gone,))
        await wire.send(ok(b"news", b"Content-Type: application/json")[:-2])
        self.begins.set()
        await self.rest.wait()
        await wire.send(b"ws")


async def test_an_answer_is_waited_for_as_long_as_the_path_says_and_others_as_the_settings_do() -> None:
    shop = Shop()
    async with Origin(shop) as origin, Served(origin.url, publication=POLLED, **HURRIED) as served:
        polling = asyncio.create_task(served.get(b"/news"))
        await eventually(lambda: shop.waiting == 1)
        assert (await served.get(b"/silent")).status == 504  # which takes as long as the settings say
        assert not polling.done()
        shop.rest.clear()
        shop.news.set()
        await shop.begins.wait()
        assert (await served.get(b"/silent")).status == 504
        assert not polling.done()  # nor is it hurried once it has begun
        shop.rest.set()
        heard = await polling
        assert (heard.status, heard.body) == (200, b"news")
        assert heard.headers[b"cache-status"] == b"tailorbird; fwd=bypass; detail=policy"


async def test_polls_hold_no_place_of_others_and_say_nothing_of_how_fast_the_origin_is() -> None:
    shop = Shop()
    async with Origin(shop) as origin, Served(origin.url, publication=POLLED, max_connections=1) as served:
        (limiter,) = served.site.origins.limiters.values()
        polling = [asyncio.create_task(served.get(b"/news")) for _ in range(3)]
        await eventually(lambda: shop.waiting == 3)
        assert (await served.get(b"/other")).body == b"at once"
        shop.news.set()
        assert [heard.body for heard in await asyncio.gather(*polling)] == [b"news"] * 3
        measured = limiter.times.take("seconds")
        others = sum(seen.target == b"/other" for seen in origin.requests)
        assert sum(count for (_, step, _), count in measured.items() if step != "sum") == others
        assert (await served.get(b"/other")).body == b"at once"
        assert limiter.under_way == 0


async def test_polls_without_news_are_no_failure_of_the_origin() -> None:
    quick = replace(POLLED, policy=Policy((PagePolicy("/silent", is_kept=False, wait_seconds=1),)))
    async with Origin(Shop()) as origin, Served(origin.url, publication=quick, breaker_failures=2) as served:
        heard = await asyncio.gather(*(served.get(b"/silent") for _ in range(3)))
        assert [one.status for one in heard] == [504] * 3
        assert served.site.metrics.get("tailorbird_origin_errors_total", "unanswered") == 3
        assert (await served.get(b"/other")).body == b"at once"  # its breaker has not opened


async def test_no_poll_is_the_trial_of_whether_an_origin_answers_again() -> None:
    is_down, polls = True, 0

    async def shop(wire: Wire) -> None:
        nonlocal polls
        while True:
            if (await wire.request()).target == b"/news":
                polls += 1
                await wire.until_closed()
            if is_down:
                return
            await wire.send(ok(b"at once"))

    breaks = {"breaker_failures": 1, "breaker_seconds": 0.2, "breaker_longest_seconds": 60.0}
    async with Origin(shop) as origin, Served(origin.url, publication=POLLED, **breaks) as served:
        assert (await served.get(b"/other")).status == 502
        assert (await served.get(b"/other")).status == 503  # it is left alone
        is_down = False
        await asyncio.sleep(0.3)
        assert (await served.get(b"/news")).status == 503
        assert (await served.get(b"/other")).body == b"at once"
        assert polls == 0


@POLLS
async def test_a_poll_ends_as_soon_as_its_client_has_gone(poll: bytes) -> None:
    shop = Shop()
    async with Origin(shop) as origin, Served(origin.url, publication=POLLED) as served:
        _, writer = await served.connect()
        writer.write(poll)
        await eventually(lambda: shop.waiting == 1)
        writer.transport.abort()
        await origin.has_open(0)
        assert shop.waiting == 0
        assert served.site.metrics.get("tailorbird_requests_total", "error") == 0


@POLLS
@pytest.mark.parametrize("gently", [True, False])
async def test_a_poll_does_not_delay_the_end_of_the_server(gently: bool, poll: bytes) -> None:
    shop = Shop()
    async with Origin(shop) as origin, Served(origin.url, publication=POLLED) as served:
        reader, writer = await served.connect()
        writer.write(poll)
        await eventually(lambda: shop.waiting == 1)
        served.listener.stop(gently=gently)
        heard = await hear(reader)
        assert (heard.status, heard.headers[b"retry-after"]) == (503, b"1")
        assert await reader.read() == b""
        writer.close()
        await origin.has_open(0)


async def test_an_answer_that_is_there_counts_even_if_its_client_left_at_the_same_moment() -> None:
    async def answer() -> Heard:
        return Heard(200, {}, b"", is_whole=True)

    async def leave() -> None:
        """At once."""

    assert await LongPolls().answer(answer(), leave()) is not None  # type: ignore[arg-type]
