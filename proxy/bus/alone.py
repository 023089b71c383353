"""The bus of a shop served by one process: it hears itself."""

from __future__ import annotations

import asyncio

from proxy.bus.listeners import TOLD_WITHIN_SECONDS, Listeners, name_of_process
from proxy.ports import Hear, Told


class Alone:
    """A `Bus` with one stop."""

    def __init__(self) -> None:
        self.name = name_of_process()
        self.is_alone = True
        self._listeners = Listeners()

    def listen(self, topic: str, hear: Hear) -> None:
        self._listeners.listen(topic, hear)

    async def open(self) -> None:
        return

    async def send(self, topic: str, payload: bytes = b"") -> Told:
        return Told(frozenset({self.name}), await heard_here(self._listeners, self.name, topic, payload))

    async def tell(self, topic: str, payload: bytes = b"") -> None:
        await self._listeners.hear(topic, payload)

    async def aclose(self) -> None:
        return


async def heard_here(listeners: Listeners, name: str, topic: str, payload: bytes) -> dict[str, bytes]:
    """This process's own answer, by its name; none when it failed or took too long."""
    try:
        async with asyncio.timeout(TOLD_WITHIN_SECONDS):
            answer = await listeners.hear(topic, payload)
    except TimeoutError:
        return {}
    return {} if answer is None else {name: answer}
