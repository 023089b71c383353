"""Messages between the processes that serve one shop about pages that a form changed, so that none shows what was there
before it (RFC 9111 4.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Set

import msgspec

from proxy.ending import ended
from proxy.ports import Bus
from proxy.wiring.visitor_messages import Sender

CHANGED = "changed"
"""The topic of these messages."""


class PagesChanged(Sender, frozen=True, array_like=True):
    """The whole message: the sender, and the keys of the pages."""

    keys: list[bytes]


class ChangedPages:
    """Sends and receives these messages, for one process. `forget` removes what it keeps under the keys."""

    def __init__(self, bus: Bus, forget: Callable[[Collection[bytes]], None]) -> None:
        self._bus = bus
        self._forget = forget
        self._waiting: set[bytes] = set()
        self._sending: asyncio.Task[None] | None = None
        bus.listen(CHANGED, self._on_changed)

    def tell(self, keys: Set[bytes]) -> None:
        """Tells the other processes. Nobody waits; what changes while a message is sent goes with the next."""
        if self._bus.is_alone:
            return
        self._waiting |= keys
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._waiting:
            message = PagesChanged(self._bus.name, list(self._waiting))
            self._waiting.clear()
            await self._bus.publish(CHANGED, msgspec.msgpack.encode(message))

    async def _on_changed(self, message: bytes) -> bytes:
        changed = msgspec.msgpack.decode(message, type=PagesChanged)
        if changed.sender != self._bus.name:
            self._forget(set(changed.keys))
        return b""

    async def aclose(self) -> None:
        """Gives up what was not sent yet."""
        if self._sending is not None:
            await ended(self._sending)
