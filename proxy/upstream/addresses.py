"""The addresses behind an origin's name. One that does not answer is asked last for a while, and while the name cannot
be looked up the addresses that were found last serve: else one dead server of several, or a minute without a name
server, would be an outage.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from time import monotonic

log = logging.getLogger("tailorbird.origin")

PATIENCE_SECONDS = 0.2
"""So long the name is looked up while addresses are known, and an address is asked before the next is asked, too."""
LAST_SECONDS = 10.0
"""An address that did not answer is asked last for so long."""
KEPT_SECONDS = 600.0
"""Addresses serve for so long after they were found: by then they may be somebody else's."""


class Addresses:
    """The addresses of `host`, looked up for each connection, by one look-up at a time. `who` has them, in the log."""

    def __init__(self, host: str, who: str) -> None:
        self._host = host
        self._who = who
        self._found: list[str] = []
        self._found_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._last: dict[str, float] = {}  # those asked last, until when

    async def now(self) -> list[str]:
        """The addresses, at least one, in the order to ask them. Raises `OSError` if none can be found."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up())
            self._looking.add_done_callback(self._looked)
        looking, may_do = self._looking, bool(self._found) and monotonic() < self._found_at + KEPT_SECONDS
        await asyncio.wait((looking,), timeout=PATIENCE_SECONDS if may_do else None)
        if looking.done() and not may_do:
            looking.result()
        now = monotonic()
        return sorted(self._found, key=lambda address: self._last.get(address, 0.0) > now)

    def ask_last(self, address: str, why: str) -> None:
        """That address does not answer: others are asked first for a while."""
        if address not in self._last:
            log.warning("`%s`, an address of %s, %s: its others are asked first", address, self._who, why)
        self._last[address] = monotonic() + LAST_SECONDS

    def answers(self, address: str) -> None:
        """That address answers."""
        if self._last and self._last.pop(address, None) is not None:
            log.info("`%s`, an address of %s, answers again", address, self._who)

    async def _look_up(self) -> None:
        found = await asyncio.get_running_loop().getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
        self._found = list(dict.fromkeys(str(each[4][0]) for each in found))
        self._found_at = monotonic()
        self._last = {address: until for address, until in self._last.items() if address in self._found}

    def _looked(self, looking: asyncio.Task[None]) -> None:
        self._looking = None
        if not looking.cancelled() and (error := looking.exception()) is not None and self._found:
            log.warning("%s cannot be looked up: %s", self._who, getattr(error, "strerror", error))
