"""The store of visitors: profiles, and the log of events that they follow from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from proxy.model import Arrival, Deed, Profile


class Part(NamedTuple):
    """Part `number` of `of` about equal parts of a store, for processes that read it side by side."""

    number: int = 0
    of: int = 1


ALL = Part()


class Changed(NamedTuple):
    """Whose profiles were changed; and those whose change has `begun` and is not known to be over, so that they may
    change later."""

    visitor_ids: Collection[str] = ()
    begun: Collection[str] = ()


class Begun(NamedTuple):
    """Changes that were announced up to `place`: those that have `begun`, by name, with the visitors they are of; and
    the names of those that are `over`, which may have begun before."""

    begun: Mapping[str, Collection[str]]
    over: Collection[str]
    place: str


LONGEST_CHANGE_SECONDS = 30.0
"""No change takes as long as that from when it was begun."""


class KnownVisitors(NamedTuple):
    """Some of the visitors that a store knows: those of whom it has `deeds` only, and those of whom it may have `more`.
    `place` is where to go on, "" at the end; `of` is about how many visitors there are."""

    deeds: Collection[str]
    more: Collection[str]
    place: str
    of: int


class ProfileStore(Protocol):
    """Profiles by visitor id. Any method may raise `StoreError`; nothing here retries or waits longer than the
    implementation's own timeout, the caller sets the budget."""

    async def get_profile(self, visitor_id: str) -> Profile | None:
        """The stored profile, or None when the visitor is unknown. Checks that the value is of that visitor."""

    def profiles(self, part: Part = ALL) -> AsyncIterator[Profile]:
        """Every profile of that part that can be read, in no order."""

    async def sample(self, most: int) -> tuple[Sequence[Profile], int]:
        """About so many profiles drawn at random, and how many there are. Quick, however many that is."""

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        """Stores what an import says of each visitor: all attributes and segments, in place of what was there. The
        history stays. In one transaction where the store has them. Returns how many were new or differed from the
        last import."""

    async def newest_change(self) -> str:
        """The place after the last change of any profile."""

    async def changed(self, after: str, until: str, known: Collection[str] = ()) -> Changed | None:
        """Whose profiles were changed between two such places, without the `known` changes (`Applied.changes`). None
        when it may be anybody: somebody was erased, whose id must not be kept, or too much was changed to tell."""

    async def known_visitors(self, after: str) -> KnownVisitors | None:
        """The next visitors that the store knows, each once or more; `after` "" is the beginning. Quick, since no
        profile is read. None where listing all of them would take long."""

    async def attribute_names(self) -> frozenset[str]:
        """Every attribute name an import or event has brought, so that `check` knows it."""

    async def is_ready(self) -> bool:
        """True when a read would be answered now."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of `EventStore.apply`.

    * `fresh`: the arrivals that the store did not have yet, with the visitor id they were logged under.
    * `noted`: the same of what pages recorded by themselves.
    * `linked`: profiles that an arrival joined or parted, as they are right after it.
    * `places`: the places of the log before and after all this, None when something else lies between.
    * `changes`: names of what was changed, for `ProfileStore.changed`.
    """

    fresh: Sequence[Arrival]
    linked: Mapping[str, Profile] = field(default_factory=dict)
    places: tuple[str, str] | None = None
    changes: Sequence[str] = ()
    noted: Sequence[Deed] = ()

    @property
    def all(self) -> Sequence[Arrival | Deed]:
        """The fresh ones, and what was noted."""
        return self.fresh if not self.noted else self.noted if not self.fresh else (*self.fresh, *self.noted)

    @property
    def visitors(self) -> Collection[str]:
        """Whose profiles changed."""
        return dict.fromkeys([one.visitor_id for one in self.all])


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was refused: when it came and from which source, the reason, the bytes that were sent, the visitor
    of the cookie, and the route it was sent to."""

    received_at: float
    source: str
    reason: str
    payload: bytes
    visitor_id: str = ""
    call: str = "batch"


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What is kept of erased visitors: by the keyed hash of each id, when that was; and the keys of the hashes."""

    keys: Sequence[bytes]
    erased_at: Mapping[bytes, float]


class EventStore(Protocol):
    """The log of all events and what follows from it. As `ProfileStore`, it may raise `StoreError`."""

    async def apply(self, arrivals: Sequence[Arrival], noted: Sequence[Deed] = ()) -> Applied:
        """Logs each event unless the log has one with this visitor and id, and changes the visitors' profiles
        (`events/fold.py`), each visitor's in one step. Durable when this returns. Events in `noted` are certainly new
        (their ids begin with `NOTED`), so nothing has to be looked up for them."""

    async def log(self, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
        """The next events in the order they were applied, about `limit` at most, and the place to go on from; `after`
        "" is the beginning. Nothing, and the same place, when nothing new has come. A store of many machines keeps only
        the newest events for this, and may miss some after a crash: enough for statistics over all visitors."""

    async def begun(self, after: str) -> Begun:
        """The changes announced after a place as of `newest_change`: what is begun and not over soon after was cut off
        by a crash, and `log` may miss its events."""

    async def end_of_log(self) -> str:
        """The place after the newest event."""

    def visitors(self) -> AsyncIterator[str]:
        """The ids of all visitors in the log, in no order."""

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        """All logged events of one visitor, in order of time and id."""

    async def logs_of(self, visitor_ids: Sequence[str]) -> Sequence[Sequence[Arrival]]:
        """The same of some visitors, asked for at once."""

    async def rebuild(self) -> int:
        """Makes every profile anew from the log. Returns how many came out differently."""

    async def merge_rules(self) -> Mapping[str, str]:
        """By attribute, the name of its rule of `audience/merging.py`."""

    async def put_merge_rules(self, rules: Mapping[str, str]) -> None:
        """Applies these rules to what comes from now on, in every process. Profiles stay as they are until
        `rebuild`."""

    async def withdraw(self, gone: Mapping[str, Collection[str]]) -> None:
        """Removes these events, by visitor, from their logs and profiles, as if they had never come: each visitor's in
        one step. Adding events does not wait long for it, however many they are."""

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        """Leaves no byte of these visitors in the store but a keyed hash, so that no replay or import brings back what
        happened before `now`. Returns, by kind, how much was erased."""

    async def mark_erased(self, visitor_ids: Collection[str], now: float) -> None:
        """Only adds the keyed hashes. Called before several places are erased, so that nothing under way to one of them
        comes in any more."""

    async def tombstones(self) -> Tombstones:
        """Those of this store, and those put into it."""

    async def put_tombstones(self, tombstones: Tombstones) -> None:
        """Adds another store's tombstones: what they forbid does not come in from now on."""

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Keeps events that were not taken, the newest 10,000."""

    async def refused(self) -> Sequence[Refused]:
        """The events that were not taken, oldest first."""

    async def forget_refused(self, refused: Sequence[Refused]) -> None:
        """Deletes these."""

    async def forget_before(self, moment: float) -> None:
        """Deletes what is kept beside visitors and came before that moment (Unix seconds): refused events, the list
        that `log` reads where that is apart from the visitors' logs, and old entries of what `changed` reads."""


class Store(ProfileStore, EventStore, Protocol):
    """Profiles, and the events they follow from."""

    async def forgets(self) -> bool:
        """Whether it is set to drop what it stored when it is full. Never raises."""
