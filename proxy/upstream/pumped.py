"""Any stream as a source of a relay, pumped by a task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from proxy.errors import Fault, OriginError
from proxy.upstream.connection import Sink
from proxy.upstream.relay import in_pieces

log = logging.getLogger("tailorbird.origin")


class Pumped:
    """A stream of bytes that is handed on as fast as it is taken. `aclose` closes it."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._pump: asyncio.Task[None] | None = None

    def pipe_to(self, sink: Sink) -> None:
        """As `Source`."""
        self._pump = asyncio.get_running_loop().create_task(self._run(sink))

    def pause(self) -> None:
        """As `Source`."""
        self._may_go_on.clear()

    def resume(self) -> None:
        """As `Source`."""
        self._may_go_on.set()

    async def aclose(self) -> None:
        """Ends it."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await self._stream.aclose()  # type: ignore[attr-defined]  # every stream of ours has it

    async def _run(self, sink: Sink) -> None:
        failure: OriginError | None = None
        try:
            async for chunk in self._stream:
                sink.take(in_pieces(chunk))
                await self._may_go_on.wait()
        except OriginError as error:
            failure = error
        except Exception:
            log.exception("an answer could not be handed on")
            failure = Fault()
        sink.end([], failure)
