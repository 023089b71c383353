"""Sends events as fast as they are taken, over connections of its own, and keeps what was acknowledged.

async with Posting(port, key) as posting:
    status = await posting.post([view("anna", "m1")])
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from tests.wire.served import Heard, hear, request

KEY = "a-server-key-for-tests"
WRITE_KEYS = f"shop:server:{KEY}"


def view(visitor_id: str, message_id: str, product: str = "p1", **more: Any) -> dict[str, Any]:
    """A product that was viewed, as Segment's SDKs would say it."""
    properties = {"product_id": product, "price": 1}
    return {
        "type": "track", "event": "Product Viewed", "userId": visitor_id, "messageId": message_id,
        "properties": properties, **more,
    }  # fmt: skip


def body_of(events: Sequence[dict[str, Any]]) -> bytes:
    """A batch."""
    return json.dumps({"batch": events}).encode()


class Posting:
    """One connection, made again when it breaks."""

    def __init__(self, port: int, key: str = KEY) -> None:
        self._port = port
        self._auth = b"Basic " + b64encode(key.encode() + b":")
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Posting:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """The next request goes over a new connection."""
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None

    async def post(self, body: bytes) -> int:
        """The status; 0 when nobody answered whole."""
        heard = await self.ask(request(b"POST", b"/_tb/v1/batch", (b"Authorization", self._auth), body=body))
        return heard.status if heard is not None else 0

    async def ask(self, raw: bytes) -> Heard | None:
        """What was answered; None when nobody did, or not whole."""
        try:
            async with asyncio.timeout(20):
                if self._stream is None:
                    self._stream = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._stream
                writer.write(raw)
                heard = await hear(reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.hang_up()
            return None
        if not heard.is_whole or heard.headers.get(b"connection") == b"close":
            self.hang_up()
        return heard if heard.is_whole else None

    async def post_until_taken(self, body: bytes) -> None:
        """Sends it again until it is acknowledged, as SDKs do."""
        while await self.post(body) != 200:
            self.hang_up()
            await asyncio.sleep(0.02)
