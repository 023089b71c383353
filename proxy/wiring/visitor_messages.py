"""Messages about visitors between the processes that serve one shop: profiles changed, or visitors were erased."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from proxy.model import Arrival, PackedEvent
from proxy.ports import PROFILES, Bus
from proxy.stores.personal_data import Places, Receipt, erased
from proxy.visitors.consent_changes import ConsentWord
from proxy.visitors.invalidation import Invalidation
from proxy.visitors.journal import Change
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Keeper

ERASING, ERASED = "erasing", "erased"
"""The topics of these messages, beside `PROFILES`."""


class Sender(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a message: the name of its sender. A process also receives its own messages, and ignores
    them."""

    sender: str


class ProfilesChanged(Sender, frozen=True, array_like=True):
    """The whole message: whether the sender waits, and the change (`journal.Change`)."""

    is_awaited: bool
    visitor_ids: list[str]
    names: list[str] = []
    arrivals: list[Arrival] = []
    page_events: list[PackedEvent] = []
    consents: dict[str, ConsentWord] = {}


class VisitorMessages:
    """Sends and receives these messages, for one process."""

    def __init__(
        self, bus: Bus, profiles: ProfileReader, invalidation: Invalidation, keeper: Keeper, clock: Callable[[], float]
    ) -> None:
        self._bus = bus
        self._profiles = profiles
        self._invalidation = invalidation
        self._keeper = keeper
        self._clock = clock
        self._hear_consents: Callable[[Mapping[str, ConsentWord]], None] = lambda _: None
        self._hear_events: Callable[[Sequence[Arrival | PackedEvent]], None] = lambda _: None
        bus.listen(PROFILES, self._on_profiles)
        bus.listen(ERASING, self._on_erasing)
        bus.listen(ERASED, self._on_erased)

    def on_consents(self, hear: Callable[[Mapping[str, ConsentWord]], None]) -> None:
        """Has `hear` called with what other processes wrote of visitors' consent."""
        self._hear_consents = hear

    def on_events(self, hear: Callable[[Sequence[Arrival | PackedEvent]], None]) -> None:
        """Has `hear` called with the events of other processes that only add to histories."""
        self._hear_events = hear

    async def send_change(self, change: Change, waits: bool) -> None:
        """Sends a change of profiles; if `waits`, until all processes have received it. Events that only add to
        histories are part of the message: to read them from the store costs a hundred times as much."""
        if self._bus.is_alone:
            return
        arrivals = [one for one in change.history_only if isinstance(one, Arrival)]
        page_events = [one for one in change.history_only if isinstance(one, PackedEvent)]
        visitor_ids, names, consents = list(change.visitor_ids), list(change.names), dict(change.consents)
        message = ProfilesChanged(self._bus.name, waits, visitor_ids, names, arrivals, page_events, consents)
        await (self._bus.request if waits else self._bus.publish)(PROFILES, msgspec.msgpack.encode(message))

    async def _on_profiles(self, message: bytes) -> bytes:
        if msgspec.msgpack.decode(message, type=Sender).sender == self._bus.name:
            return b""
        change = msgspec.msgpack.decode(message, type=ProfilesChanged)
        events: list[Arrival | PackedEvent] = [*change.arrivals, *change.page_events]
        self._profiles.arrived((), events)
        self._profiles.invalidate(change.visitor_ids)
        self._invalidation.know(change.names)
        self._hear_consents(change.consents)
        self._hear_events(events)
        if change.is_awaited:
            await self._profiles.renew(change.visitor_ids, self._clock())
            await self._profiles.reads_ended([arrival.visitor_id for arrival in change.arrivals])
        return b""

    async def erase(self, places: Places, visitor_id: str) -> Receipt:
        """Erases a person in the store and in every process. May raise `StoreError`."""
        await self._bus.request(ERASING)
        receipt = await erased(places, visitor_id, self._clock())
        await self._bus.request(ERASED)
        return receipt

    async def _on_erasing(self, _: bytes) -> bytes:
        await self._keeper.flush()  # views still in memory would be stored after the erasure
        return b""

    async def _on_erased(self, _: bytes) -> bytes:
        self._profiles.forget()
        return b""
