"""The store of visitors: profiles, and the event log that they are calculated from.

Positions in the log, and in the list of changes, are opaque texts called places; "" is the beginning.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from proxy.model import Arrival, PackedEvent, Profile


class Partition(NamedTuple):
    """Part `number` (from 0) of `total` about equal parts of a store, for processes that read it in parallel."""

    number: int = 0
    total: int = 1


ALL = Partition()


class Changed(NamedTuple):
    """The visitors whose profiles were changed, and those of changes that have `started` and are not known to be
    finished, so that these profiles may still change."""

    visitor_ids: Collection[str] = ()
    started: Collection[str] = ()


class StartedChanges(NamedTuple):
    """The changes announced up to `place`: those `started` and not finished, by name, with their visitors; and the
    names of those `finished`, which may have started earlier."""

    started: Mapping[str, Collection[str]]
    finished: Collection[str]
    place: str


LONGEST_CHANGE_SECONDS = 30.0
"""Every change takes less than this from when it was announced."""


class KnownVisitors(NamedTuple):
    """Some of the visitors that a store knows: those of whom it has nothing but a history (`history_only`), and
    those of whom it may have `more`. `place` is where to go on, "" at the end; `total` is about how many visitors there
    are."""

    history_only: Collection[str]
    more: Collection[str]
    place: str
    total: int


class ProfileStore(Protocol):
    """Profiles by visitor id. Any method may raise `StoreError`; nothing here retries or waits longer than the
    implementation's own timeout, the caller sets the budget."""

    async def get_profile(self, visitor_id: str) -> Profile | None:
        """The stored profile, or None when the visitor is unknown. Checks that the value is of that visitor."""

    def profiles(self, part: Partition = ALL) -> AsyncIterator[Profile]:
        """Every readable profile of that part, in any order."""

    async def sample(self, most: int) -> tuple[Sequence[Profile], int]:
        """About `most` random profiles, and how many there are in all. Fast for any number."""

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        """Stores imported profiles: all their attributes and segments replace what was there, the history stays. In one
        transaction where the store has transactions. Returns how many are new or differ from the last import."""

    async def newest_change(self) -> str:
        """The place after the last change of any profile."""

    async def changed(self, after: str, until: str, known: Collection[str] = ()) -> Changed | None:
        """The visitors whose profiles were changed between two such places, without the `known` changes
        (`Applied.changes`). None if it may be any visitor: one was erased, whose id must not be kept, or there were too
        many changes."""

    async def known_visitors(self, after: str) -> KnownVisitors | None:
        """The next visitors that the store knows, each once or more. Fast, since no profile is read. None if listing
        all visitors would take long."""

    async def attribute_names(self) -> frozenset[str]:
        """The names of all attributes that imports and events have set; `check` accepts them in rules."""

    async def is_ready(self) -> bool:
        """True if reading works now."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of `EventStore.apply`.

    * `new`: the arrivals that the log did not have yet, with the visitor id they were logged under.
    * `page_events`: the same for events that page views recorded.
    * `linked`: the profiles that an arrival joined or parted, as they are right after it.
    * `places`: the places of the log before and after these events; None if other events lie between.
    * `changes`: the names of these changes, for `ProfileStore.changed`.
    * `losses`: how many times since the last events the store turned out to have lost what it had.
    """

    new: Sequence[Arrival]
    linked: Mapping[str, Profile] = field(default_factory=dict)
    places: tuple[str, str] | None = None
    changes: Sequence[str] = ()
    page_events: Sequence[PackedEvent] = ()
    losses: int = 0

    @property
    def all_new(self) -> Sequence[Arrival | PackedEvent]:
        """All events that the log did not have."""
        return (
            self.new if not self.page_events else self.page_events if not self.new else (*self.new, *self.page_events)
        )

    @property
    def visitors(self) -> Collection[str]:
        """The visitors whose profiles changed."""
        return dict.fromkeys([one.visitor_id for one in self.all_new])


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was refused: when it came (Unix seconds) and from which source, the reason, the bytes that were
    sent, the visitor whose event it is ("": unknown), and the route it was sent to."""

    received_at: float
    source: str
    reason: str
    payload: bytes
    visitor_id: str = ""
    call: str = "batch"


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What is kept of erased visitors: `erased_at`, by the keyed hash of each id (Unix seconds); and the `keys` of the
    hashes."""

    keys: Sequence[bytes]
    erased_at: Mapping[bytes, float]


class EventStore(Protocol):
    """The log of all events, and the profiles calculated from it. Any method may raise `StoreError`."""

    async def apply(self, arrivals: Sequence[Arrival], page_events: Sequence[PackedEvent] = ()) -> Applied:
        """Logs each event unless the log has one of this visitor with the same id, and changes the visitors' profiles
        (`events/fold.py`), each in one transaction. Durable when this returns. `page_events` are certainly new (their
        ids begin with `PAGE_EVENT_PREFIX`), so nothing is looked up for them."""

    async def log(self, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
        """About `limit` events that follow a place, in the order they were applied, and the place to go on from; the
        same place if there was nothing new. A store of many machines keeps only the newest events for this, and may
        miss some after a crash: enough for statistics over all visitors."""

    async def started_changes(self, after: str) -> StartedChanges:
        """The changes announced after a place (as of `newest_change`). One that is not finished soon after it started
        was cut off by a crash, and `log` may miss its events."""

    async def end_of_log(self) -> str:
        """The place after the newest event."""

    def visitors(self) -> AsyncIterator[str]:
        """The ids of all visitors in the log, in any order."""

    def visitors_before(self, moment: float) -> AsyncIterator[str]:
        """Those who may have events that came before that moment (Unix seconds), in any order. One whose only such
        event is damaged may be missing."""

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        """All logged events of one visitor, in order of time and id."""

    async def logs_of(self, visitor_ids: Sequence[str]) -> Sequence[Sequence[Arrival]]:
        """The same for several visitors, in one request."""

    async def rebuild(self) -> int:
        """Recalculates every profile from the log. Returns how many changed."""

    async def merge_rules(self) -> Mapping[str, str]:
        """The merge rule (`audience/merging.py`) of each attribute, by name."""

    async def put_merge_rules(self, rules: Mapping[str, str]) -> None:
        """Sets the merge rules for events from now on, in every process. Profiles stay as they are until `rebuild`."""

    async def withdraw(self, gone: Mapping[str, Collection[str]]) -> None:
        """Removes events (by visitor, their ids) from logs and profiles as if they had never come, each visitor's in
        one transaction. Adding events does not wait long for it, however many they are."""

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        """Deletes everything of these visitors and leaves a keyed hash of each id, so that no replay or import brings
        back what happened before `now`. Returns how much was erased, by kind."""

    async def scrub(self, *, is_due: bool = False) -> bool:
        """Overwrites what deleted rows left in free parts of a file. False when that would take long: then it is due,
        and done by the next call with `is_due`, which does nothing else. Raises `StoreError` where it cannot be done,
        as for want of room."""

    async def mark_erased(self, visitor_ids: Collection[str], now: float) -> None:
        """Adds the keyed hashes, and deletes nothing. Called before several places are erased, so that nothing on its
        way to one of them is stored any more."""

    async def tombstones(self) -> Tombstones:
        """The tombstones of this store, and those added to it."""

    async def put_tombstones(self, tombstones: Tombstones) -> None:
        """Adds another store's tombstones: events and imports that they forbid are refused from now on."""

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Keeps refused events, the newest 10,000."""

    async def refused(self) -> Sequence[Refused]:
        """The refused events, oldest first."""

    async def forget_refused(self, refused: Sequence[Refused]) -> None:
        """Deletes these."""

    async def forget_before(self, moment: float) -> None:
        """Deletes what is kept besides visitors and came before that moment (Unix seconds): refused events, the list
        that `log` reads where it is separate from the visitors' logs, and old entries of what `changed` reads."""


class Store(ProfileStore, EventStore, Protocol):
    """Profiles, and the events they are calculated from."""

    async def forgets(self) -> bool:
        """Whether the server is configured to drop stored data when its memory is full. Never raises."""
