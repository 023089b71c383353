"""How much is asked of an origin at once follows from how it answers; who has to wait waits for a moment only."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxy.errors import OriginError
from proxy.settings import Settings
from proxy.upstream.limiter import LEAST, SHARE, Limit, Limiter
from tests.wire.site import eventually

SETTINGS = Settings(concurrency_start=2, max_connections=2, max_waiting=3, max_wait_ms=60_000)


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def after(seconds: float, at_once: int, *, base: float = 0.5, start: int = 64, most: int = 1_000) -> Limit:
    """The limit after so long in front of an origin that answers in `base` seconds, or, when it is asked for more than
    `at_once`, as much more slowly; as many ask as are let in."""
    limit, now = Limit(start, most), 0.0
    while now < seconds:
        took = base * max(1.0, limit.value / at_once)
        for _ in range(limit.value):
            now += took / limit.value
            limit.refuse()
            limit.note(took, limit.value, now)
    return limit


def test_an_origin_that_takes_more_is_asked_for_more() -> None:
    assert after(30, at_once=500).value > 500


def test_an_origin_that_slows_down_is_asked_for_less() -> None:
    assert after(30, at_once=64).value <= 2.5 * 64
    assert after(60, at_once=4, start=4, most=1_000).value <= 4 * 4


@pytest.mark.parametrize("start", [16, 64])
def test_however_long_an_overload_lasts_it_is_not_taken_for_usual(start: int) -> None:
    reached = [after(seconds, at_once=8, base=0.08, start=start).value for seconds in (60, 300, 900)]
    assert max(reached) <= 2.5 * 8, reached


def test_a_look_at_half_as_much_costs_an_origin_nothing_that_needs_it_all() -> None:
    limit = after(600, at_once=100, base=0.08, start=64)
    assert 80 <= limit.value <= 200


def test_nothing_is_tried_out_while_all_that_is_asked_is_let_through() -> None:
    limit, seen = Limit(64, 100), set()
    for tenth in range(6_000):
        for _ in range(5):
            limit.note(0.1, under_way=min(95, limit.value), now=tenth / 10)
        seen.add(limit.value)
    assert min(seen) == 64


def test_an_origin_that_becomes_slower_by_and_by_is_not_asked_for_less() -> None:
    limit = Limit(64, 64)
    for second in range(1_200):
        for _ in range(30):
            limit.note(0.02 * 1.005**second, under_way=60, now=second)  # in twenty minutes 400 times as slow
    assert limit.value == 64


def test_what_an_idle_origin_does_says_nothing_of_what_it_could() -> None:
    limit = Limit(64, 1_000)
    for second in range(60):
        for _ in range(30):
            limit.note(0.05, under_way=2, now=second)
    assert limit.value == 64


def test_nobody_is_refused_by_a_slow_origin_that_few_ask() -> None:
    limit = Limit(64, 1_000)
    for second in range(60):
        for _ in range(30):
            limit.note(0.05 if second < 10 else 5.0, under_way=25, now=second)
    assert limit.value == 64


def test_slow_pages_among_quick_ones_are_no_sign_of_trouble() -> None:
    limit = Limit(64, 1_000)
    for tenth in range(600):
        for number in range(10):
            limit.note(1.5 if number == 0 else 0.02, under_way=30, now=tenth / 10)
    assert limit.value == 64


def test_it_stays_between_its_bounds() -> None:
    worse = Limit(64, 1_000)
    for second in range(100):
        for _ in range(30):
            worse.note(0.01 * 1.2**second, under_way=worse.value, now=second)
    assert worse.value == LEAST
    assert after(60, at_once=10_000, most=80).value == 80
    assert Limit(64, 5).value == 5


# -- waiting


async def test_requests_without_a_place_wait_and_the_newest_goes_first() -> None:
    limiter, order = Limiter(SETTINGS, Clock()), []

    async def ask(name: str) -> None:
        await limiter.enter()
        order.append(name)

    for name in ("one", "two", "three", "four"):
        asyncio.get_running_loop().create_task(ask(name))
        await asyncio.sleep(0)
    assert (order, limiter.waiting) == (["one", "two"], 2)
    limiter.leave()
    limiter.leave()
    await eventually(lambda: len(order) == 4)
    assert order == ["one", "two", "four", "three"]
    assert (limiter.under_way, limiter.waiting) == (2, 0)


async def test_too_many_who_wait_are_refused_at_once() -> None:
    limiter = Limiter(SETTINGS, Clock())
    tasks = [asyncio.create_task(limiter.enter()) for _ in range(5)]
    await eventually(lambda: limiter.waiting == 3)
    with pytest.raises(OriginError) as refused:
        await limiter.enter()
    assert (refused.value.reason, refused.value.status) == ("overload", 503)
    for task in tasks:
        task.cancel()


async def test_waiting_is_bounded_and_short_under_lasting_overload() -> None:
    clock = Clock()
    limiter = Limiter(replace(SETTINGS, max_wait_ms=400), clock)
    await limiter.enter()
    await limiter.enter()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(OriginError):
        await limiter.enter()
    assert loop.time() - begun > 0.39

    clock.at += 0.8
    waiting = asyncio.create_task(limiter.enter())  # somebody waits from now on
    await eventually(lambda: limiter.waiting == 1)
    clock.at += 0.8
    begun = loop.time()
    with pytest.raises(OriginError):
        await limiter.enter()
    assert loop.time() - begun < 0.39
    waiting.cancel()


async def test_while_some_are_sent_away_others_hardly_wait() -> None:
    clock = Clock()
    limiter = Limiter(replace(SETTINGS, max_connections=1, max_wait_ms=400), clock)
    await limiter.enter()
    loop = asyncio.get_running_loop()
    waits = []
    for pause in (4.0, 0.2, 0.2, 4.0):
        clock.at += pause
        begun = loop.time()
        with pytest.raises(OriginError):
            await limiter.enter()
        waits.append(loop.time() - begun > 0.39)  # a loop's clock has milliseconds
    assert waits == [True, False, False, True]


async def test_a_request_cancelled_while_waiting_takes_no_place() -> None:
    limiter = Limiter(SETTINGS, Clock())
    await limiter.enter()
    await limiter.enter()
    task = asyncio.create_task(limiter.enter())
    await eventually(lambda: limiter.waiting == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (limiter.under_way, limiter.waiting) == (2, 0)


async def test_a_turn_given_to_one_who_is_just_leaving_is_passed_on() -> None:
    limiter = Limiter(SETTINGS, Clock())
    await limiter.enter()
    await limiter.enter()
    leaving = asyncio.create_task(limiter.enter())
    await eventually(lambda: limiter.waiting == 1)
    limiter.leave()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert limiter.under_way == 1
    await limiter.enter()
    assert limiter.under_way == 2


# -- one customer among others


async def test_one_customer_holds_half_and_all_others_begin_at_once() -> None:
    limiter = Limiter(replace(SETTINGS, concurrency_start=8, max_connections=8), Clock())
    assert [limiter.enters_at_once("192.0.2.1") for _ in range(5)] == [True] * 4 + [False]
    assert [limiter.enters_at_once(who) for who in ("192.0.2.2", "192.0.2.3", "", "")] == [True] * 4
    assert not limiter.enters_at_once("192.0.2.4")


async def test_who_holds_half_waits_for_one_of_their_own_and_others_go_before() -> None:
    limiter, order = Limiter(replace(SETTINGS, concurrency_start=2, max_connections=2), Clock()), []

    async def ask(name: str, customer: str) -> None:
        await limiter.enter(customer)
        order.append(name)

    assert limiter.enters_at_once("greedy") and limiter.enters_at_once("other")
    for name, customer in (("another", "third"), ("more", "greedy")):
        asyncio.get_running_loop().create_task(ask(name, customer))
        await eventually(lambda name=name: limiter.waiting == 1 + (name == "more"))
    limiter.leave("other")
    await eventually(lambda: order == ["another"])
    limiter.leave("third")
    limiter.leave("greedy")
    await eventually(lambda: order == ["another", "more"])
    limiter.leave("greedy")
    assert [limiter.enters_at_once("greedy"), limiter.under_way, limiter.waiting] == [True, 1, 0]


async def test_who_is_refused_for_having_half_is_told_so_and_takes_half_of_the_places_to_wait() -> None:
    limiter = Limiter(replace(SETTINGS, concurrency_start=4, max_connections=4, max_waiting=4), Clock())
    tasks = [asyncio.create_task(limiter.enter("192.0.2.1")) for _ in range(4)]
    await eventually(lambda: limiter.waiting == 2)
    with pytest.raises(OriginError) as refused:
        await limiter.enter("192.0.2.1")
    assert (refused.value.reason, refused.value.status) == (SHARE, 503)
    assert "TAILORBIRD_TRUSTED_PROXIES" in refused.value.help
    await limiter.enter("192.0.2.2")
    for task in tasks[2:]:
        task.cancel()
    await asyncio.gather(*tasks[2:], return_exceptions=True)
    for customer in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        limiter.leave(customer)
    assert (limiter.under_way, limiter.waiting) == (0, 0)


async def test_who_asks_for_the_slowest_pages_over_and_over_does_not_bring_the_limit_down() -> None:
    clock = Clock()
    limiter = Limiter(replace(SETTINGS, concurrency_start=64, max_connections=64), clock)

    def ask(customer: str, seconds: float, count: int) -> None:
        for _ in range(count):
            assert limiter.enters_at_once(customer)
        for _ in range(count):
            limiter.note(clock.at - seconds, clock.at, customer)
            limiter.leave(customer)

    for _ in range(60):
        clock.at += 1
        for customer, seconds, count in (("one", 0.05, 10), ("greedy", 2.0, 32), ("two", 0.05, 16)):
            ask(customer, seconds, count)
    assert limiter.limit == 64
    for _ in range(10):  # who holds a few may say how slow it is
        clock.at += 1
        ask("one", 2.0, 16)
        for _ in range(40):
            limiter.enters_at_once()
        ask("greedy", 2.0, 16)
        for _ in range(40):
            limiter.leave()
    assert limiter.limit < 64


async def test_that_who_holds_half_always_waits_for_more_gives_others_no_less_time() -> None:
    clock = Clock()
    limiter = Limiter(replace(SETTINGS, concurrency_start=4, max_connections=4, max_wait_ms=400), clock)
    assert [limiter.enters_at_once(who) for who in ("greedy", "greedy", "one", "two")] == [True] * 4
    greedy = asyncio.create_task(limiter.enter("greedy"))
    await eventually(lambda: limiter.waiting == 1)
    clock.at += 9
    with pytest.raises(OriginError):
        await greedy
    greedy = asyncio.create_task(limiter.enter("greedy"))
    await eventually(lambda: limiter.waiting == 1)
    clock.at += 0.2
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(OriginError):
        await limiter.enter("three")
    assert loop.time() - begun > 0.39
    await asyncio.gather(greedy, return_exceptions=True)
