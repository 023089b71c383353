"""What one worker remembers of visitors: their profiles, the events since those were read, and which visitor is a
device of which person.

A profile is fresh for some seconds after it was read, and for some seconds after the last comparison with the store
(`invalidation.py`) that found it unchanged. So a profile that nobody changes is read once, however long it is
remembered.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from math import inf
from typing import Final

import msgspec

from proxy.audience.traits import STRANGER
from proxy.events.fold import is_history_only
from proxy.garbage import let_go
from proxy.metrics import Tally
from proxy.model import Arrival, PackedEvent, Profile
from proxy.stores.record import arrivals_of
from proxy.visitors.known import NOBODY, Known
from proxy.visitors.pending import Pending
from proxy.visitors.store_filter import MayHold, StoreFilter

STALE_SECONDS = 3_600.0
SHARED_ENTRIES = 1_024
"""Visitors who are not remembered share so many entries, by hash of their id."""
MOST_SPARED = 50
"""So many visitors are considered for eviction until one unused is found."""


class Memory(enum.Enum):
    """`MISSING`: memory has nothing of this visitor. (None means that the stored profile is damaged.)"""

    MISSING = enum.auto()


MISSING: Final = Memory.MISSING


class Remembered:
    """A cache of `most` visitors, each fresh for `seconds`. The oldest is evicted first, unless it was used since: then
    it counts as new (second chance).

    `found` counts look-ups that found something. Evicted visitors are added to the `store_filter`; views in `pending`
    are counted before a visitor is asked for.
    """

    def __init__(
        self,
        most: int,
        seconds: float,
        found: Tally | None = None,
        store_filter: StoreFilter | None = None,
        pending: Pending | None = None,
    ) -> None:
        self._most = most
        self.seconds = seconds
        self.found = found or Tally()
        self._store_filter = store_filter or StoreFilter()
        self._pending = pending or Pending()
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._known_of = self._known.get
        self._persons: OrderedDict[str, str] = OrderedDict()
        self._shared = tuple(Known(-inf, STRANGER, []) for _ in range(SHARED_ENTRIES))
        self.synced_at = self.synced_until = -inf
        """When memory was last compared with the store (Unix seconds), and until when that counts."""

    def synced(self, at: float, changed: Iterable[str] = ()) -> None:
        """Notes that memory was compared with the store: up to `at`, others changed only these visitors."""
        self.synced_at, self.synced_until = at, at + self.seconds
        for visitor_id in changed:
            self._note_stored(visitor_id)

    def person(self, visitor_id: str) -> str:
        """The person whose device the visitor is; the visitor itself if no person is known."""
        return self._persons.get(visitor_id, visitor_id)

    def flush_visitor(self, visitor_id: str) -> None:
        """Counts pending views, if any is of this visitor or their person."""
        viewers = self._pending.visitor_ids()
        if self._persons:
            visitor_id, viewers = self.person(visitor_id), map(self.person, viewers)
        if visitor_id in viewers:
            self._pending.flush()

    def held(self, visitor_id: str) -> Profile | None:
        """What is remembered of this visitor, however old."""
        self._pending.flush()
        known = self._known.get(visitor_id)
        return known.current() if known else None

    def fresh(
        self, visitor_id: str, now: float, *, has_news: bool = True, is_folded: bool = True
    ) -> Profile | Memory | None:
        """The person's profile if it is fresh, else `MISSING`: the store has to be asked. Without `has_news`, the
        caller does not need the visitor's latest events; unless it `is_folded`, the caller has them from `basis`."""
        if has_news and self._pending.pages:
            self.flush_visitor(visitor_id)
        known_of = self._known_of
        known = known_of(self._persons.get(visitor_id, visitor_id) if self._persons else visitor_id)
        if known is None:
            return self._fresh_unknown(visitor_id, now, has_news=has_news)
        if not known.is_current:
            return MISSING
        if abs(now - self.synced_at) >= self.seconds and abs(now - known.at) >= self.seconds:
            return MISSING
        known.is_used = True
        self.found.count += 1
        return known.current() if has_news and is_folded and known.news else known.profile

    def is_fresh(self, known: Known, now: float) -> bool:
        """Whether what is known of a visitor is fresh enough to be used."""
        return known is NOBODY or abs(now - self.synced_at) < self.seconds or abs(now - known.at) < self.seconds

    def basis(self, visitor_id: str) -> Known | None:
        """The entry that `fresh` reads for this visitor; None for a device whose person is not remembered. An outcome
        worked out from it holds while it is current and of the same version. Visitors who are not remembered share
        entries; one gets a new version when the store may hold something of any of its visitors."""
        if visitor_id in self._persons:
            return self._known_of(self._persons[visitor_id])
        return self._known_of(visitor_id) or self._shared[hash(visitor_id) % SHARED_ENTRIES]

    def _part(self, visitor_id: str) -> None:
        """Notes that the visitor may be nobody's device any more: outcomes worked out from the person are not
        theirs."""
        person = self._known.get(self._persons.pop(visitor_id, ""))
        if person is not None:
            person.version += 1

    def _note_stored(self, visitor_id: str) -> None:
        """Notes that the store may hold more of this visitor than a history."""
        self._store_filter.add(visitor_id)
        self._shared[hash(visitor_id) % SHARED_ENTRIES].version += 1

    def _fresh_unknown(self, visitor_id: str, now: float, *, has_news: bool) -> Profile | Memory:
        """As `fresh`, for a visitor who is not remembered: an empty profile, if the store holds nothing that is
        needed."""
        if abs(now - self.synced_at) >= self.seconds or visitor_id in self._persons:
            return MISSING
        held = self._store_filter.may_hold(visitor_id)
        if held is MayHold.MORE or (held is MayHold.HISTORY and has_news):
            return MISSING
        self.found.count += 1
        if not has_news:
            return STRANGER
        self.put(visitor_id, profile := Profile(visitor_id), [], now)  # whose news count from now on
        return profile

    def stale(self, visitor_id: str, now: float) -> Profile | Memory | None:
        """The person's profile if it was true within the last hour, for when the store does not answer."""
        self._pending.flush()
        known = self._known.get(self.person(visitor_id))
        if known is None:
            return MISSING
        is_old = abs(now - known.at) >= STALE_SECONDS
        if is_old and not (known.is_current and abs(now - self.synced_at) < STALE_SECONDS):
            return MISSING
        return known.current()

    def put(self, visitor_id: str, profile: Profile | None, news: list[Arrival | PackedEvent], now: float) -> None:
        """Remembers what the store has, and the events that it does not have yet."""
        if before := self._known.pop(visitor_id, None):
            before.end()
        else:
            self._shared[hash(visitor_id) % SHARED_ENTRIES].version += 1
        self._part(visitor_id)
        if profile is not None and profile.alias:
            self._persons[visitor_id] = profile.alias
            if len(self._persons) > self._most:
                self._store_filter.add(first := next(iter(self._persons)))
                self._part(first)
        else:
            self._known[visitor_id] = Known(now, profile, news)
            if len(self._known) > self._most:
                self._forget_one()

    def apply_events(self, arrivals: Iterable[Arrival | PackedEvent]) -> None:
        """Adds events to what is remembered. An event that changes more than the history is left to the store."""
        known_of = self._known.get
        doers = set()
        for arrival in arrivals:
            visitor_id = arrival.visitor_id
            known = known_of(visitor_id)
            if not (
                isinstance(arrival, PackedEvent) or is_history_only(arrival)
            ):  # in that order it saves a call for each view
                if known is None:
                    self._note_stored(visitor_id)
            elif known is None:
                doers.add(visitor_id)
            else:
                known.add(arrival)
        if doers:
            self._store_filter.add_doers(doers)

    def by_person(self, arrivals: Sequence[Arrival | PackedEvent]) -> Sequence[Arrival | PackedEvent]:
        """The same events, those of devices as their persons'."""
        if not self._persons or self._persons.keys().isdisjoint([arrival.visitor_id for arrival in arrivals]):
            return arrivals
        return [self._as_persons(one) if one.visitor_id in self._persons else one for one in arrivals]

    def _as_persons(self, arrival: Arrival | PackedEvent) -> Arrival:
        (one,) = arrivals_of((arrival,))
        return msgspec.structs.replace(one, visitor_id=self._persons[one.visitor_id])

    def invalidate(self, visitor_id: str) -> bool:
        """Says that another process changed this visitor; True when they were remembered."""
        self._part(visitor_id)
        self._note_stored(visitor_id)
        known = self._known.get(visitor_id)
        if known:
            known.is_current = False
        return known is not None

    def among(self, visitor_ids: Collection[str]) -> set[str]:
        """Those of these visitors who are remembered."""
        ids = set(visitor_ids)
        return (ids & self._known.keys()) | (ids & self._persons.keys())

    def forget(self) -> None:
        """Forgets everybody. Freeing the profiles takes a tenth of a second, so a thread does it."""
        for gone in (self._known, self._persons):
            let_go(gone.popitem, linger_seconds=0)
        self._known, self._persons = OrderedDict(), OrderedDict()
        self._known_of = self._known.get
        self._store_filter.forget()
        for shared in self._shared:
            shared.version += 1

    def shrink(self) -> None:
        """Forgets a tenth of the visitors."""
        for _ in range(len(self._known) // 10 + 1):
            if self._known:
                self._forget_one()

    def _forget_one(self) -> None:
        """The first that nobody asked for. Where many were, one of those goes: nobody is held up by looking further."""
        for _ in range(MOST_SPARED):
            visitor_id, known = self._known.popitem(last=False)
            if not known.is_used:
                break
            known.is_used = False
            self._known[visitor_id] = known
        else:
            visitor_id, known = self._known.popitem(last=False)
        self._store_filter.add_known(visitor_id, known.profile, has_news=bool(known.news))
        known.end()
