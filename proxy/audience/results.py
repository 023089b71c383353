"""What visitors did after chance showed them one thing or another: the arms of an experiment side by side, and those
who saw a rule beside those held out of it.

It is read off the log, visitor by visitor. Each page view names what its slots showed, or would have shown to who is
held out (`visitors/view_content.py`). So both sides are counted from the moment they first met the choice, and a
visitor counts once, for what they met first. Calculation only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

import msgspec

from proxy.audience.impressions import SHOWN
from proxy.bucketing import HOLDOUT, bucket
from proxy.model import Arrival, Event, Holdout

SLOT, HELD = "slot ", "held out "
"""What the details of a page view begin with that say what a slot showed, and which rule it withheld."""

KEPT_SECONDS = 60.0
KEPT_TIMES = 10
"""It is counted again once it is a minute old, and ten times as old as counting took: a tenth of a core at most."""
ALL, HELD_OUT = "shown", "held out"
"""The groups of a rule without arms."""

ARM = " / "
ORDER, CLICK = "order completed", "banner clicked"
GOALS = (ORDER, "checkout started", "product added", "product viewed", CLICK)
"""What is counted: the events that an experiment may hope for."""
CAPPED, LEAST_PAYERS = 0.99, 100
CURRENCY = "currency"
PAID = {ORDER: 1.0, "order refunded": -1.0, "order cancelled": -1.0}
COUNTED = frozenset((*GOALS, *PAID))
CUSTOM, EXPERIMENT_VIEWED = "custom event", "Experiment Viewed"
"""Segment's event by which a program tells what its visitor met, also where that is its own."""


class Met(NamedTuple):
    """A choice that a visitor met, where chance put them, and in which slot, "" when nobody said."""

    rule: str
    group: str
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """What a group paid: how many paid something, what they paid in `total`, and what of it counts when nobody counts
    for more than a cap, with the sum of its squares."""

    payers: int = 0
    total: float = 0.0
    capped: float = 0.0
    squares: float = 0.0

    @staticmethod
    def of(payments: Sequence[float], cap: float) -> Money:
        """By what each paid."""
        capped = [min(paid, cap) for paid in payments]
        return Money(len(payments), sum(payments), sum(capped), sum(paid * paid for paid in capped))


@dataclass(slots=True)
class Tally:
    """What the visitors of one group did since they met the choice: how many did each thing at least once, and what
    each paid who paid anything, until that is `money`."""

    visitors: int = 0
    did: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GOALS, 0))
    payments: list[float] = field(default_factory=list)
    money: Money = Money()


@dataclass(slots=True)
class Comparison:
    """The groups of one rule or experiment, by name. `crossed` met more than one of them; they count for the first.
    `began` is when the choice was first met. In differences of money nobody counts for more than `cap`. `currencies`
    are those that orders came in."""

    groups: dict[str, Tally] = field(default_factory=dict)
    crossed: int = 0
    began: float = inf
    cap: float = inf
    currencies: set[str] = field(default_factory=set)

    def sum_up(self) -> None:
        """Makes `money` of all payments, once everybody is counted."""
        self.cap = _cap([paid for tally in self.groups.values() for paid in tally.payments])
        for tally in self.groups.values():
            tally.money, tally.payments = Money.of(tally.payments, self.cap), []


def _cap(payments: Sequence[float]) -> float:
    """What the highest hundredth of those who paid count for: a single large order makes a difference of which nothing
    follows. Infinite where too few paid to tell what is high."""
    paid = sorted(one for one in payments if one > 0)
    return paid[int(CAPPED * len(paid))] if len(paid) >= LEAST_PAYERS else inf


class Results:
    """Adds visitors up. Of `holdouts` everybody is counted who met a choice that they are about, by their draw. Only
    choices met from `since` until before `until` count (Unix seconds)."""

    def __init__(self, holdouts: Sequence[Holdout] = (), since: float = -inf, until: float = inf) -> None:
        self._holdouts, self._since, self._until = holdouts, since, until
        self.visitors = 0
        self.of: dict[str, Comparison] = defaultdict(Comparison)

    def add(self, arrivals: Iterable[Arrival], key: str) -> None:
        """Counts one visitor, by all that the log has of them. `key` is what chance draws them by."""
        self.visitors += 1
        in_order = sorted(arrivals, key=_moment)
        events = [arrival.event for arrival in in_order]
        currencies = {
            str(arrival.details[CURRENCY]).upper()
            for arrival in in_order
            if CURRENCY in arrival.details and arrival.event.kind in PAID
        }
        met: dict[str, tuple[str, float]] = {}
        crossed: set[str] = set()
        for arrival in in_order:
            at = arrival.event.at
            for choice in met_by(arrival) if self._since <= at < self._until else ():
                if met.setdefault(choice.rule, (choice.group, at))[0] != choice.group:
                    crossed.add(choice.rule)
                for holdout in self._holdouts:
                    if _is_about(holdout, choice, at):
                        met.setdefault(named(holdout), (_drawn(holdout, key), at))
        for name, (group, at) in met.items():
            comparison = self.of[name]
            comparison.crossed += name in crossed
            comparison.began = min(comparison.began, at)
            comparison.currencies |= currencies
            _count(comparison.groups.setdefault(group, Tally()), name, at, events)


def named(holdout: Holdout) -> str:
    """What the comparison of a holdout is called, since a rule may have the same name."""
    return f"holdout: {holdout.name}"


def _is_about(holdout: Holdout, choice: Met, at: float) -> bool:
    return holdout.live_from <= at < holdout.live_until and (not holdout.slots or choice.slot in holdout.slots)


def _drawn(holdout: Holdout, key: str) -> str:
    return HELD_OUT if bucket(HOLDOUT + holdout.name, key) < holdout.share else ALL


def met_by(arrival: Arrival) -> Iterator[Met]:
    """The choices that an event says its visitor met."""
    event = arrival.event
    for name, said in arrival.details.items():
        if name.startswith(SLOT) and isinstance(said, str):
            yield _met(said, event.shown, name.removeprefix(SLOT))
        elif name.startswith(HELD) and isinstance(said, str):
            yield Met(said, HELD_OUT, name.removeprefix(HELD))
    if event.kind == CUSTOM and event.subject == EXPERIMENT_VIEWED:
        rule, part = (arrival.details.get(name) for name in ("experiment_name", "variation_name"))
        if isinstance(rule, str) and isinstance(part, str):
            yield Met(rule, ALL if part == rule else part.removeprefix(rule + ARM))
    elif event.kind == SHOWN and event.subject:
        variant = arrival.details.get("variant")
        shown = variant if isinstance(variant, str) and variant.startswith(event.subject + ARM) else event.subject
        yield _met(shown, (event.subject,), str(arrival.details.get("slot", "")))


def _met(variant: str, shown: Sequence[str], slot: str) -> Met:
    """A variant is a rule, or a rule and its arm: a rule's own name may hold a stroke, too."""
    if variant in shown or ARM not in variant:
        return Met(variant, ALL, slot)
    rule = next((rule for rule in shown if variant.startswith(rule + ARM)), variant.rpartition(ARM)[0])
    return Met(rule, variant[len(rule) + len(ARM) :], slot)


def _count(tally: Tally, rule: str, since: float, events: Sequence[Event]) -> None:
    """Adds a visitor to the group of a rule, by what they did since."""
    did, paid = set(), 0.0
    for event in events:
        if event.at >= since and event.kind in COUNTED:
            paid += PAID.get(event.kind, 0.0) * event.value
            if event.kind != CLICK or event.subject == rule:
                did.add(event.kind)
    tally.visitors += 1
    for kind in did.intersection(GOALS):
        tally.did[kind] += 1
    if paid:
        tally.payments.append(paid)


def _moment(arrival: Arrival) -> tuple[float, str]:
    return arrival.event.at, arrival.event.id


# -- as the studio has them


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What was counted: how many visitors the log had, and what those did who met each rule or holdout. It is unpacked
    by whoever tells it: thousands of rules take a fifth of a second, and pages wait while they are unpacked at once."""

    visitors: int
    packed: dict[str, msgspec.Raw]

    @staticmethod
    def of(visitors: int, comparisons: Mapping[str, Comparison]) -> Counted:
        """Packs it."""
        packed = {name: msgspec.Raw(msgspec.msgpack.encode(one)) for name, one in comparisons.items()}
        return Counted(visitors, packed)

    def comparisons(self, rule: str = "") -> dict[str, Comparison]:
        """By the name of their rule or holdout; only that of this rule, "" for all."""
        packed = self.packed.items() if not rule else [(rule, self.packed[rule])] if rule in self.packed else ()
        return {name: msgspec.msgpack.decode(one, type=Comparison) for name, one in packed}


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What was counted for the rules of this `version` and so many `days`, 0 for all; when, and how long it took."""

    version: str
    days: int
    at: float
    seconds: float
    counted: Counted

    def is_fresh(self, now: float) -> bool:
        return self.at <= now < self.at + max(KEPT_SECONDS, KEPT_TIMES * self.seconds)


@dataclass(frozen=True, slots=True)
class Looked:
    """What the studio has to show: what was counted last, if anything; whether it is being counted now; and why that
    failed, "" if it did not."""

    kept: Kept | None
    is_counting: bool
    problem: str = ""
