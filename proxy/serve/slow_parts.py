"""A circuit breaker for each address of a part: one that is late again and again would cost every page that has it the
whole deadline. So pages do without it, and now and then it is tried beside a page, until it comes in time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from proxy.breaker import Breaker
from proxy.memo import make_room
from proxy.settings import Settings

log = logging.getLogger("tailorbird.parts")

MOST = 1_000
LATE_FRACTION = 0.9
"""Of the deadline: a page that is given up sooner has not found its parts late."""


class SlowParts:
    """The breakers of one worker, by host and target. `clock` must be monotonic."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._seconds = settings.parts_timeout_ms / 1_000
        self._clock = clock
        self._breakers: dict[bytes, Breaker] = {}

    def now(self) -> float:
        """The moment at which somebody begins to wait."""
        return self._clock()

    def is_slow(self, address: bytes) -> bool:
        """True when no page waits for this address."""
        breaker = self._breakers.get(address)
        return breaker is not None and breaker.is_open

    def may_try(self, address: bytes) -> bool:
        """True, once a pause, when a slow address may be tried beside a page."""
        return self._breakers[address].allows()

    def came(self, address: bytes) -> None:
        """Says that it answered in time, whatever the answer."""
        breaker = self._breakers.get(address)
        if breaker is not None:
            breaker.note(True)

    def gave_up(self, address: bytes, began: float) -> None:
        """Says that somebody who began to wait then waits no more."""
        if self._clock() - began < LATE_FRACTION * self._seconds:
            return
        if address not in self._breakers:
            make_room(self._breakers, MOST)
            self._breakers[address] = Breaker(self._clock, self._settings)
        breaker = self._breakers[address]
        was_open = breaker.is_open
        breaker.note(False)
        if breaker.is_open and not was_open:
            readable, ms = address.partition(b"?")[0].decode("latin-1"), self._settings.parts_timeout_ms
            log.warning("the part `%s` takes longer than %d ms: pages go on without it for a while", readable, ms)
