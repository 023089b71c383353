"""How programs ask for decisions: JSON in, JSON out, with a key or without."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.served import Heard, Served, hear, request


async def post(served: Served, path: bytes, what: object, *headers: tuple[bytes, bytes]) -> Heard:
    reader, writer = await served.connect()
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    writer.write(request(b"POST", path, *headers, (b"Connection", b"close"), body=body))
    heard = await hear(reader)
    writer.close()
    return heard


async def answered(served: Served, path: bytes, what: object, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """The answer, which nobody may keep."""
    heard = await post(served, path, what, *headers)
    assert heard.status == 200, heard.body
    assert heard.headers[b"cache-control"] == b"no-store"
    return dict(json.loads(heard.body))


def bearer(key: str) -> tuple[bytes, bytes]:
    return b"Authorization", b"Bearer " + key.encode()
