"""Messages about visitors between the processes that serve one shop: whose profiles changed, and that some are
erased."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from proxy.model import Arrival, Deed
from proxy.ports import Bus
from proxy.stores.personal_data import Places, Receipt, erased
from proxy.visitors.invalidation import Invalidation
from proxy.visitors.journal import Change
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Keeper

PROFILES, ERASING, ERASED = "profiles", "erasing", "erased"
"""The topics on which they tell it."""


class Teller(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a message: who sent it. A process receives its own messages, and need not read on."""

    teller: str


class Told(Teller, frozen=True, array_like=True):
    """A whole message: whether the sender waits, and the change (`journal.Change`)."""

    waits: bool
    visitor_ids: list[str]
    names: list[str] = []
    deeds: list[Arrival] = []
    noted: list[Deed] = []


class News:
    """Sends and receives these messages, for one process."""

    def __init__(
        self,
        bus: Bus,
        profiles: ProfileReader,
        invalidation: Invalidation,
        keeper: Keeper,
        clock: Callable[[], float],
    ) -> None:
        self._bus = bus
        self._profiles = profiles
        self._invalidation = invalidation
        self._keeper = keeper
        self._clock = clock
        bus.listen(PROFILES, self._hear_of_profiles)
        bus.listen(ERASING, self._hear_of_erasing)
        bus.listen(ERASED, self._hear_of_erased)

    async def tell(self, change: Change, waits: bool) -> None:
        """Sends a change of profiles; `waits` until all have received it. Events that only add to histories are sent
        along: to read them from the store costs a hundred times as much."""
        if self._bus.is_alone:
            return
        deeds = [one for one in change.deeds if isinstance(one, Arrival)]
        noted = [one for one in change.deeds if isinstance(one, Deed)]
        told = Told(self._bus.name, waits, list(change.visitor_ids), list(change.names), deeds, noted)
        await (self._bus.send if waits else self._bus.tell)(PROFILES, msgspec.msgpack.encode(told))

    async def _hear_of_profiles(self, message: bytes) -> bytes:
        if msgspec.msgpack.decode(message, type=Teller).teller == self._bus.name:
            return b""
        told = msgspec.msgpack.decode(message, type=Told)
        self._profiles.arrived((), [*told.deeds, *told.noted])
        self._profiles.invalidate(told.visitor_ids)
        self._invalidation.know(told.names)
        if told.waits:
            await self._profiles.renew(told.visitor_ids, self._clock())
            await self._profiles.reads_ended([arrival.visitor_id for arrival in told.deeds])
        return b""

    async def erase(self, places: Places, visitor_id: str) -> Receipt:
        """Erases a person in the store and in every process. May raise `StoreError`."""
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
