"""The tests of sockets run on uvloop, which serves; those of the transport on asyncio's own loop too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
ON_BOTH = {"test_connection.py", "test_exchange.py", "test_origin.py", "test_sending.py"}
ON_UVLOOP = {"test_app.py", "test_protocol.py", "test_tunnel.py"}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in ON_BOTH:
        return LOOPS
    name = "uvloop" if item.path.name in ON_UVLOOP else "asyncio"
    return {name: LOOPS[name]}
