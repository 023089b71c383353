"""Sends the waiting messages to one webhook: in order for each visitor, several visitors in parallel.

A message is sent again until the webhook accepts it. If the webhook cannot be reached or answers with an error, all its
messages wait for a while, longer each time. A message is given up if its answer says that it is wrong (400, 413, 422),
if it fails several times while others are accepted, or after a day. Its id is the same each time, so that receivers can
drop duplicates. Redirects are not followed: the operator chose the address."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import assert_never

import httpx
import msgspec
from msgspec.structs import replace

from proxy.conditions.localtime import iso_time
from proxy.httpcache.stored import http_date
from proxy.metrics import Metrics
from proxy.model import Delivery
from proxy.ports import Failure, Outbox
from proxy.rulebook.webhookfile import Form, Webhook

log = logging.getLogger("tailorbird.outbox")

MOST_PARALLEL = 8
BATCH = 100
TIMEOUT_SECONDS = 10.0
ANSWER_SECONDS, MOST_ANSWER_BYTES = 1.0, 65_536
"""The limits for reading the body of an answer."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
LONGEST_ASKED_SECONDS = 3_600.0
LONGEST_WAIT_SECONDS = 86_400.0
REFUSED_STATUSES = (400, 413, 422)
MOST_FAULTS = 10
SENT = "tailorbird_webhook_messages_total"
UNTRUSTED = "; mend its certificate, or name its authority's PEM file in TAILORBIRD_WEBHOOKS_CA"
GIVEN_UP = "a message to the webhook `%s` is given up: %s (help: see `tailorbird webhooks given-up`)"
ALL_GIVEN_UP = (
    "%d messages that waited for a day for the webhook `%s` are given up: %s (help: see `tailorbird webhooks given-up`)"
)

Outcome = httpx.Response | httpx.HTTPError
"""The result of sending a message: the answer, or the error."""


class Sender:
    """Sends one webhook's messages. `pause_until` is when it may be tried again (Unix seconds), `failure` why it is
    paused, "" if it is not."""

    def __init__(
        self, webhook: Webhook, outbox: Outbox, client: httpx.AsyncClient, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self.webhook = webhook
        self.pause_until = 0.0
        self.failure = ""
        self._outbox = outbox
        self._client = client
        self._metrics = metrics
        self._clock = clock
        self._paused_at = 0.0
        self._failures = 0
        self._faults: Counter[str] = Counter()

    async def step(self) -> bool:
        """Sends one batch, unless paused; False if there is nothing more to do for now. May raise `StoreError`."""
        if self._is_paused():
            return False
        waiting = await self._outbox.oldest(self.webhook.name, BATCH)
        for batch in _rounds(waiting):
            outcomes = await asyncio.gather(*map(self._send, batch))
            await self._record(batch, outcomes)
            if self._is_paused():
                return False
        return bool(waiting)

    def _is_paused(self) -> bool:
        """A clock that was set back ends the pause."""
        return self._paused_at <= self._clock() < self.pause_until

    async def _send(self, delivery: Delivery) -> Outcome:
        body = body_of(delivery, self.webhook.form, self._clock())
        request = self._client.build_request(
            "POST", self.webhook.url, content=body, headers=headers_of(body, self.webhook)
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._client.send(request, stream=True)
        except TimeoutError:
            return httpx.ReadTimeout("its answer comes too slowly")
        except httpx.HTTPError as error:
            return error
        await _finish(answer)
        return answer

    async def _record(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        accepted = [one for one, outcome in zip(deliveries, outcomes, strict=True) if not _failure_of(outcome)]
        await self._outbox.done(accepted)
        self._count("sent", len(accepted))
        failed: list[Outcome] = []
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if delivery in accepted:
                self._faults.pop(delivery.id, None)
            elif self._must_give_up(delivery, outcome, others_are_accepted=bool(accepted)):
                reason = _failure_of(outcome)
                log.error(GIVEN_UP, self.webhook.name, reason)
                await self._give_up(delivery, reason)
                failed += [] if _is_refused(outcome) else [outcome]
            else:
                self._count("failed")
                failed.append(outcome)
        if not failed:
            self._failures = 0
        elif accepted:
            self._failures = min(self._failures, 1)
        self._pause(failed)
        if failed:
            await self._outbox.note_failure(self.webhook.name, Failure(self._paused_at, self.failure))
        if failed and not accepted:
            await self._give_up_old()

    async def _give_up_old(self) -> None:
        """Gives up all that has waited for too long: at each pause only few are tried, and those that wait count
        together with those for other webhooks (`follower.MOST_WAITING`)."""
        while old := [one for one in await self._outbox.oldest(self.webhook.name, BATCH) if self._is_old(one)]:
            log.error(ALL_GIVEN_UP, len(old), self.webhook.name, self.failure)
            for delivery in old:
                await self._give_up(delivery, self.failure)

    async def _give_up(self, delivery: Delivery, reason: str) -> None:
        self._faults.pop(delivery.id, None)
        self._count("given up")
        await self._outbox.give_up(replace(delivery, reason=reason))

    def _is_old(self, delivery: Delivery) -> bool:
        return self._clock() - delivery.queued_at > LONGEST_WAIT_SECONDS

    def _must_give_up(self, delivery: Delivery, outcome: Outcome, *, others_are_accepted: bool) -> bool:
        if isinstance(outcome, httpx.Response) and others_are_accepted:
            self._faults[delivery.id] += 1
        return _is_refused(outcome) or self._is_old(delivery) or self._faults[delivery.id] >= MOST_FAULTS

    def _pause(self, failed: Sequence[Outcome]) -> None:
        """Pauses the webhook after failures: as long as it asks for, or twice as long each time, with jitter."""
        if not failed:
            if self.failure:
                log.warning("the webhook `%s` takes messages again", self.webhook.name)
            self.failure = ""
            return
        self._failures += 1
        longest = min(FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, 20), LONGEST_PAUSE_SECONDS)
        now = self._clock()
        retry_after = max(_retry_after(outcome, now) for outcome in failed)
        pause = max(longest * random.uniform(0.5, 1.0), retry_after)  # noqa: S311  # no secret
        self._paused_at, self.pause_until, self.failure = now, now + pause, _failure_of(failed[0])
        log.warning("the webhook `%s` is left alone for %.1f s: %s", self.webhook.name, pause, self.failure)

    def _count(self, outcome: str, by: int = 1) -> None:
        if by:
            self._metrics.count(SENT, "outcome", outcome, by)


async def _finish(answer: httpx.Response) -> None:
    """Reads a short body, so that the connection can be reused. The connection of a long or endless one is closed: only
    the status matters."""
    left = MOST_ANSWER_BYTES
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            async for chunk in answer.aiter_raw():
                left -= len(chunk)
                if left < 0:
                    break
    await answer.aclose()


def _rounds(waiting: Sequence[Delivery]) -> list[list[Delivery]]:
    """The messages in batches to be sent one after another: each visitor at most once per batch, and in order."""
    rounds: list[list[Delivery]] = []
    last: dict[str, int] = {}
    for delivery in waiting:
        number = last.get(delivery.visitor_id, -1) + 1
        while number < len(rounds) and len(rounds[number]) >= MOST_PARALLEL:
            number += 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(delivery)
        last[delivery.visitor_id] = number
    return rounds


def _failure_of(outcome: Outcome) -> str:
    """Why a message was not accepted, in a few words; "" if it was."""
    if isinstance(outcome, httpx.Response):
        return "" if outcome.is_success else f"it answered {outcome.status_code}"
    why = str(outcome) or type(outcome).__name__
    return f"it could not be reached ({why})" + (UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in why else "")


def _is_refused(outcome: Outcome) -> bool:
    """Whether the answer says that the message itself is wrong."""
    return isinstance(outcome, httpx.Response) and outcome.status_code in REFUSED_STATUSES


def _retry_after(outcome: Outcome, now: float) -> float:
    """The seconds that the answer asks to wait (Retry-After: seconds, or a date); an hour at most, 0 for none."""
    value = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_ASKED_SECONDS)
    until = http_date(value.encode()) or 0.0
    return max(0.0, min(until - now, LONGEST_ASKED_SECONDS))


_DEVICE = re.compile(r"[0-9a-f]{32}|anon_[0-9a-f]{32}")
"""The ids that Tailorbird itself gives to visitors: those of cookies, and of visitors without one
(`events/intake.py`)."""

Headers = dict[str, str]


def body_of(delivery: Delivery, form: Form, now: float) -> bytes:
    """The message as JSON: a call in the format of Segment's audiences. The visitor is named here, never in the
    URL."""
    key = key_of(delivery.segment)
    id_name = "anonymousId" if _DEVICE.fullmatch(delivery.visitor_id) else "userId"
    call: dict[str, object] = {
        "type": str(form),
        id_name: delivery.visitor_id,
        "messageId": delivery.id,
        "timestamp": iso_time(delivery.at, "milliseconds"),
        "sentAt": iso_time(now, "milliseconds"),
        "context": {
            "personas": {
                "computation_class": "audience",
                "computation_id": key,
                "computation_key": key,
                "namespace": "tailorbird",
            },
            "library": {"name": "tailorbird"},
        },
    }
    match form:
        case Form.IDENTIFY:
            call["traits"] = {key: delivery.entered}
        case Form.TRACK:
            call["event"] = "Audience Entered" if delivery.entered else "Audience Exited"
            call["properties"] = {"audience_key": key, "audience_name": delivery.segment, key: delivery.entered}
        case _:
            assert_never(form)
    return msgspec.json.encode(call)


def headers_of(body: bytes, webhook: Webhook) -> Headers:
    """The header fields of the request. The signature is the same as Segment's, the HMAC-SHA-1 of the body in
    hexadecimal digits, so that code which checks theirs works here; a second header has HMAC-SHA-256."""
    secret = webhook.secret.encode()
    return {
        "content-type": "application/json",
        "user-agent": "tailorbird",
        "x-signature": hmac.digest(secret, body, "sha1").hex(),
        "x-signature-256": hmac.digest(secret, body, "sha256").hex(),
    }


def key_of(segment: str) -> str:
    """A segment's name as platforms write keys: `Left their cart` is `left_their_cart`."""
    return re.sub(r"\W+", "_", segment.lower()).strip("_") or "segment"
