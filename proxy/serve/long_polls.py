"""Long polling: requests that the origin answers when there is news, as `wait` of a path says (`rulebook/policy.py`).

Its law: none outlives its client, or delays the end of the server. To ask again loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from proxy.ending import ended
from proxy.errors import RequestError
from proxy.http.message import Response


class LongPolls:
    """Those under way at one listener."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()

    async def answer(
        self, answer: Coroutine[Any, Any, Response], until_gone: Coroutine[Any, Any, None]
    ) -> Response | None:
        """The answer; None when `until_gone` ends first. Raises `RequestError` when the server stops, and what `answer`
        raises."""
        answering, leaving = asyncio.create_task(answer), asyncio.create_task(until_gone)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((answering, leaving, stopping), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return await answering
            if leaving.done():
                return None
            raise RequestError("this server stops: ask again", status=503)
        finally:
            await ended(answering, leaving, stopping)

    def stop(self) -> None:
        """Ends those under way and all to come: the server stops."""
        self._stop.set()
