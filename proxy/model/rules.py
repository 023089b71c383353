"""Rules with their random shares, caps and experiments; holdouts; segments; and `Decision`, the result for one slot."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from math import inf

import msgspec

from proxy.model.conditions import EVERYBODY, NOWHERE, Condition, Measure, Place


@dataclass(frozen=True, slots=True)
class Cap:
    """The rule is not shown to a visitor whose `measure` is `limit` or more. `text` is the line as written."""

    text: str
    measure: Measure
    limit: float


@dataclass(frozen=True, slots=True)
class Draw:
    """A random share of the visitors: those whose bucket by `seed` (`bucketing.py`) is at least `low` and below an end
    that grows with time. `steps` are pairs of a time (Unix seconds) and the end from then on; before the first, nobody
    is in the share."""

    seed: str
    steps: tuple[tuple[float, int], ...]
    low: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the variants of an experiment. `share` is in buckets (of 10,000); `variant` is as in `Rule`."""

    name: str
    share: int
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Experiment:
    """The experiment of a rule: a visitor's bucket by the rule's name gives the arm; visitors beyond the last arm are
    not part of it. `split_by` is the attribute whose value is hashed, "" for the visitor's id. `goal` is the kind of
    event that is to become more frequent, `guardrails` what must not get worse; `min_days` is the shortest duration."""

    arms: tuple[Arm, ...]
    split_by: str = ""
    goal: str = ""
    guardrails: tuple[str, ...] = ()
    min_days: int = 0


class Countdown(msgspec.Struct, frozen=True, gc=False):
    """The time left until a moment, in `unit`: `days` or `hours`. `day` is its date, as `2026-12-24`, "" for every day;
    `minute` counts from midnight. `one` and `many` are the words after the number, "" for none."""

    unit: str
    day: str = ""
    minute: int = 0
    one: str = ""
    many: str = ""

    def __str__(self) -> str:
        """The moment as an editor writes it."""
        shown = "{:02d}:{:02d}".format(*divmod(self.minute, 60)) if self.minute or not self.day else ""
        return f"{self.day} {shown}".strip()


@dataclass(frozen=True, slots=True)
class Holdout:
    """A `share` of the visitors, in buckets, who see the page's default in `slots` (in all slots if that is empty), as
    the group to compare with. `live_from` and `live_until` are as in `Rule`."""

    name: str
    share: int
    slots: frozenset[str] = frozenset()
    live_from: float = -inf
    live_until: float = inf
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, parsed and checked.

    * `priority`: 0 to 100 (high 80, normal 50, low 20).
    * `variant`: the name of the fragment to show; "" is the page's default (`nothing new`).
    * `order`: the position in the folder, files sorted by name.
    * `live_from`, `live_until`: Unix seconds; `live_until` is exclusive.
    * `timezone`: the IANA zone in which weekday and hours are read.
    * `draws`, `caps`: the visitor must be in every share and below every cap.
    * `holdout`: the share of visitors, in buckets, who see the page's default instead.
    * `layer`: a page shows one rule of each layer.
    * `experiment`: its arms have the variants; the rule has none of its own.
    * `also_on`: other channels that show it.
    * `countdowns`: those in what it shows.
    * `paused`: the rule is ignored.
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
    countdowns: tuple[Countdown, ...] = ()

    @property
    def variants(self) -> frozenset[str]:
        """The names of all fragments it may show."""
        arms = self.experiment.arms if self.experiment else ()
        return frozenset({self.variant, *(arm.variant for arm in arms)} - {""})


@dataclass(frozen=True, slots=True)
class Segment:
    """A named group of visitors: those for whom `condition` holds, and those whose signed cookie or profile names it.
    `timezone` is as in `Rule`."""

    name: str
    condition: Condition
    description: str = ""
    timezone: str = "UTC"
    place: Place = NOWHERE


class Reason(enum.StrEnum):
    """The reason of a decision, as OFREP (the OpenFeature Remote Evaluation Protocol) names it."""

    STATIC = "STATIC"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DISABLED = "DISABLED"
    UNKNOWN = "UNKNOWN"


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What one slot shows one visitor: `variant`, "" for the page's default.

    `detail` says more than `reason`:

    * `rule`, `nothing new`: `rule` won; it shows a fragment, or the page's default.
    * `arm`: the rule is an experiment; `arm` is the visitor's.
    * `holdout`: the visitor is held out of the rule named in `withheld`.
    * `capped`: the rule named in `withheld` has reached a cap, and no other rule fits.
    * `paused`: all rules of the slot are paused.
    * `default`: no rule fits.
    """

    slot: str
    variant: str = ""
    reason: Reason = Reason.STATIC
    rule: str = ""
    detail: str = "default"
    arm: str = ""
    withheld: str = ""


def chosen_name(decision: Decision) -> str:
    """The name of the variant that was chosen, also of an arm that shows the page's default; "" if no rule won."""
    return decision.variant or (shown_name(decision) if decision.arm else "")


def shown_name(decision: Decision) -> str:
    """The name of what a decision shows: `RULE`, or `RULE / ARM` for an experiment; "" if no rule won."""
    return f"{decision.rule} / {decision.arm}" if decision.arm else decision.rule
