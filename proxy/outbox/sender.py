"""Bringing what waits to one webhook: in order for each visitor, several visitors at once.

A message is sent until it was taken. A webhook that cannot be reached, or has a fault or no time, is left alone for a
while, longer each time, and everything waits with it. What it calls wrong with one message (400, 413, 422) is given
up at once; so is what it answers with a fault again and again while it takes others, and what has waited for a day. The
id is the same each time, so that whoever keeps ids hears it once. Redirects are not followed: the operator named an
address, not whoever answers there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence

import httpx
from msgspec.structs import replace

from proxy.metrics import Metrics
from proxy.model import Delivery
from proxy.outbox.messages import body_of, headers_of
from proxy.ports import Outbox
from proxy.rulebook.webhookfile import Webhook

log = logging.getLogger("tailorbird.outbox")

AT_ONCE = 8
LOOK_AT = 100
TIMEOUT_SECONDS = 10.0
ANSWER_SECONDS, MOST_ANSWER_BYTES = 1.0, 65_536
"""What is waited for of an answer after its head."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
LONGEST_WAIT_SECONDS = 86_400.0
OF_THE_MESSAGE = (400, 413, 422)
MOST_FAULTS = 10
SENT = "tailorbird_webhook_messages_total"

Outcome = httpx.Response | httpx.HTTPError
"""What came of sending a message."""


class Sender:
    """Sends one webhook's messages. `pause_until` is when it may be tried again, `trouble` why it is paused ("" when it
    is not)."""

    def __init__(
        self, webhook: Webhook, outbox: Outbox, client: httpx.AsyncClient, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self.webhook = webhook
        self.pause_until = 0.0
        self.trouble = ""
        self._outbox = outbox
        self._client = client
        self._metrics = metrics
        self._clock = clock
        self._failures = 0
        self._faults: Counter[str] = Counter()

    async def step(self) -> bool:
        """Sends what may be sent now; False when there is nothing more to be done for the moment. May raise
        `StoreError`."""
        if self._clock() < self.pause_until:
            return False
        waiting = await self._outbox.first(self.webhook.name, LOOK_AT)
        for some in _rounds(waiting):
            outcomes = await asyncio.gather(*map(self._send, some))
            await self._settle(some, outcomes)
            if self._clock() < self.pause_until:
                return False
        return bool(waiting)

    async def _send(self, delivery: Delivery) -> Outcome:
        body = body_of(delivery, self.webhook.form, self._clock())
        asked = self._client.build_request(
            "POST", self.webhook.url, content=body, headers=headers_of(body, self.webhook)
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._client.send(asked, stream=True)
        except TimeoutError:
            return httpx.ReadTimeout("its answer comes too slowly")
        except httpx.HTTPError as error:
            return error
        await _let_go(answer)
        return answer

    async def _settle(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        taken = [one for one, outcome in zip(deliveries, outcomes, strict=True) if not _trouble(outcome)]
        await self._outbox.done(taken)
        self._count("sent", len(taken))
        troubles = []
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if delivery in taken:
                self._faults.pop(delivery.id, None)
            elif self._is_hopeless(delivery, outcome, others_are_taken=bool(taken)):
                self._faults.pop(delivery.id, None)
                self._count("given up")
                await self._outbox.give_up(replace(delivery, reason=_trouble(outcome)))
            else:
                self._count("failed")
                troubles.append(outcome)
        self._failures = min(self._failures, 0 if not troubles else 1 if taken else self._failures)
        self._pause(troubles)

    def _is_hopeless(self, delivery: Delivery, outcome: Outcome, *, others_are_taken: bool) -> bool:
        if isinstance(outcome, httpx.Response) and others_are_taken:
            self._faults[delivery.id] += 1
        is_wrong = isinstance(outcome, httpx.Response) and outcome.status_code in OF_THE_MESSAGE
        is_old = self._clock() - delivery.queued_at > LONGEST_WAIT_SECONDS
        return is_wrong or is_old or self._faults[delivery.id] >= MOST_FAULTS

    def _pause(self, troubles: Sequence[Outcome]) -> None:
        """Pauses the webhook: for as long as it asks for, or longer each time, with jitter."""
        if not troubles:
            self.trouble = ""
            return
        self._failures += 1
        longest = min(FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, 20), LONGEST_PAUSE_SECONDS)
        asked = max((_asked_for(trouble) for trouble in troubles), default=0.0)
        pause = max(longest * random.uniform(0.5, 1.0), asked)  # noqa: S311  # no secret
        self.pause_until, self.trouble = self._clock() + pause, _trouble(troubles[0])
        log.warning("the webhook `%s` is left alone for %.1f s: %s", self.webhook.name, pause, self.trouble)

    def _count(self, outcome: str, by: int = 1) -> None:
        if by:
            self._metrics.count(SENT, "outcome", outcome, by)


async def _let_go(answer: httpx.Response) -> None:
    """Reads the little that may follow, so that the connection can be used again. Who goes on for ever, or in gzip for
    gigabytes, is hung up on: all was said in the status."""
    left = MOST_ANSWER_BYTES
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            async for chunk in answer.aiter_raw():
                left -= len(chunk)
                if left < 0:
                    break
    await answer.aclose()


def _rounds(waiting: Sequence[Delivery]) -> list[list[Delivery]]:
    """The messages in rounds that are sent one after the other: no visitor twice in one, each visitor's in order."""
    rounds: list[list[Delivery]] = []
    last: dict[str, int] = {}
    for delivery in waiting:
        place = last.get(delivery.visitor_id, -1) + 1
        while place < len(rounds) and len(rounds[place]) >= AT_ONCE:
            place += 1
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(delivery)
        last[delivery.visitor_id] = place
    return rounds


def _trouble(outcome: Outcome) -> str:
    """Why a message was not taken, in a few words; "" when it was."""
    if isinstance(outcome, httpx.Response):
        return "" if outcome.is_success else f"it answered {outcome.status_code}"
    return f"it could not be reached ({type(outcome).__name__})"


def _asked_for(outcome: Outcome) -> float:
    """How many seconds the answer asks to wait (Retry-After); an hour at most."""
    said = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
    return min(float(said), 3_600.0) if said.isascii() and said.isdigit() else 0.0
