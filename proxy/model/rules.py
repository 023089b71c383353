"""Rules with their chance, caps and experiments; segments; and the decision that follows from them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from math import inf

from proxy.model.conditions import EVERYBODY, NOWHERE, Condition, Measure, Place


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


def chosen_name(decision: Decision) -> str:
    """The variant that was chosen, also an arm that is the page's own; "" when none was."""
    return decision.variant or (shown_name(decision) if decision.arm else "")


def shown_name(decision: Decision) -> str:
    """What a decision shows, by name: the rule's, with the arm's where it is an experiment; "" when no rule decided."""
    return f"{decision.rule} / {decision.arm}" if decision.arm else decision.rule
