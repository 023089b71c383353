"""Leader election for webhooks: one of all processes, the one with the lead, finds changes and sends them. It renews
its lease in the store every few seconds; if it ends, another process goes on from the position in the store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from proxy.diagnostics import Finding, as_text
from proxy.ending import together
from proxy.environment import mistaken
from proxy.errors import OperatorError, StoreError
from proxy.metrics import Metrics
from proxy.outbox.follower import Follower
from proxy.ports import Outbox, Store
from proxy.rulebook.compile import Publication
from proxy.rulebook.webhookfile import Webhook, read_webhooks

log = logging.getLogger("tailorbird.outbox")

LEASE_SECONDS = 6.0
RENEW_SECONDS = 2.0
MARGIN_SECONDS = 1.0
"""So long before the lease ends, nothing new is started."""
IDLE_SECONDS = 0.5


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
        tls: ssl.SSLContext,
    ) -> None:
        self._name = name
        self._outbox = outbox
        self._clock = clock
        self._follower = Follower(name, store, outbox, webhooks, publication, metrics, clock)
        self._webhooks = webhooks
        self._metrics = metrics
        self._tls = tls
        self._leads_until = 0.0

    async def run(self) -> None:
        """Runs until cancelled."""
        # A sixth of what a worker takes to start, and few shops have webhooks.
        import httpx

        from proxy.outbox.sender import TIMEOUT_SECONDS, Sender

        async with httpx.AsyncClient(
            timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False, verify=self._tls
        ) as client:
            shared = self._outbox, client, self._metrics, self._clock
            sending = (self._repeat(Sender(webhook, *shared).step) for webhook in self._webhooks)
            try:
                await together(self._keep_lead(), self._repeat(self._follow), *sending)
            finally:
                await self._follower.close()
                await self._give_up_lead()

    async def _give_up_lead(self) -> None:
        """Ends the lease, so that another process can have the lead at once."""
        if self._leads_until:
            with contextlib.suppress(StoreError):
                await self._outbox.lead(self._name, self._clock(), 0.0)

    async def _keep_lead(self) -> None:
        while True:
            with contextlib.suppress(StoreError):
                now = self._clock()
                has_lead = await self._outbox.lead(self._name, now, LEASE_SECONDS)
                self._leads_until = now + LEASE_SECONDS - MARGIN_SECONDS if has_lead else 0.0
            await asyncio.sleep(RENEW_SECONDS)

    async def _follow(self) -> bool:
        """Lets the follower work for at most half of the time: the process serves pages too."""
        began = asyncio.get_running_loop().time()
        is_busy = await self._follower.step()
        if is_busy:
            await asyncio.sleep(min(asyncio.get_running_loop().time() - began, IDLE_SECONDS))
        return is_busy

    async def _repeat(self, step: Callable[[], Awaitable[bool]]) -> None:
        while True:
            try:
                is_busy = self._clock() < self._leads_until and await step()
            except StoreError as error:
                log.debug("webhooks wait for the store: %s", error)
                is_busy = False
            await asyncio.sleep(0 if is_busy else IDLE_SECONDS)


def webhooks_in(path: str) -> tuple[Webhook, ...]:
    """The webhooks of the operator's file; none if `path` is "". Raises `OperatorError` with all mistakes in it."""
    if not path:
        return ()
    findings: list[Finding] = []
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise mistaken("webhooks", f"`{path}` cannot be read: {error.strerror}") from error
    found = read_webhooks(Path(path).name, raw, findings)
    if findings:
        mistakes = as_text(findings, {Path(path).name: raw.decode("utf-8-sig", "replace")})
        raise OperatorError(f"the webhooks file has mistakes\n\n{mistakes}")
    return found
