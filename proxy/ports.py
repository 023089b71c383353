"""The interfaces between calculation and IO. Implementations: `stores/`, `bus/`, `upstream/origin.py`; one contract
suite per port under `tests/contracts/`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from proxy.model import Arrival, Delivery, Followed, Headers, Profile, Sighting, Standing, View


class Part(NamedTuple):
    """One of several parts of a store, about equally large, that together are all of it: for processes that look at it
    side by side."""

    number: int = 0
    of: int = 1


ALL = Part()


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

    async def attribute_names(self) -> frozenset[str]:
        """Every attribute name an import or event has brought, so that `check` knows it."""

    async def is_ready(self) -> bool:
        """True when a read would be answered now."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


class ViewLog(Protocol):
    """The page views recorded last, in order. Any method may raise `StoreError`."""

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        """Adds views to the end; of all that are kept, only the last `most` stay. One of who was erased since does not
        come in."""

    async def get_views(self, most: int) -> list[View]:
        """The last `most` views, the oldest first. One that cannot be read is left out."""

    async def erase_views(self, visitor_id: str) -> int:
        """Forgets every view of that visitor; how many those were."""

    async def forget_views(self, before: float) -> int:
        """Forgets every view from before that moment (Unix seconds); how many those were."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


class Sightings(Protocol):
    """What pages and changes told of products, the last word on each. Any method may raise `StoreError`."""

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        """Takes the place of what was told of these products before; of all, only the `most` told of last stay."""

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        """The next in the order they were put, at most so many, and the number to go on after; 0 is before the first.
        One that cannot be read is left out. The same number, when nothing new has come."""

    async def aclose(self) -> None:
        """Closes what is open."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for a webhook, since when the first of it does (0 for nothing), and how much was given up."""

    waiting: int = 0
    since: float = 0.0
    given_up: int = 0


class Outbox(Protocol):
    """What webhooks were told of visitors and what they are still to hear, in order. Any method may raise
    `StoreError`. One process at a time has the lead and works on it; the others may look."""

    async def lead(self, name: str, now: float, seconds: float) -> bool:
        """Whether the process of this name has the lead, for so long from now on. It has it for as long as it asks in
        time; then whoever asks next."""

    async def followed(self) -> Followed:
        """How far the log was followed."""

    async def standings(self, visitor_ids: Sequence[str]) -> dict[str, Standing]:
        """Of those of these visitors of whom anything was told, or is to be looked at later."""

    async def due(self, now: float, most: int) -> list[str]:
        """The visitors whose standing may have changed by now, those due first."""

    def standing(self) -> AsyncIterator[str]:
        """The visitors who have a standing, in no order."""

    async def put(
        self,
        name: str,
        standings: Sequence[Standing],
        deliveries: Sequence[Delivery],
        followed: Followed | None,
        now: float,
    ) -> None:
        """In one step, by the process of this name, which must have the lead (else `StoreError`): takes the standings
        in place of those before (none for one that says nothing), adds the deliveries to the end, and says how far the
        log was followed. What was found out at `now` does not come in of who was erased then or since."""

    async def first(self, webhook: str, most: int) -> list[Delivery]:
        """What has waited longest for a webhook, in order."""

    async def waiting(self, webhook: str) -> int:
        """How much waits for a webhook."""

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        """They have arrived: they wait no longer, nor are they among those given up."""

    async def give_up(self, delivery: Delivery) -> None:
        """It waits no longer, and is kept with its `reason`, among the newest 10,000."""

    async def given_up(self) -> list[Delivery]:
        """Those given up, oldest first."""

    async def again(self, deliveries: Sequence[Delivery], now: float) -> None:
        """Those given up wait again, at the end."""

    async def counts(self) -> Mapping[str, Waiting]:
        """By webhook."""

    async def of(self, visitor_ids: Collection[str]) -> tuple[list[Standing], list[Delivery]]:
        """All that is kept of these visitors."""

    async def erase(self, visitor_ids: Collection[str]) -> int:
        """Forgets all of that; how much it was."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of arrivals: those the store did not have yet, each as whose it is; and who was joined or parted by
    one of them, as they are right after it. `places` are those of the log before and after them, if nothing else lies
    between."""

    fresh: Sequence[Arrival]
    linked: Mapping[str, Profile] = field(default_factory=dict)
    places: tuple[str, str] | None = None

    @property
    def visitors(self) -> Collection[str]:
        """Whose profiles changed."""
        return dict.fromkeys([arrival.visitor_id for arrival in self.fresh])


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

    async def apply(self, arrivals: Sequence[Arrival]) -> Applied:
        """Logs each event of which the log has none with this visitor and id, and changes their visitors' profiles
        (`events/fold.py`), each visitor's all at once. What is applied is durable when this returns."""

    async def log(self, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
        """The next events in the order they were applied, at most about so many, and the place to go on from; "" is
        the beginning. Nothing, and the same place, when nothing new has come. A store of many machines keeps only the
        newest for this, and may leave out some that a crash came upon: enough for statistics over all visitors."""

    async def end_of_log(self) -> str:
        """The place after the newest event."""

    def visitors(self) -> AsyncIterator[str]:
        """Everybody of whom the log has anything, in no order."""

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        """All that the log has of one visitor, in the order of their histories."""

    async def rebuild(self) -> int:
        """Makes every profile anew from the log. Returns how many came out differently."""

    async def merge_rules(self) -> Mapping[str, str]:
        """By attribute the name of the rule of `audience/merging.py` by which it is told of a profile."""

    async def put_merge_rules(self, rules: Mapping[str, str]) -> None:
        """Has these rules hold for what is applied from now on, in every process. Profiles are as they were until
        `rebuild`."""

    async def withdraw(self, visitor_id: str, ids: Collection[str]) -> None:
        """Takes these events out of a visitor's log and profile, as if they had never come."""

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        """Leaves no byte of these visitors anywhere in the store but a keyed hash, by which no replay or import brings
        back what happened before `now`. How much of what was erased."""

    async def mark_erased(self, visitor_ids: Collection[str], now: float) -> None:
        """Leaves the keyed hashes alone, before what is kept of these visitors in several places is erased: what is
        under way to one of them does not come in any more."""

    async def erasures(self) -> str:
        """What is another whenever somebody has been erased, for who remembers visitors."""

    async def tombstones(self) -> Tombstones:
        """What is left of who was erased, here or in stores whose tombstones were brought."""

    async def bury(self, tombstones: Tombstones) -> None:
        """Takes another store's tombstones in, beside its own: from now on what they forbid does not come back here."""

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Keeps events that were not taken, the newest 10,000."""

    async def refused(self) -> Sequence[Refused]:
        """The events that were not taken, oldest first."""

    async def forget_refused(self, refused: Sequence[Refused]) -> None:
        """Lets go of these."""

    async def forget_before(self, moment: float) -> None:
        """Lets go of what came before that moment (Unix seconds) of all that is kept beside visitors: events that were
        not taken, and those that `log` lists from elsewhere than the visitors' logs."""


class Store(ProfileStore, EventStore, Protocol):
    """What a store is: profiles, and the events they come from."""


OnHints = Callable[[Headers], None]


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request as it goes to the origin: already rebuilt or allow-listed by `http/forwarding.py`.
    `target` is path and query in wire form. `body` is None when there is none; `content_length` None streams
    it chunked. Content-Length and Transfer-Encoding are the transport's to write and must not be in `headers`. `lines`
    are further fields as they stand in a head, where somebody has them ready; no line end is in any of them. `on_hints`
    hears the fields of early hints (103) before the answer."""

    method: bytes
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | None = None
    content_length: int | None = None
    lines: bytes = b""
    on_hints: OnHints | None = None


@dataclass(slots=True)
class UpstreamResponse:
    """An answer whose head has arrived. `body` yields raw bytes as sent (still content-coded) and raises
    `OriginError` when it breaks off early; `aclose` must be awaited in every case and may be awaited twice.
    `is_bounded` is False when only the origin's closing ends the body, so that a cut cannot be told from an end."""

    status: int
    headers: Headers
    body: AsyncIterator[bytes]
    is_bounded: bool = True

    async def aclose(self) -> None:
        close = getattr(self.body, "aclose", None)
        if close is not None:
            await close()


class Transport(Protocol):
    """How bytes get to one origin and back. Keeps no memory of visitors: no jar, no auth cache, no environment."""

    async def fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        """Sends the request, waits for the final response head. Raises `OriginError`. Never retries a request
        whose first byte may have reached the origin, unless the method is safe to repeat and the connection was
        a reused one that closed without an answer."""

    async def aclose(self) -> None:
        """Closes idle connections and refuses new work."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of telling the others. `live` names the processes that should have heard, the sender among them;
    `answers` has what each that has done it said, by its name. `is_cut_off` when there may be more of whom nothing is
    known just now."""

    live: frozenset[str]
    answers: Mapping[str, bytes]
    is_cut_off: bool = False

    @property
    def is_whole(self) -> bool:
        """True when every live process has done it."""
        return not self.is_cut_off and self.live <= self.answers.keys()


Hear = Callable[[bytes], Awaitable[bytes]]
"""Does what a message asks, and gives the answer to it; b"" when there is none to give."""


class Bus(Protocol):
    """Between the processes that serve one shop: the workers of a machine, and those of other machines. Small messages
    about what happened, each heard by every process, the sender among them; in which order is not promised."""

    name: str
    """This process's, among all of them."""

    def listen(self, topic: str, hear: Hear) -> None:
        """Has messages on `topic` done by `hear`, the only one for it. Before `open`."""

    async def open(self) -> None:
        """Begins to hear. Does not wait for a server that is away."""

    async def send(self, topic: str, payload: bytes = b"") -> Told:
        """Tells everybody, and waits until all have done it or a second is over. Raises nothing when somebody cannot be
        reached: `Told` says so."""

    async def tell(self, topic: str, payload: bytes = b"") -> None:
        """Tells everybody, and waits for nobody. Who is out of reach just now may never hear of it."""

    async def aclose(self) -> None:
        """Hears no more; idempotent."""
