"""Leader election for webhooks: one process of all looks for changes and sends them, and renews its lease in the store
every few seconds. When it is gone, another goes on where the store says it was."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from proxy.diagnostics import Finding, as_text
from proxy.ending import together
from proxy.errors import OperatorError, StoreError
from proxy.metrics import Metrics
from proxy.outbox.follower import Follower
from proxy.ports import Outbox, Store
from proxy.rulebook.compile import Publication
from proxy.rulebook.webhookfile import Webhook, read_webhooks

log = logging.getLogger("tailorbird.outbox")

LEAD_SECONDS = 6.0
ASK_SECONDS = 2.0
MARGIN_SECONDS = 1.0
"""Before the lead could be another's, nothing new is begun."""
REST_SECONDS = 0.5


class Leader:
    """Runs in every process; only the one that has the lead does the work."""

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        webhooks: Sequence[Webhook],
        publication: Callable[[], Publication | None],
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._outbox = outbox
        self._clock = clock
        self._follower = Follower(name, store, outbox, webhooks, publication, metrics, clock)
        self._webhooks = webhooks
        self._metrics = metrics
        self._leads_until = 0.0

    async def run(self) -> None:
        """Runs until cancelled."""
        # A sixth of what a worker takes to start, and few shops have webhooks.
        import httpx

        from proxy.outbox.sender import TIMEOUT_SECONDS, Sender

        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
            told = self._outbox, client, self._metrics, self._clock
            sending = (self._repeat(Sender(webhook, *told).step) for webhook in self._webhooks)
            try:
                await together(self._ask_for_the_lead(), self._repeat(self._look), *sending)
            finally:
                await self._follower.rest()
                await self._leave()

    async def _leave(self) -> None:
        """Gives up the lead, so that another process can have it at once."""
        if self._leads_until:
            with contextlib.suppress(StoreError):
                await self._outbox.lead(self._name, self._clock(), 0.0)

    async def _ask_for_the_lead(self) -> None:
        while True:
            with contextlib.suppress(StoreError):
                asked_at = self._clock()
                has_it = await self._outbox.lead(self._name, asked_at, LEAD_SECONDS)
                self._leads_until = asked_at + LEAD_SECONDS - MARGIN_SECONDS if has_it else 0.0
            await asyncio.sleep(ASK_SECONDS)

    async def _look(self) -> bool:
        """Lets the follower work for at most half of the time: the process serves pages too."""
        began = asyncio.get_running_loop().time()
        is_busy = await self._follower.step()
        if is_busy:
            await asyncio.sleep(min(asyncio.get_running_loop().time() - began, REST_SECONDS))
        return is_busy

    async def _repeat(self, step: Callable[[], Awaitable[bool]]) -> None:
        while True:
            try:
                is_busy = self._clock() < self._leads_until and await step()
            except StoreError as error:
                log.debug("webhooks wait for the store: %s", error)
                is_busy = False
            await asyncio.sleep(0 if is_busy else REST_SECONDS)


def webhooks_in(path: str) -> tuple[Webhook, ...]:
    """The webhooks of the operator's file; none when there is no such setting. Raises `OperatorError`, with all that
    is wrong in it."""
    if not path:
        return ()
    findings: list[Finding] = []
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise OperatorError(f"`{path}` cannot be read: {error.strerror}", help="see the setting `webhooks`") from error
    found = read_webhooks(Path(path).name, raw, findings)
    if findings:
        told = as_text(findings, {Path(path).name: raw.decode("utf-8-sig", "replace")})
        raise OperatorError(f"the webhooks file has mistakes\n\n{told}")
    return found
