"""The bus of a shop that one process serves: a message goes to that process's own handlers."""

from __future__ import annotations

from proxy.bus.listeners import Listeners, name_of_process
from proxy.ports import OnMessage, Replies


class LocalBus:
    """A `Bus` within this process."""

    def __init__(self) -> None:
        self.name = name_of_process()
        self.is_alone = True
        self._listeners = Listeners()

    def listen(self, topic: str, on_message: OnMessage) -> None:
        self._listeners.listen(topic, on_message)

    async def open(self) -> None:
        return

    async def request(self, topic: str, payload: bytes = b"") -> Replies:
        return Replies(frozenset({self.name}), await self._listeners.reply(self.name, topic, payload))

    async def publish(self, topic: str, payload: bytes = b"") -> None:
        await self._listeners.handle(topic, payload)

    async def aclose(self) -> None:
        return
