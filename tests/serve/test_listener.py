"""Several servers share a process, bind at once, and stop together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Any

import httpx
import pytest

from proxy.errors import OperatorError
from proxy.serve.listener import Listener, run


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_all_listeners_answer_and_one_signal_stops_them() -> None:
    listeners = [Listener("one", hello, "127.0.0.1", 0), Listener("two", hello, "127.0.0.1", 0)]
    running = asyncio.create_task(run(listeners))
    async with httpx.AsyncClient(trust_env=False) as client:
        answers = [(await client.get(listener.url)).text for listener in listeners]
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 5)
    assert answers == ["hello", "hello"]


async def test_a_taken_port_is_told_before_anything_starts() -> None:
    first = Listener("one", hello, "127.0.0.1", 0)
    with pytest.raises(OperatorError, match=f"cannot open `127.0.0.1:{first.port}` for the two"):
        Listener("two", hello, "127.0.0.1", first.port)
    first.socket.close()


async def test_an_answer_in_two_writes_does_not_wait_for_an_acknowledgement() -> None:
    listener = Listener("one", hello, "127.0.0.1", 0)
    assert listener.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    listener.socket.close()
