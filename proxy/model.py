"""The nouns that cross borders between packages. Read this first.

Everything here is frozen, knows no IO and imports nothing of ours. A noun lives here only when two or more
packages pass it to one another; what a package keeps to itself stays in that package.

Times are Unix seconds (UTC) as float, called `now`, `..._at` or `..._until`. Header names are lower-case bytes.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]
"""Header fields in wire order: lower-case name, value. Repeated fields stay repeated."""

AttributeValue = str | float | bool | frozenset[str]
"""What a visitor or request may say about itself. Numbers are float; a set is "is in", as for segments."""

Attributes = Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a rule file something stands. Line and column count from 1, columns in characters; `end` is the
    column after the last character of the word on that line."""

    file: str
    line: int
    column: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0, 0, 0)


# -- what is asked ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value, or one of a set's members, is among `values` (compared casefolded)."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class NotOneOf:
    """The value is known and not among `values`; for a set: none of its members is."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Between:
    """The number is within `low`..`high`; an end is part of the range unless its `open_` flag says otherwise."""

    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The text (or a member of the set) begins with one of `values` (casefolded)."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """The text (or a member of the set) contains one of `values` (casefolded)."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsKnown:
    """`any`: the attribute is known (and a set is not empty). With `wanted=False`, `none`: it is not."""

    wanted: bool = True


@dataclass(frozen=True, slots=True)
class WithinHours:
    """The local time of day is in [`start_minute`, `end_minute`), minutes from midnight; wraps past midnight when
    the end is not after the start."""

    start_minute: int
    end_minute: int


class Reading(enum.StrEnum):
    """What a `Measure` tells of the events it looks at."""

    COUNT = "count"
    VISITS = "visits"  # runs of events without a pause of half an hour, by when they began
    SUM = "sum"  # of their value
    MEAN = "mean"  # of their value; unknown when there are none
    DAYS_SINCE = "days since"  # the latest of them, as a fraction; unknown when there is none
    DAYS_SINCE_FIRST = "days since first"
    DAYS_SINCE_NTH = "days since nth"  # the latest but so many as `cap` says, 1 for the latest
    DAYS_SINCE_VISIT = "days since visit"  # the end of the last visit before the one under way
    LATEST = "latest"  # what `of` was, the latest time
    SET = "set"  # all that `of` was
    FAVOURITE = "favourite"  # the `of` with the most points
    OFTEN = "often"  # whether the count reaches the first of `grades`
    SCORE = "score"  # points that halve with time, and are capped
    CART = "cart"  # the `of` of what lies in the cart
    CART_TOTAL = "cart total"


class Period(enum.StrEnum):
    """From when on a `Measure` looks, beside its `within_seconds`. Days begin at midnight, weeks on Monday, in the
    measure's time zone."""

    EVER = "ever"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Then:
    """What must follow an event for it to count, within so many seconds: an event of `kinds`, about a product of the
    first when `same_product`. With `wanted=False` it must not follow, and the event counts once the time is over."""

    kinds: tuple[str, ...]
    within_seconds: float
    wanted: bool = True
    same_product: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """What is read off a visitor's history at a moment: an attribute that is never stored, so that a window ends at
    its exact second.

    It looks at events of `kinds` that pass each of `where` (`category`, `product` and `brand` of one of its items, or
    the event's `subject`; a category counts with all those above it). An event is in the window from its `at` until
    before `at + within_seconds`, and in the `period`, on the clocks of `timezone`.

    `of` names what a `LATEST`, `SET`, `FAVOURITE` or `CART` is about: `product`, `category`, `brand` or `subject`.
    `points` are by kind, else 1, and weigh sums too; they halve every `half_life_seconds`. `grades` make a number a
    grade from 1 up: one more for each of these numbers that it reaches; of days since, for each that it does not
    exceed.
    """

    reading: Reading
    kinds: tuple[str, ...]
    within_seconds: float = inf
    where: tuple[tuple[str, Test], ...] = ()
    period: Period = Period.EVER
    timezone: str = "UTC"
    of: str = "product"
    then: Then | None = None
    points: tuple[tuple[str, float], ...] = ()
    half_life_seconds: float = inf
    cap: float = inf
    grades: tuple[float, ...] = ()

    def __hash__(self) -> int:
        """Over what differs most: readings are remembered by measure, and a hash of all of it takes 2 us."""
        return hash((self.reading, self.kinds, self.where))


Test = OneOf | NotOneOf | Between | StartsWith | Contains | IsKnown | WithinHours


@dataclass(frozen=True, slots=True)
class Fact:
    """One line an editor wrote: an attribute and what it must be. Never true of an unknown attribute, but for
    `none`. `text` is the line as written, for `why` and messages. `measure` says how the attribute's value is read off
    the visitor's history; None for what a request or profile says of itself."""

    attribute: str
    test: Test
    text: str = ""
    place: Place = NOWHERE
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; true when empty."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; false when empty."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class NoneOf:
    """No part holds: plain negation of `AnyOf`, so an unknown attribute satisfies it."""

    parts: tuple[Condition, ...] = ()


Condition = Fact | AllOf | AnyOf | NoneOf

EVERYBODY = AllOf()


# -- what is said -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cap:
    """The rule is not shown once `measure` has reached `enough`. `text` is the line as written."""

    text: str
    measure: Measure
    enough: float


@dataclass(frozen=True, slots=True)
class Draw:
    """Chance: the visitor's bucket by `seed` (`bucketing.py`) is at least `low` and below what `steps` say at the
    moment: pairs of a time (Unix seconds) and the first bucket outside from then on; before the first, all are
    outside."""

    seed: str
    steps: tuple[tuple[float, int], ...]
    low: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the variants of an experiment. `share` is in buckets; `variant` is like a rule's."""

    name: str
    share: int
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What makes a rule an experiment: a visitor's bucket by its name gives the arm; who is beyond the last is not in
    it. `split_by` is the attribute whose value is drawn by, "" for the visitor. What it is to show: `goal`, a kind
    of event; `guardrails`, what must not get worse; and for how long."""

    arms: tuple[Arm, ...]
    split_by: str = ""
    goal: str = ""
    guardrails: tuple[str, ...] = ()
    min_days: int = 0


@dataclass(frozen=True, slots=True)
class Holdout:
    """A share of the visitors, in buckets, who see the page's own to compare with: in `slots`, or in all when there
    are none. `live_from` and `live_until` are as for a rule."""

    name: str
    share: int
    slots: frozenset[str] = frozenset()
    live_from: float = -inf
    live_until: float = inf
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, parsed and checked.

    `priority` 0 to 100 (high 80, normal 50, low 20). `variant` names the fragment to show; "" is the page's own
    default (`nothing new`). `order` is the position in the folder, files by name. `live_from`/`live_until` are Unix
    seconds, until exclusive. `timezone` is the IANA zone weekday and hours are read in.

    All `draws` must take the visitor in, and no cap be reached. `holdout` is the share, in buckets, that sees the
    page's own instead. Of the rules of a `layer`, a page shows one. An `experiment` has its arms' variants instead of
    one of its own. `also_on` are channels that send what it shows too. What is
    `paused` is passed over.
    """

    name: str
    slot: str
    condition: Condition = EVERYBODY
    variant: str = ""
    priority: int = 50
    order: int = 0
    live_from: float = -inf
    live_until: float = inf
    timezone: str = "UTC"
    needs_verified: bool = False
    place: Place = NOWHERE
    caps: tuple[Cap, ...] = ()
    draws: tuple[Draw, ...] = ()
    holdout: int = 0
    layer: str = ""
    also_on: tuple[str, ...] = ()
    experiment: Experiment | None = None
    paused: bool = False

    @property
    def variants(self) -> frozenset[str]:
        """The names of all fragments it may show."""
        arms = self.experiment.arms if self.experiment else ()
        return frozenset({self.variant, *(arm.variant for arm in arms)} - {""})


@dataclass(frozen=True, slots=True)
class Segment:
    """A named group of visitors computed from their attributes. A visitor is also in every segment that a signed
    cookie or the profile names. `timezone` is the zone its weekday and hours are read in."""

    name: str
    condition: Condition
    description: str = ""
    timezone: str = "UTC"
    place: Place = NOWHERE


class Reason(enum.StrEnum):
    """Why a decision came out as it did, in OFREP's words."""

    STATIC = "STATIC"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DISABLED = "DISABLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one slot shows one visitor. `variant` "" is the page's own default. `detail` is our finer word: `default`,
    `rule`, `nothing new`, or `arm`, which `arm` names. When the page's own is shown instead of the rule `withheld`, it
    is `holdout`, or `capped`: had often enough, with nothing below it. Where all rules are switched off it is
    `paused`."""

    slot: str
    variant: str = ""
    reason: Reason = Reason.STATIC
    rule: str = ""
    detail: str = "default"
    arm: str = ""
    withheld: str = ""


def nothing_read(measure: Measure) -> AttributeValue | None:
    """The reading of a history that nobody has: unknown."""
    return None


class Consent(enum.IntEnum):
    """How far a visitor agreed to be known; `visitors/consent.py` says what each level means."""

    NONE = 0
    CONTEXTUAL = 1
    SESSION = 2
    PROFILE = 3


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """All that a decision may know. `targeting_key` is the visitor id, "" for the anonymous; `now` Unix seconds.

    `attributes` holds only what is known; its keys are those of `conditions/vocabulary.py`, and the bare names of
    profile attributes. `unverified` names segments that nobody signed: they never satisfy `needs: verified`.
    `bucket_key` is what chance is drawn by, so that a visitor keeps their arm after a login; "" is the targeting key.
    `read` reads a measure off the visitor's history at `now`: caps are asked only of the few rules about to be shown.
    `history` is that history, for what recommends products, and `remembered` a memory only, the profile's. `consent` is
    why something is not known.
    """

    targeting_key: str = ""
    now: float = 0.0
    attributes: Attributes = field(default_factory=dict)
    channel: str = "web"
    unverified: frozenset[str] = frozenset()
    bucket_key: str = ""
    read: Callable[[Measure], AttributeValue | None] = nothing_read
    history: tuple[Event, ...] = ()
    remembered: dict[object, object] = field(default_factory=dict, repr=False, compare=False)
    consent: Consent = Consent.PROFILE


# -- what happened ----------------------------------------------------------------------------------------------


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product in an event: its category as a path (`shoes/trail`), the price of one in the shop's currency."""

    product: str
    category: str = ""
    brand: str = ""
    price: float = 0.0
    quantity: float = 1.0


class Event(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """What a visitor did or was shown, as their history keeps it, in order of `at` and `id`.

    `at` is when it happened, the sender's clock corrected. Two events of one `id` are one. `kind` is a row of
    `events/types.py`, as `product viewed`; `subject` what it is about where that is no product: a page's path, the
    words of a search, the rule whose banner it was. `value` is money in the shop's currency, 0 when there is none.
    `shown` names the rules whose banners a page was opened with, each a `banner shown` that need not be an event of its
    own (`audience/showings.py`).
    """

    at: float
    id: str
    kind: str
    subject: str = ""
    items: tuple[Item, ...] = ()
    value: float = 0.0
    shown: tuple[str, ...] = ()


class View(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page as it was decided for a visitor: what deciding it again takes, and what it showed.

    `shown` has for each slot, in page order, what `shown_name` calls its decision. `attributes` are those that were
    known; `unknown` names those that were asked for and not known. What stands in neither was not recorded. `readings`
    are what caps read, by `measure_name`; None where there was nothing to read.
    """

    at: float
    version: str
    shown: dict[str, str]
    attributes: dict[str, AttributeValue] = {}
    unknown: tuple[str, ...] = ()
    visitor: str = ""
    unverified: frozenset[str] = frozenset()
    channel: str = "web"
    bucket_key: str = ""
    readings: dict[str, AttributeValue | None] = {}

    @property
    def context(self) -> EvaluationContext:
        """What deciding may know."""
        return EvaluationContext(
            self.visitor,
            self.at,
            self.attributes,
            self.channel,
            self.unverified,
            self.bucket_key,
            lambda measure: self.readings.get(measure_name(measure)),
        )


def shown_name(decision: Decision) -> str:
    """What a decision shows, by name: the rule's, with the arm's where it is an experiment; "" when no rule decided."""
    return f"{decision.rule} / {decision.arm}" if decision.arm else decision.rule


@lru_cache(maxsize=1_024)
def measure_name(measure: Measure) -> str:
    """A short name that a measure has in every process and version, as long as it asks the same."""
    asked = msgspec.json.encode(measure, order="deterministic")
    return hashlib.blake2b(asked, digest_size=6).hexdigest()


class Arrival(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event as it was taken in, and as the log keeps it: whose it is, which source sent it, when it came.

    `event.id` has the source before it, so that two sources may use the same message id. `traits` is what the event
    says of its visitor, `details` what else it tells (a slot, a variant, a currency). `segments` only an import has.
    `via` is the device that it came by, when that is not the visitor itself. `joins` are a device and the person who is
    proven to be on it, both "" when nothing is.
    """

    visitor_id: str
    event: Event
    source: str = ""
    received_at: float = 0.0
    traits: dict[str, str | float | bool | list[str]] = {}
    segments: tuple[str, ...] = ()
    details: dict[str, str | float | bool] = {}
    via: str = ""
    joins: tuple[str, str] = ("", "")


class Link(msgspec.Struct, frozen=True, array_like=True, order=True):
    """That two visitor ids are of one person: since when, whether the other is a device of this one or this one a
    device of the other, and whether that was undone. Of a device, what chance draws it by, and when it was first heard
    of."""

    at: float
    is_device: bool = False
    is_parted: bool = False
    bucket_key: str = ""
    began_at: float = 0.0


# -- who is there -----------------------------------------------------------------------------------------------

Stamp = tuple[float, str]
"""When something was said, and by which event: of two that say it, the one with the larger stamp is believed."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the store knows of a visitor. `attributes` values are text, number, truth or a set of texts; `history` is in
    order, and bounded by `events/fold.py`. `told` has the stamps of the attributes that events told, `imported` that of
    the import the others come from, and `hidden` what that import said of those told since. `bucket_key` is what
    chance draws the visitor by, "" for their id: who joins two profiles keeps the key of the older, so that nobody
    changes arms by a login. `remembered` is a memory only: what was read off the history, by what asked.
    `links` join it with others (`audience/identity.py`)."""

    visitor_id: str
    attributes: Attributes = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    updated_at: float = 0.0
    history: tuple[Event, ...] = ()
    bucket_key: str = ""
    told: Mapping[str, Stamp] = field(default_factory=dict, compare=False)
    imported: Stamp = field(default=(0.0, ""), compare=False)
    hidden: Attributes = field(default_factory=dict, compare=False)
    remembered: dict[object, object] = field(init=False, default_factory=dict, repr=False, compare=False)
    links: Mapping[str, Link] = field(default_factory=dict)

    @property
    def alias(self) -> str:
        """The person whose device this visitor is; "" for who is nobody's."""
        mine = [(link, id) for id, link in self.links.items() if not link.is_device and not link.is_parted]
        return min(mine)[1] if mine else ""

    @property
    def devices(self) -> dict[str, Link]:
        """The devices of this person, by their visitor ids."""
        return {id: link for id, link in self.links.items() if link.is_device and not link.is_parted}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a request says it is, after its cookies were verified. An id of "" is anonymous: no valid cookie came, or it
    may not be used. `unverified` are segments from an unsigned cookie an operator allowed by name."""

    id: str = ""
    first_seen_at: float = 0.0
    segments: frozenset[str] = frozenset()
    unverified: frozenset[str] = frozenset()
    consent: Consent = Consent.PROFILE


# -- what is sold -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale. `price` is in units of `currency` (12.5 EUR); `image_width`/`image_height` in pixels,
    0 when unknown; `popularity` any number, higher sells more. `sale_price`, when there is one, is what it costs from
    `sale_from` until before `sale_until` (Unix seconds). Variants of one thing share a `group`. `added_at` is when it
    came into the shop, 0 when nobody says. `prices` are what it costs in other currencies."""

    id: str
    title: str
    link: str
    category: str = ""
    brand: str = ""
    price: float = 0.0
    currency: str = ""
    image: str = ""
    image_width: int = 0
    image_height: int = 0
    in_stock: bool = True
    tags: frozenset[str] = frozenset()
    popularity: float = 0.0
    sale_price: float = 0.0
    sale_from: float = -inf
    sale_until: float = inf
    group: str = ""
    added_at: float = 0.0
    prices: tuple[tuple[str, float], ...] = ()

    def price_at(self, now: float) -> float:
        """What it costs at a moment."""
        is_on_sale = self.sale_price and self.sale_from <= now < self.sale_until
        return self.sale_price if is_on_sale else self.price


# -- what is kept of the origin ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CacheVerdict:
    """May it be stored, may it be reused: yes or no, and the one word logs, metrics and headers print."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed
