"""Bringing messages to somebody who is slow, wrong or away, on both stores."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from msgspec.structs import replace

from proxy.metrics import Metrics
from proxy.model import Delivery
from proxy.outbox import sender as sender_module
from proxy.outbox.sender import (
    LONGEST_PAUSE_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_ANSWER_BYTES,
    MOST_FAULTS,
    MOST_PARALLEL,
    SENT,
    Sender,
)
from proxy.ports import Outbox
from proxy.rulebook.webhookfile import Webhook
from proxy.settings import Settings
from proxy.stores import open_outbox, open_store
from proxy.upstream.tls import webhook_tls
from tests.outbox.receiver import OK, SECRET, Answer, Receiver, status
from tests.wire.origin import Origin, Wire
from tests.wire.storage import STORES, storage

NOON = 1_795_435_200.0


@pytest.fixture(params=STORES)
async def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Outbox]:
    async with storage(request.param, tmp_path) as url:
        await open_store(url).aclose()
        opened = open_outbox(url)
        assert await opened.lead("me", NOON, 3_600.0)
        yield opened
        await opened.aclose()


def message(number: int, visitor: str = "anna") -> Delivery:
    return Delivery(f"m{number}", "cdp", visitor, f"S{number}", True, NOON + number, NOON)


class Bench:
    """A sender to a receiver, on a clock that stands still."""

    def __init__(self, outbox: Outbox, webhook: Webhook, tls: ssl.SSLContext | bool = False) -> None:
        self.now = NOON
        self.metrics = Metrics()
        self.client = httpx.AsyncClient(timeout=5.0, verify=tls)
        self.sender = Sender(webhook, outbox, self.client, self.metrics, lambda: self.now)
        self.outbox = outbox

    async def until_done(self, most: int = 100) -> int:
        """Goes on, past every pause, until nothing waits; how often it had to be tried."""
        for turn in range(most):
            if not await self.sender.step() and self.now >= self.sender.pause_until:
                return turn
            self.now = max(self.now, self.sender.pause_until)
        raise AssertionError("it never ends")

    def counts(self) -> dict[str, int]:
        return self.metrics.by_value(SENT)


async def sent(outbox: Outbox, answer: Answer, *messages: Delivery) -> tuple[Receiver, Bench]:
    await outbox.put("me", [], messages, None, NOON)
    async with Receiver(answer) as receiver:
        bench = Bench(outbox, receiver.webhook())
        await bench.until_done()
        await bench.client.aclose()
    return receiver, bench


async def test_messages_are_posted_signed_to_the_address_of_the_operator(outbox: Outbox) -> None:
    receiver, bench = await sent(outbox, lambda call, times: OK, message(1), message(2, "ben"))
    assert receiver.heard() == [("anna", "Audience Entered", "s1"), ("ben", "Audience Entered", "s2")]
    (first, _) = receiver.requests
    assert (first.method, first.target) == (b"POST", b"/hooks/segments"), "who it is about is in no address"
    assert first.get(b"x-signature") == hmac.new(SECRET.encode(), first.body, hashlib.sha1).hexdigest().encode()
    assert (bench.counts(), await outbox.oldest("cdp", 9)) == ({"sent": 2}, [])


async def test_what_was_not_taken_is_sent_again_with_its_id_and_in_order(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The first message is refused by a fault, then by a broken connection, then taken: so is each after it."""

    def answer(call: dict[str, object], times: int) -> bytes:
        return {1: status(503), 2: b""}.get(times, OK)

    receiver, bench = await sent(outbox, answer, message(1), message(2), message(3))
    assert [key for _, _, key in receiver.heard()] == ["s1", "s2", "s3"], "no visitor's is overtaken"
    assert bench.counts() == {"sent": 3, "failed": 6}
    await outbox.put("me", [], [message(4)], None, NOON)
    failure = (await outbox.counts())["cdp"].failure
    assert failure is not None and failure.reason.startswith("it could not be reached (")
    assert caplog.messages[-1].endswith("takes messages again")


async def test_what_follows_the_head_of_an_answer_is_not_waited_for(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "ANSWER_SECONDS", 0.1)
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 2 * MOST_ANSWER_BYTES
    halting = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
    answers = {"s1": endless, "s2": halting, "s3": short, "s4": OK}

    def answer(call: dict[str, Any], times: int) -> bytes:
        return answers[call["properties"]["audience_key"]]

    receiver, bench = await sent(outbox, answer, *(message(number) for number in range(1, 5)))
    assert bench.counts() == {"sent": 4}, "each was taken the first time"
    assert [seen.connection for seen in receiver.requests] == [0, 1, 2, 2], "whoever says little is not hung up on"


async def test_whose_answer_comes_bit_by_bit_is_left_alone_as_who_is_away(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "TIMEOUT_SECONDS", 0.2)
    await outbox.put("me", [], [message(1)], None, NOON)

    async def drip(wire: Wire) -> None:
        await wire.request()
        with contextlib.suppress(OSError):
            while True:
                await wire.send(b"H")
                await asyncio.sleep(0.02)

    async with Origin(drip) as origin:
        bench = Bench(outbox, Webhook("cdp", f"{origin.url}/", SECRET, frozenset()))
        assert not await bench.sender.step()
        assert bench.sender.failure == "it could not be reached (its answer comes too slowly)"
        await bench.client.aclose()


async def test_pauses_grow_and_are_as_long_as_it_asks(outbox: Outbox) -> None:
    await outbox.put("me", [], [message(1)], None, NOON)
    answers = [status(500)] * 12 + [status(429, b"Retry-After: 1200")]
    async with Receiver(lambda call, times: answers[times - 1]) as receiver:
        bench = Bench(outbox, receiver.webhook())
        pauses = []
        for _ in answers:
            assert not await bench.sender.step()
            assert not await bench.sender.step(), "it is left alone meanwhile"
            pauses.append(bench.sender.pause_until - bench.now)
            bench.now = bench.sender.pause_until
        await bench.client.aclose()
    assert len(receiver.requests) == len(answers)
    for place, pause in enumerate(pauses[:-1]):
        longest = min(2.0**place, LONGEST_PAUSE_SECONDS)
        assert 0.5 * longest <= pause <= longest
    assert pauses[-1] == 1200
    assert bench.sender.failure == "it answered 429"


async def test_it_may_ask_for_a_pause_by_a_date_and_a_clock_that_is_set_back_ends_it(outbox: Outbox) -> None:
    await outbox.put("me", [], [message(1)], None, NOON)
    until = formatdate(NOON + 1200, usegmt=True).encode()
    async with Receiver(lambda call, times: status(503, b"Retry-After: " + until) if times == 1 else OK) as receiver:
        bench = Bench(outbox, receiver.webhook())
        await bench.sender.step()
        assert bench.sender.pause_until == NOON + 1200
        bench.now = NOON - 3600
        await bench.sender.step()
        assert len(receiver.taken) == 1
        await bench.client.aclose()


async def test_a_certificate_nobody_vouches_for_is_told_with_what_to_do_and_ours_is_believed(
    outbox: Outbox, tmp_path: Path
) -> None:
    await outbox.put("me", [], [message(1)], None, NOON)
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    receiver = Receiver()
    receiver.tls = tls
    async with receiver:
        bench = Bench(outbox, receiver.webhook(), webhook_tls(Settings()))
        await bench.sender.step()
        assert "unable to get local issuer certificate" in bench.sender.failure
        assert "in TAILORBIRD_WEBHOOKS_CA" in bench.sender.failure
        await bench.client.aclose()
        bench = Bench(outbox, receiver.webhook(), webhook_tls(Settings(webhooks_ca=str(tmp_path / "ours.pem"))))
        await bench.sender.step()
        assert len(receiver.taken) == 1
        await bench.client.aclose()


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_what_is_wrong_with_one_message_holds_up_no_other(
    outbox: Outbox, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(call: dict[str, object], times: int) -> bytes:
        return status(code) if call["messageId"] == "m1" else OK

    receiver, bench = await sent(outbox, answer, message(1), message(2), message(3, "ben"))
    assert sorted(key for _, _, key in receiver.heard()) == ["s2", "s3"]
    (given_up,) = await outbox.given_up()
    assert (given_up.id, given_up.reason) == ("m1", f"it answered {code}")
    assert bench.counts() == {"sent": 2, "given up": 1}
    assert (
        f"a message to the webhook `cdp` is given up: it answered {code} (help: see `tailorbird webhooks given-up`)"
        in (caplog.text)
    )


async def test_a_message_that_is_always_a_fault_is_given_up_while_others_go_through(outbox: Outbox) -> None:
    def answer(call: dict[str, object], times: int) -> bytes:
        return status(500) if call["messageId"] == "m1" else OK

    others = [message(number, f"v{number}") for number in range(2, 202)]
    receiver, bench = await sent(outbox, answer, message(1), *others)
    assert len(receiver.taken) == 200
    assert [one.id for one in await outbox.given_up()] == ["m1"]
    assert bench.counts()["failed"] == MOST_FAULTS - 1


async def test_what_has_waited_for_a_day_is_given_up_and_can_be_sent_after_all(outbox: Outbox) -> None:
    await outbox.put("me", [], [message(1)], None, NOON)
    is_back = False
    async with Receiver(
        lambda call, times: OK if is_back else status(302, b"Location: http://127.0.0.1:1/")
    ) as receiver:
        bench = Bench(outbox, receiver.webhook())
        await bench.sender.step()
        assert await outbox.given_up() == []
        bench.now = NOON + LONGEST_WAIT_SECONDS + 1
        await bench.sender.step()
        (given_up,) = await outbox.given_up()
        assert (given_up.reason, len(receiver.requests)) == ("it answered 302", 2), "no redirect is followed"
        is_back = True
        await outbox.requeue([given_up], bench.now)
        await bench.until_done()
        assert receiver.heard() == [("anna", "Audience Entered", "s1")]
        await bench.client.aclose()


async def test_of_a_receiver_that_is_gone_for_good_all_old_messages_are_given_up_and_it_is_left_alone(
    outbox: Outbox,
) -> None:
    old = [message(number, f"v{number}") for number in range(300)]
    new = replace(message(300), queued_at=NOON + 60)
    await outbox.put("me", [], [*old, new], None, NOON)
    async with Receiver(lambda call, times: status(410)) as receiver:
        bench = Bench(outbox, receiver.webhook())
        bench.now = NOON + LONGEST_WAIT_SECONDS + 1
        assert not await bench.sender.step()
        await bench.client.aclose()
    assert bench.sender.pause_until > bench.now, "and it is left alone"
    assert await outbox.oldest("cdp", 999) == [new]
    given_up = await outbox.given_up()
    assert {one.reason for one in given_up} == {"it answered 410"}
    assert {one.id for one in given_up} == {one.id for one in old}
    assert len(receiver.requests) == MOST_PARALLEL, "nothing else was sent"
    assert bench.counts() == {"given up": 300}


async def test_an_unreachable_receiver_is_tried_again_later(outbox: Outbox) -> None:
    await outbox.put("me", [], [message(1)], None, NOON)
    async with Receiver() as receiver:
        webhook = receiver.webhook()
    bench = Bench(outbox, webhook)
    assert not await bench.sender.step()
    assert bench.sender.failure == "it could not be reached (All connection attempts failed)"
    assert await outbox.oldest("cdp", 9) == [message(1)]
    await bench.client.aclose()
