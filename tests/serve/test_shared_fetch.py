from __future__ import annotations

import asyncio
import logging

import pytest

from proxy.errors import OriginError
from proxy.http.message import Request, Response
from proxy.http.target import Sought
from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.ports import UpstreamResponse
from proxy.serve.shared_fetch import Flowing, NotShared, Passed, SharedFetch, Trial, said_of_vain, tell_failure
from proxy.upstream.tee import Tee


class Body:
    """An origin's body that knows whether it was let go."""

    def __init__(self) -> None:
        self.is_closed = False

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        raise OriginError("not read here", reason="closed")

    async def aclose(self) -> None:
        self.is_closed = True


def fetch() -> SharedFetch:
    request = Request(b"GET", b"/", b"", b"shop.example", ())
    return SharedFetch(Sought(b"http://shop.example/", request), None, is_led=True)


async def test_what_flows_to_a_leader_that_left_is_read_on_only_while_it_may_be_kept() -> None:
    one, tee = fetch(), Tee(keep_bytes=2)
    one.flowing.set_result(Flowing(stored_response(200, (), b"", 0.0, 0.0, CacheOptions()), tee))
    await one.leader_left()
    assert not one.is_led
    assert tee.feed(b"ab")
    assert not tee.feed(b"c")
    rest = Body()
    await tee.hand_over(UpstreamResponse(200, (), rest))
    assert rest.is_closed


async def test_early_hints_are_for_a_leader_that_waits() -> None:
    heard: list[Headers] = []
    one = fetch()
    one.request.on_hints = heard.append
    one.hint(((b"link", b"</a.css>"),))
    await one.leader_left()
    one.hint(((b"link", b"</b.css>"),))
    assert heard == [((b"link", b"</a.css>"),)]


async def test_what_was_passed_to_a_leader_that_left_is_let_go() -> None:
    one, body = fetch(), Body()
    one.passed = Passed("private", UpstreamResponse(200, (), body))
    await one.leader_left()
    assert body.is_closed


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (None, "fwd=stale"),
        (OriginError("refused", reason="refused"), "fwd=stale"),
        (OriginError("too much", reason="overload", status=503), "hit"),
        (OriginError("keeps failing", reason="left-alone", status=503), "hit"),
        (NotShared("origin-error", 500), "fwd=stale; fwd-status=500"),
        (Passed("private", UpstreamResponse(429, (), Body())), "fwd=stale; fwd-status=429"),
    ],
)
def test_a_stale_page_is_a_hit_only_where_the_origin_was_not_asked(
    outcome: NotShared | Passed | OriginError | None, said: str
) -> None:
    assert said_of_vain(outcome, "fwd=stale") == said


async def test_a_trial_that_its_client_left_or_that_takes_too_long_says_nothing_of_the_others() -> None:
    trial, fine = Trial(), Response(200, ())

    async def hangs() -> Response:
        await asyncio.Event().wait()
        return fine

    async def asked() -> Response:
        return fine

    first = asyncio.create_task(trial.answer(hangs, 20))
    await asyncio.sleep(0)
    assert await trial.answer(asked, 0.001) is fine
    waiting = asyncio.create_task(trial.answer(asked, 20))
    await asyncio.sleep(0)
    first.cancel()
    assert await waiting is fine


async def test_a_trial_that_fails_without_an_answer_fails_for_the_others_too() -> None:
    trial = Trial()

    async def refused() -> Response:
        raise OriginError("it is gone", reason="refused")

    with pytest.raises(OriginError):
        await trial.answer(refused, 20)
    assert await trial.answer(refused, 20) is None


def test_each_failure_is_counted_and_those_that_follow_from_others_do_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    metrics = Metrics()
    for reason in ("certificate", "overload", "overload", "left-alone"):
        tell_failure(metrics, b"/cart", OriginError(f"it is {reason}", reason=reason))
    assert [record.getMessage() for record in caplog.records] == ["`/cart` could not be fetched: it is certificate"]
    assert metrics.get("tailorbird_origin_errors_total", "overload") == 2
