"""The conditions of rules and segments: tests of attributes, measures of a history, and their place in a file."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import msgspec

AttributeValue = str | float | bool | frozenset[str]
"""The value of an attribute of a visitor or request. Numbers are float; a set has its members, as segments."""

Attributes = Mapping[str, AttributeValue]


class Place(msgspec.Struct, frozen=True, gc=False):
    """A position in a rule file. Lines and columns count from 1, columns in characters; `end` is the column after the
    last character of the word."""

    file: str
    line: int
    column: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0, 0, 0)


class OneOf(msgspec.Struct, frozen=True, gc=False):
    """The value, or a member of the set, is one of `values`; upper and lower case are equal."""

    values: frozenset[str]


class NotOneOf(msgspec.Struct, frozen=True, gc=False):
    """The value is known and is none of `values`; for a set: none of its members is."""

    values: frozenset[str]


class Between(msgspec.Struct, frozen=True, gc=False):
    """The number is from `low` to `high`; an end is included unless its `open_` flag is set."""

    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False
    unit: str = ""


class StartsWith(msgspec.Struct, frozen=True, gc=False):
    """The text, or a member of the set, begins with one of `values`; upper and lower case are equal."""

    values: tuple[str, ...]


class Contains(msgspec.Struct, frozen=True, gc=False):
    """The text, or a member of the set, contains one of `values`; upper and lower case are equal."""

    values: tuple[str, ...]


class IsKnown(msgspec.Struct, frozen=True, gc=False):
    """The attribute is known, and not an empty set (`any`); with `wanted=False` the opposite (`none`)."""

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
    DAYS_SINCE_NTH = "days since nth"  # since the `cap`-th latest, 1 for the latest
    DAYS_SINCE_VISIT = "days since visit"  # the end of the last visit before the one under way
    LATEST = "latest"  # the value of `of` in the latest of them
    SET = "set"  # all values of `of`
    FAVOURITE = "favourite"  # the value of `of` with the most points
    OFTEN = "often"  # whether the count reaches the first of `grades`
    SCORE = "score"  # points that halve with time, and are capped
    CART = "cart"  # the values of `of` of the products in the cart
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
    """An event counts only if an event of one of these `kinds` follows within `within_seconds`, about one of its own
    products if `same_product`. With `wanted=False` none may follow, and the event counts once the time is over."""

    kinds: tuple[str, ...]
    within_seconds: float
    wanted: bool = True
    same_product: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """How to calculate an attribute from a visitor's history at a given time. The result is never stored, so that a
    time window ends at its exact second.

    It looks at events of `kinds` that pass each of `where` (`category`, `product` and `brand` of one of its items, or
    the event's `subject`; a category counts with all those above it). An event is in the window from its `at` until
    before `at + within_seconds`, and in the `period`, on the clocks of `timezone`.

    `of` names what a `LATEST`, `SET`, `FAVOURITE` or `CART` is about: `product`, `category`, `brand` or `subject`.
    `points` are by kind, else 1; they halve every `half_life_seconds`. `grades` make a number a grade from 1 up: one
    more for each of these numbers that it reaches; of days since, for each that it does not exceed. Of a `SUM` what
    was paid back or called off is taken off.
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
        """Of the fields that differ most: readings are cached by measure, and hashing all fields takes 2 us."""
        return hash((self.reading, self.kinds, self.where))


Test = OneOf | NotOneOf | Between | StartsWith | Contains | IsKnown | WithinHours


class Fact(msgspec.Struct, frozen=True, gc=False):
    """A line of a condition: an attribute and the test of its value. False for an unknown attribute, unless the test is
    `none`. `text` is the line as written. `measure` says how the value is calculated from the visitor's history; None
    for an attribute of the request or profile."""

    attribute: str
    test: Test
    text: str = ""
    place: Place = NOWHERE
    measure: Measure | None = None


class AllOf(msgspec.Struct, frozen=True, gc=False):
    """All parts hold; true without parts."""

    parts: tuple[Condition, ...] = ()


class AnyOf(msgspec.Struct, frozen=True, gc=False):
    """At least one part holds; false without parts."""

    parts: tuple[Condition, ...] = ()


class NoneOf(msgspec.Struct, frozen=True, gc=False):
    """No part holds: the negation of `AnyOf`, so it is true if the attribute is unknown."""

    parts: tuple[Condition, ...] = ()


Condition = Fact | AllOf | AnyOf | NoneOf

EVERYBODY = AllOf()
NOBODY = AnyOf()


@lru_cache(maxsize=1_024)
def measure_name(measure: Measure) -> str:
    """A short name of a measure; equal measures have the same name in every process and version."""
    content = msgspec.json.encode(measure, order="deterministic")
    return hashlib.blake2b(content, digest_size=6).hexdigest()
