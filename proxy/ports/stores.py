"""Where profiles and the log of events live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from proxy.model import Arrival, Deed, Profile


class Part(NamedTuple):
    """One of several parts of a store, about equally large, that together are all of it: for processes that look at it
    side by side."""

    number: int = 0
    of: int = 1


ALL = Part()


class Changed(NamedTuple):
    """Whose profiles were changed. Of those `begun` it was said that somebody is about to, and not that they have: they
    may be changed later."""

    visitor_ids: Collection[str] = ()
    begun: Collection[str] = ()


class Begun(NamedTuple):
    """Changes that somebody was about to make: by name, whose they are. Those that were `over` by the `place` up to
    which this was told may have begun before."""

    begun: Mapping[str, Collection[str]]
    over: Collection[str]
    place: str


LONGEST_CHANGE_SECONDS = 30.0
"""No change takes as long as that from when it was begun."""


class KnownVisitors(NamedTuple):
    """Some of those whom a store knows: of whom it has `deeds` alone, and those of whom it may have `more`. The `place`
    to go on from, "" for none; and of about how many these are."""

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
        """The place after the last change of any profile, for who remembers some."""

    async def changed(self, after: str, until: str, known: Collection[str] = ()) -> Changed | None:
        """Whose profiles were changed between two such places, but for the `known` changes (`Applied.changes`); None
        when that may be anybody, as when somebody was erased, of whom no name is left, or when too much was changed to
        tell."""

    async def known_visitors(self, after: str) -> KnownVisitors | None:
        """The next of those whom the store knows, each once or more; "" is the beginning. Quick, for no profile is
        read. None where it would take long to tell them all."""

    async def attribute_names(self) -> frozenset[str]:
        """Every attribute name an import or event has brought, so that `check` knows it."""

    async def is_ready(self) -> bool:
        """True when a read would be answered now."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of arrivals: those the store did not have yet, each as whose it is; and who was joined or parted by
    one of them, as they are right after it. `noted` are those of what was noted that the store tells apart from the
    `fresh` ones. `places` are those of the log before and after them, if nothing else lies
    between; `changes` names what was changed for `ProfileStore.changed`."""

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
    """An event that was not taken: when it came and from which source, why not, the bytes that were sent, the visitor
    of the cookie, and the route they were sent to."""

    received_at: float
    source: str
    reason: str
    payload: bytes
    visitor_id: str = ""
    call: str = "batch"


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What is left of who was erased: by the hash of each id when that was, and the keys the hashes were made with."""

    keys: Sequence[bytes]
    erased_at: Mapping[bytes, float]


class EventStore(Protocol):
    """The log of all events and what follows from it. As `ProfileStore`, it may raise `StoreError`."""

    async def apply(self, arrivals: Sequence[Arrival], noted: Sequence[Deed] = ()) -> Applied:
        """Logs each event of which the log has none with this visitor and id, and changes their visitors' profiles
        (`events/fold.py`), each visitor's all at once. What is applied is durable when this returns. What is `noted` is
        new for certain, with an id that begins as `NOTED`: so it may be stored with less ado."""

    async def log(self, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
        """The next events in the order they were applied, at most about so many, and the place to go on from; "" is
        the beginning. Nothing, and the same place, when nothing new has come. A store of many machines keeps only the
        newest for this, and may leave out some that a crash came upon: enough for statistics over all visitors."""

    async def begun(self, after: str) -> Begun:
        """Who, after a place as of `newest_change`, was about to add what `log` may have left out. What was begun and
        is not over by then, or soon after, a crash came upon."""

    async def end_of_log(self) -> str:
        """The place after the newest event."""

    def visitors(self) -> AsyncIterator[str]:
        """Everybody of whom the log has anything, in no order."""

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        """All that the log has of one visitor, in the order of their histories."""

    async def logs_of(self, visitor_ids: Sequence[str]) -> Sequence[Sequence[Arrival]]:
        """The same of some visitors, asked for at once."""

    async def rebuild(self) -> int:
        """Makes every profile anew from the log. Returns how many came out differently."""

    async def merge_rules(self) -> Mapping[str, str]:
        """By attribute the name of the rule of `audience/merging.py` by which it is told of a profile."""

    async def put_merge_rules(self, rules: Mapping[str, str]) -> None:
        """Has these rules hold for what is applied from now on, in every process. Profiles are as they were until
        `rebuild`."""

    async def withdraw(self, gone: Mapping[str, Collection[str]]) -> None:
        """Takes these events, by visitor, out of their logs and profiles, as if they had never come: each visitor's all
        at once. Nobody who adds events waits long for it, however many these are."""

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        """Leaves no byte of these visitors anywhere in the store but a keyed hash, by which no replay or import brings
        back what happened before `now`. How much of what was erased."""

    async def mark_erased(self, visitor_ids: Collection[str], now: float) -> None:
        """Leaves the keyed hashes alone, before what is kept of these visitors in several places is erased: what is
        under way to one of them does not come in any more."""

    async def tombstones(self) -> Tombstones:
        """What is left of who was erased, here or in stores whose tombstones were brought."""

    async def put_tombstones(self, tombstones: Tombstones) -> None:
        """Takes another store's tombstones in, beside its own: from now on what they forbid does not come back here."""

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Keeps events that were not taken, the newest 10,000."""

    async def refused(self) -> Sequence[Refused]:
        """The events that were not taken, oldest first."""

    async def forget_refused(self, refused: Sequence[Refused]) -> None:
        """Lets go of these."""

    async def forget_before(self, moment: float) -> None:
        """Lets go of what came before that moment (Unix seconds) of all that is kept beside visitors: events that were
        not taken, and those that `log` lists from elsewhere than the visitors' logs; and of the names by which
        `changed` tells what everybody has seen long since."""


class Store(ProfileStore, EventStore, Protocol):
    """What a store is: profiles, and the events they come from."""
