"""A request to switch protocols on a connection of its own, which is handed over when the origin agrees."""

from __future__ import annotations

import asyncio

from proxy.ports import UpstreamRequest
from proxy.upstream.answer import Answer
from proxy.upstream.connection import Connection
from proxy.upstream.exchange import Exchange
from proxy.upstream.limiter import Limiter
from proxy.upstream.timeouts import Timeouts


class Switch(Exchange):
    """A request for another protocol. When the answer is a 101 the connection is kept, unread, for `hand_over`; without
    that, `aclose` closes it. The `limiter` gets its slot back when it switches or has answered like any other: a page
    that is asked for as if it were a WebSocket costs the origin as much."""

    def __init__(self, connection: Connection, request: UpstreamRequest, timeouts: Timeouts, limiter: Limiter) -> None:
        def end(connection: Connection, _: bool) -> None:
            connection.pause_reading()
            limiter.give_back(connection)

        super().__init__(connection, request, timeouts, end, limiter.set_aside)
        self._answer = Answer(may_switch=True)
        self._is_handed_over = False

    async def aclose(self) -> None:
        await super().aclose()
        if not self._is_handed_over:
            self._connection.abort()

    def hand_over(self, protocol: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Gives the socket to `protocol`, still paused, with what the origin has said in the new protocol already."""
        self._is_handed_over = True
        return self._connection.hand_over(protocol), self._answer.rest
