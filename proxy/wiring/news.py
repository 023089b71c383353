"""What processes that serve one shop tell each other of visitors: whose profiles changed, and that some are erased."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from proxy.ports import Bus
from proxy.stores.holdings import Places, Receipt, erased
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Keeper

PROFILES, ERASING, ERASED = "profiles", "erasing", "erased"
"""The topics on which they tell it."""


class News:
    """Tells and hears it, for one process."""

    def __init__(self, bus: Bus, profiles: ProfileReader, keeper: Keeper, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._profiles = profiles
        self._keeper = keeper
        self._clock = clock
        bus.listen(PROFILES, self._hear_of_profiles)
        bus.listen(ERASING, self._hear_of_erasing)
        bus.listen(ERASED, self._hear_of_erased)

    async def tell(self, visitor_ids: Collection[str], waits: bool) -> None:
        """These profiles changed; `waits` until all have heard."""
        told = msgspec.msgpack.encode((self._bus.name, waits, list(visitor_ids)))
        await (self._bus.send if waits else self._bus.tell)(PROFILES, told)

    async def _hear_of_profiles(self, message: bytes) -> bytes:
        teller, waits, visitor_ids = msgspec.msgpack.decode(message, type=tuple[str, bool, list[str]])
        if teller != self._bus.name:
            if waits:
                await self._profiles.renew(visitor_ids, self._clock())
            else:
                self._profiles.outdate(visitor_ids)
        return b""

    async def erase(self, places: Places, visitor_id: str) -> Receipt:
        """Leaves nothing of that person, here and in every process. May raise `StoreError`."""
        await self._bus.send(ERASING)
        receipt = await erased(places, visitor_id, self._clock())
        await self._bus.send(ERASED)
        return receipt

    async def _hear_of_erasing(self, _: bytes) -> bytes:
        await self._keeper.flush()  # what is not in the store could not be erased there
        return b""

    async def _hear_of_erased(self, _: bytes) -> bytes:
        self._profiles.forget()
        return b""
