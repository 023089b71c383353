"""Conditions: the tests, measures and conditions that rules and segments are made of, and where each was written."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import msgspec

AttributeValue = str | float | bool | frozenset[str]
"""What a visitor or request may say about itself. Numbers are float; a set is "is in", as for segments."""

Attributes = Mapping[str, AttributeValue]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where in a rule file something stands. Line and column count from 1, columns in characters; `end` is the
    column after the last character of the word on that line."""

    file: str
    line: int
    column: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0, 0, 0)


class OneOf(msgspec.Struct, frozen=True, gc=False):
    """The value, or one of a set's members, is among `values` (compared casefolded)."""

    values: frozenset[str]


class NotOneOf(msgspec.Struct, frozen=True, gc=False):
    """The value is known and not among `values`; for a set: none of its members is."""

    values: frozenset[str]


class Between(msgspec.Struct, frozen=True, gc=False):
    """The number is within `low`..`high`; an end is part of the range unless its `open_` flag says otherwise."""

    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False
    unit: str = ""


class StartsWith(msgspec.Struct, frozen=True, gc=False):
    """The text (or a member of the set) begins with one of `values` (casefolded)."""

    values: tuple[str, ...]


class Contains(msgspec.Struct, frozen=True, gc=False):
    """The text (or a member of the set) contains one of `values` (casefolded)."""

    values: tuple[str, ...]


class IsKnown(msgspec.Struct, frozen=True, gc=False):
    """`any`: the attribute is known (and a set is not empty). With `wanted=False`, `none`: it is not."""

    wanted: bool = True


class WithinHours(msgspec.Struct, frozen=True, gc=False):
    """The local time of day is in [`start_minute`, `end_minute`), minutes from midnight; wraps past midnight when
    the end is not after the start."""

    start_minute: int
    end_minute: int


class Reading(enum.StrEnum):
    """What a `Measure` calculates from the events it looks at."""

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
    """The period that a `Measure` looks at, beside its `within_seconds`. Days begin at midnight, weeks on Monday, in
    the measure's time zone."""

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


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One line an editor wrote: an attribute and what it must be. Never true of an unknown attribute, but for
    `none`. `text` is the line as written, for `why` and messages. `measure` says how the attribute's value is read off
    the visitor's history; None for what a request or profile says of itself."""

    attribute: str
    test: Test
    text: str = ""
    place: Place = NOWHERE
    measure: Measure | None = None


class AllOf(msgspec.Struct, frozen=True, gc=False):
    """Every part holds; true when empty."""

    parts: tuple[Condition, ...] = ()


class AnyOf(msgspec.Struct, frozen=True, gc=False):
    """At least one part holds; false when empty."""

    parts: tuple[Condition, ...] = ()


class NoneOf(msgspec.Struct, frozen=True, gc=False):
    """No part holds: plain negation of `AnyOf`, so an unknown attribute satisfies it."""

    parts: tuple[Condition, ...] = ()


Condition = Fact | AllOf | AnyOf | NoneOf

EVERYBODY = AllOf()
NOBODY = AnyOf()


@lru_cache(maxsize=1_024)
def measure_name(measure: Measure) -> str:
    """A short name of a measure, the same in every process and version as long as the measure is the same."""
    asked = msgspec.json.encode(measure, order="deterministic")
    return hashlib.blake2b(asked, digest_size=6).hexdigest()
