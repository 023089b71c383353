"""Two buses as one: each message is sent over both, and each process handles it once."""

from __future__ import annotations

import asyncio
import secrets

from proxy.memo import make_room
from proxy.ports import ID_BYTES, Bus, OnMessage, Replies

_REMEMBERED = 10_000


class JoinedBus:
    """A `Bus` made of two: `far` reaches all machines; `near` reaches this one, also while `far` does not work."""

    def __init__(self, near: Bus, far: Bus) -> None:
        self.name = far.name = near.name
        self.is_alone = False
        self._near = near
        self._far = far
        self._done: dict[bytes, asyncio.Future[bytes]] = {}

    def listen(self, topic: str, on_message: OnMessage) -> None:
        async def once(message: bytes) -> bytes:
            return await self._once(message[:ID_BYTES], message[ID_BYTES:], on_message)

        self._near.listen(topic, once)
        self._far.listen(topic, once)

    async def _once(self, message_id: bytes, payload: bytes, on_message: OnMessage) -> bytes:
        if message_id not in self._done:
            make_room(self._done, _REMEMBERED)
            self._done[message_id] = asyncio.ensure_future(on_message(payload))
        return await asyncio.shield(self._done[message_id])

    async def open(self) -> None:
        await asyncio.gather(self._near.open(), self._far.open())

    async def request(self, topic: str, payload: bytes = b"") -> Replies:
        message = secrets.token_bytes(ID_BYTES) + payload
        near, far = await asyncio.gather(self._near.request(topic, message), self._far.request(topic, message))
        answers = {**near.answers, **far.answers}
        return Replies(near.live | far.live, answers, is_cut_off=near.is_cut_off or far.is_cut_off)

    async def publish(self, topic: str, payload: bytes = b"") -> None:
        message = secrets.token_bytes(ID_BYTES) + payload
        await asyncio.gather(self._near.publish(topic, message), self._far.publish(topic, message))

    async def aclose(self) -> None:
        await asyncio.gather(self._near.aclose(), self._far.aclose())
