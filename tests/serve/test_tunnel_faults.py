"""A fault of ours on the way of a handshake: the visitor is told, and neither end waits for the other."""

from __future__ import annotations

import asyncio
import logging
from pkgutil import resolve_name
from typing import Any

import pytest

from tests.serve.test_tunnel import ACCEPT, KEY, SWITCHING, Proxy, switching_then
from tests.wire.origin import Origin, ok

AGREED = SWITCHING + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
REFUSED = ok(b"no", status=b"403 Forbidden")


@pytest.mark.parametrize(
    ("fails", "answer", "begins"),
    [
        ("_is_agreement", AGREED, b"HTTP/1.1 502 Bad Gateway\r\n"),
        ("response_headers", REFUSED, b"HTTP/1.1 502 Bad Gateway\r\n"),
        ("request_headers", REFUSED, b"HTTP/1.1 502 Bad Gateway\r\n"),
        ("_passed", REFUSED, b"HTTP/1.1 403 Forbidden\r\n"),
    ],
)
async def test_a_fault_of_ours_is_told_and_ends_both_connections(
    fails: str, answer: bytes, begins: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: Any) -> None:
        raise ValueError("a fault of ours")

    if fails == "_passed":  # of what is passed on, once its head is on its way
        monkeypatch.setattr("proxy.upstream.answer.Answer.take", fault)
    else:
        monkeypatch.setattr(resolve_name("proxy.serve.tunnel"), fails, fault)
    with caplog.at_level(logging.ERROR):
        async with Origin(switching_then(answer)) as origin, Proxy(origin.url) as proxy:
            try:
                async with asyncio.timeout(10):
                    got = await proxy.ask(b"Host: shop.example", b"Sec-WebSocket-Key: " + KEY)
            except ConnectionResetError:
                got = begins
            assert got.startswith(begins) and not got.endswith(b"no")
            await origin.has_open(0)
    assert [record.name for record in caplog.records] == ["tailorbird.tunnel"]
