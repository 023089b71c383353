"""The listeners of this process, by topic. One that raises has not handled its message; it does not affect others."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket

from proxy.ports import OnMessage

log = logging.getLogger("tailorbird.bus")

ID_BYTES = 12
"""What sets one message apart from all others."""
REPLY_SECONDS = 1.0
"""How long a sender waits for the replies of the others."""


def name_of_process() -> str:
    """A unique name of this process, among all machines and earlier processes with the same pid."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Listeners:
    """At most one listener a topic."""

    def __init__(self) -> None:
        self._by_topic: dict[str, OnMessage] = {}

    def listen(self, topic: str, on_message: OnMessage) -> None:
        """As `ports.Bus`."""
        if topic in self._by_topic:
            raise AssertionError(f"`{topic}` has its listener already")
        self._by_topic[topic] = on_message

    async def handle(self, topic: str, payload: bytes) -> bytes | None:
        """The listener's answer; None when it raised. A topic without a listener counts as handled: another version may
        know more topics."""
        listener = self._by_topic.get(topic)
        if listener is None:
            return b""
        task = asyncio.ensure_future(listener(payload))
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
        if task.exception() is not None:
            log.error("what was heard on `%s` could not be done", topic, exc_info=task.exception())
            return None
        return task.result()

    async def reply(self, name: str, topic: str, payload: bytes) -> dict[str, bytes]:
        """What the listener answers, under the name of this process; nothing when it failed or took too long."""
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                answer = await self.handle(topic, payload)
        except TimeoutError:
            return {}
        return {} if answer is None else {name: answer}
