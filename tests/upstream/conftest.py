"""The transport's tests run on uvloop, which serves, and on asyncio's own loop too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from proxy.ports import UpstreamRequest
from proxy.upstream.origin import OriginTransport

GET = UpstreamRequest(b"GET", b"/", ((b"host", b"shop.example"),))

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
ON_BOTH = {"test_connection.py", "test_exchange.py", "test_origin.py", "test_origin_streams.py", "test_sending.py"}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return LOOPS if item.path.name in ON_BOTH else {"uvloop": LOOPS["uvloop"]}


async def body_of(transport: OriginTransport, request: UpstreamRequest = GET) -> bytes:
    """The whole body of the answer."""
    answer = await transport.fetch(request)
    try:
        return b"".join([piece async for piece in answer.body])
    finally:
        await answer.aclose()
