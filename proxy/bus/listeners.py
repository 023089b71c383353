"""The message handlers of this process, one per topic. A handler that raises has not handled its message, and does not
affect others."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket

from proxy.ports import OnMessage

log = logging.getLogger("tailorbird.bus")

REPLY_SECONDS = 1.0
"""How long a sender waits for replies."""


def name_of_process() -> str:
    """A unique name of this process, among all machines and earlier processes with the same pid."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Listeners:
    """The handlers, at most one per topic."""

    def __init__(self) -> None:
        self._by_topic: dict[str, OnMessage] = {}

    def listen(self, topic: str, on_message: OnMessage) -> None:
        """As `ports.Bus`."""
        if topic in self._by_topic:
            raise AssertionError(f"`{topic}` has a listener already")
        self._by_topic[topic] = on_message

    async def handle(self, topic: str, payload: bytes) -> bytes | None:
        """The handler's answer; None if it raised. A topic without a handler counts as handled, with the answer b"":
        another version may know more topics."""
        listener = self._by_topic.get(topic)
        if listener is None:
            return b""
        task = asyncio.ensure_future(listener(payload))
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
        if task.exception() is not None:
            log.error("a message on `%s` could not be handled", topic, exc_info=task.exception())
            return None
        return task.result()

    async def reply(self, name: str, topic: str, payload: bytes) -> dict[str, bytes]:
        """The handler's answer under the `name` of this process; empty if it raised or took longer than
        `REPLY_SECONDS`."""
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                answer = await self.handle(topic, payload)
        except TimeoutError:
            return {}
        return {} if answer is None else {name: answer}
