"""Somebody who is told, on a real socket: answers as it is told to, and remembers what it heard."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable

from proxy.rulebook.webhookfile import Webhook
from tests.wire.origin import Origin, Seen, Wire

SECRET = "a secret of some length"
Answer = Callable[[dict[str, object], int], bytes]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def status(code: int, *fields: bytes) -> bytes:
    """An answer with no body."""
    head = b"".join(field + b"\r\n" for field in fields)
    return b"HTTP/1.1 %d Something\r\nContent-Length: 0\r\n%b\r\n" % (code, head)


class Receiver(Origin):
    """`answer` says what is answered to a call the so manieth time it comes."""

    def __init__(self, answer: Answer = lambda call, times: OK) -> None:
        super().__init__(self._talk)
        self._answer = answer
        self._times: dict[object, int] = defaultdict(int)
        self.taken: list[dict[str, object]] = []

    def webhook(self, name: str = "cdp", *segments: str) -> Webhook:
        return Webhook(name, f"{self.url}/hooks/segments", SECRET, frozenset(segments))

    def heard(self) -> list[tuple[object, object, object]]:
        """Who, what and which segment, of what was taken, in the order it came."""
        return [
            (call.get("userId") or call.get("anonymousId"), call["event"], call["properties"]["audience_key"])  # type: ignore[index]
            for call in self.taken
        ]

    async def _talk(self, wire: Wire) -> None:
        while True:
            seen: Seen = await wire.request()
            call = json.loads(seen.body)
            self._times[call["messageId"]] += 1
            answer = self._answer(call, self._times[call["messageId"]])
            if answer.startswith(b"HTTP/1.1 2"):
                self.taken.append(call)
            if not answer:
                wire.reset()
                return
            await wire.send(answer)
