"""Counts the results of experiments and holdouts: what visitors did after their first exposure, for the arms of an
experiment, and for those who saw a rule and those held out of it.

It reads the log, visitor by visitor. Each page view names what its slots showed, or would have shown to a visitor who
is held out (`visitors/view_content.py`). So both groups are counted from the first exposure, and a visitor counts once,
for the group they were exposed to first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from math import inf
from typing import NamedTuple

from proxy.audience.paid_back import paid_back
from proxy.bucketing import HOLDOUT, bucket
from proxy.conditions.behaviours import PAGE, PAID_BACK, SHOWN
from proxy.model import Arrival, Event, Holdout

SLOT, HELD = "slot ", "held out "
"""The prefixes of a page view's details that say what a slot showed, and which rule it withheld."""

DEVICE = "device"
"""The detail of a page view that says on which kind of device it was seen."""

ALL, HELD_OUT = "shown", "held out"
"""The groups of a rule without arms."""

ARM = " / "
ORDER, CLICK = "order completed", "banner clicked"
GOALS = (ORDER, "checkout started", "product added", "product viewed", CLICK)
"""The kinds of events that may be the goal of an experiment: the steps to an order, the last one first."""
CLICK_COUNTS_SECONDS = 7 * 86_400.0
"""What is bought so long after it was clicked counts as bought by that click."""
CAPPED, LEAST_PAYERS = 0.99, 100
MOST_SEEN = 20
"""So many parts are counted for each that is told in the end: the largest are among those that are met first."""
CURRENCY = "currency"
COUNTED = frozenset((*GOALS, *PAID_BACK))
CUSTOM, EXPERIMENT_VIEWED = "custom event", "Experiment Viewed"
"""Segment's event by which a program reports an exposure."""


class Exposure(NamedTuple):
    """An exposure: the rule (or experiment, or holdout), the visitor's group, and the slot, "" if unknown."""

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
    """What the visitors of one group did since their first exposure: how many did each thing at least once
    (`converted`), how many of those who ordered had something of that paid back or called off (`returned`), and what
    each paying visitor paid (`payments`, summed up in `money` at the end), in which currencies (`paid_in`, "" for none;
    empty where none is named). `buyers` bought products that they had clicked in this rule's content, for what is
    `sold`, of which `sold_in` is by currency."""

    visitors: int = 0
    converted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GOALS, 0))
    payments: list[float] = field(default_factory=list)
    paid_in: list[str] = field(default_factory=list)
    money: Money = Money()
    returned: int = 0
    buyers: int = 0
    sold_in: dict[str, float] = field(default_factory=dict)
    sold: float = 0.0


@dataclass(slots=True)
class Comparison:
    """The groups of one rule or experiment, by name. `crossed` visitors were exposed to more than one of them, and
    count for the first. `began` is the time of the first exposure that counts, `first` that of the first of all. In
    differences of money nobody counts for more than `cap`. `currencies` are those of the orders that count, with how
    many there are, "" for those that name none. Money is that of the most frequent `currency`: nothing is converted.
    Of those whom a holdout of the shop is to hold out, `unheld` saw something all the same, the last `unheld_at`."""

    groups: dict[str, Tally] = field(default_factory=dict)
    crossed: int = 0
    began: float = inf
    first: float = inf
    cap: float = inf
    currencies: dict[str, int] = field(default_factory=dict)
    currency: str = ""
    unheld: int = 0
    unheld_at: float = -inf

    @property
    def visitors(self) -> int:
        return sum(tally.visitors for tally in self.groups.values())

    def sum_up(self) -> None:
        """Makes `money` of all payments, once everybody is counted."""
        self.currency = max(sorted(filter(None, self.currencies)), key=self.currencies.__getitem__, default="")
        for tally in self.groups.values():
            each = zip_longest(tally.payments, tally.paid_in, fillvalue="")
            tally.payments, tally.paid_in = [float(paid) for paid, named in each if named in ("", self.currency)], []
        self.cap = _cap([paid for tally in self.groups.values() for paid in tally.payments])
        for tally in self.groups.values():
            tally.money, tally.payments = Money.of(tally.payments, self.cap), []
            tally.sold = sum(sold for named, sold in tally.sold_in.items() if named in ("", self.currency))


def _cap(payments: Sequence[float]) -> float:
    """What the highest hundredth of those who paid count for: a single large order makes a difference of which nothing
    follows. Infinite where too few paid to tell what is high."""
    paid = sorted(one for one in payments if one > 0)
    return paid[int(CAPPED * len(paid))] if len(paid) >= LEAST_PAYERS else inf


class Results:
    """Adds visitors up. Of `holdouts` everybody is counted who met a choice that they are about, by their draw. Only
    who met a choice for the first time from `since` until before `until` counts (Unix seconds): what others do by then
    follows from what they met earlier, and whether they come again may follow from it, too."""

    def __init__(
        self,
        holdouts: Sequence[Holdout] = (),
        since: float = -inf,
        until: float = inf,
        part_of: Callable[[float, Sequence[Arrival]], str] | None = None,
        most_parts: int = 1_000,
    ) -> None:
        """`part_of` names the part of a visitor, by when they met a choice and all their log (`audience/parts.py`);
        `parts` then has the same comparisons once more, of each part alone, of the `most_parts` largest."""
        self._holdouts, self._since, self._until = holdouts, since, until
        self._part_of, self._most_parts = part_of, most_parts
        self.parts: dict[str, dict[str, Comparison]] = defaultdict(lambda: defaultdict(Comparison))
        self.visitors = 0
        self.comparisons: dict[str, Comparison] = defaultdict(Comparison)
        self.first: dict[str, float] = {}
        """When each choice was first met, in this time or before."""

    def add(self, arrivals: Iterable[Arrival], key: str) -> None:
        """Counts one visitor, by all that the log has of them. `key` is what chance draws them by."""
        self.visitors += 1
        in_order = sorted(arrivals, key=_moment)
        events = [arrival.event for arrival in in_order]
        orders = [event for event in events if event.kind == ORDER]
        currencies = {one.event.id: str(one.details.get(CURRENCY, "")).upper() for one in in_order if one.event.value}
        first_met: dict[str, tuple[str, float]] = {}
        crossed: set[str] = set()
        unheld: dict[str, float] = {}
        for arrival in in_order:
            at = arrival.event.at
            for choice in exposures_in(arrival):
                if first_met.setdefault(choice.rule, (choice.group, at))[0] != choice.group:
                    crossed.add(choice.rule)
                for holdout in self._holdouts:
                    if _is_about(holdout, choice, at):
                        name, group = holdout_name(holdout), _holdout_group(holdout, key)
                        first_met.setdefault(name, (group, at))
                        if group == HELD_OUT != choice.group and arrival.event.kind == PAGE:
                            unheld[name] = at
        for name, (group, at) in first_met.items():
            self.first[name] = min(self.first.get(name, inf), at)
            if not self._since <= at < self._until:
                continue
            of_all = [self.comparisons[name]]
            if self._part_of:
                parts, part = self.parts[name], self._part_of(at, in_order)
                if part in parts or len(parts) < MOST_SEEN * self._most_parts:
                    of_all.append(parts[part])
            for comparison in of_all:
                comparison.crossed += name in crossed
                comparison.unheld += name in unheld
                comparison.unheld_at = max(comparison.unheld_at, unheld.get(name, -inf))
                comparison.began = min(comparison.began, at)
                for order in orders:
                    if order.at >= at and order.value:
                        currency = currencies.get(order.id, "")
                        comparison.currencies[currency] = comparison.currencies.get(currency, 0) + 1
                _count(comparison.groups.setdefault(group, Tally()), name, at, events, currencies)

    def sum_up(self) -> None:
        """Sums up all comparisons, once everybody is counted."""
        for parts in self.parts.values():
            by_size = sorted(parts, key=lambda part: (-parts[part].visitors, part))
            for part in by_size[self._most_parts :]:
                del parts[part]
        for name, comparison in self.comparisons.items():
            for one in (comparison, *(self.parts[name].values() if name in self.parts else ())):
                one.first = self.first[name]
                one.sum_up()


def holdout_name(holdout: Holdout) -> str:
    """What the comparison of a holdout is called, since a rule may have the same name."""
    return f"holdout: {holdout.name}"


def _is_about(holdout: Holdout, choice: Exposure, at: float) -> bool:
    return holdout.live_from <= at < holdout.live_until and (not holdout.slots or choice.slot in holdout.slots)


def _holdout_group(holdout: Holdout, key: str) -> str:
    return HELD_OUT if bucket(HOLDOUT + holdout.name, key) < holdout.share else ALL


def exposures_in(arrival: Arrival) -> Iterator[Exposure]:
    """The exposures that an event reports."""
    event = arrival.event
    for name, detail in arrival.details.items():
        if name.startswith(SLOT) and isinstance(detail, str):
            yield _exposure(detail, event.shown, name.removeprefix(SLOT))
        elif name.startswith(HELD) and isinstance(detail, str):
            yield Exposure(detail, HELD_OUT, name.removeprefix(HELD))
    if event.kind == CUSTOM and event.subject == EXPERIMENT_VIEWED:
        rule, part = (arrival.details.get(name) for name in ("experiment_name", "variation_name"))
        if isinstance(rule, str) and isinstance(part, str):
            yield Exposure(rule, ALL if part == rule else part.removeprefix(rule + ARM))
    elif event.kind == SHOWN and event.subject:
        variant = arrival.details.get("variant")
        shown = variant if isinstance(variant, str) and variant.startswith(event.subject + ARM) else event.subject
        yield _exposure(shown, (event.subject,), str(arrival.details.get("slot", "")))


def _exposure(variant: str, shown: Sequence[str], slot: str) -> Exposure:
    """A variant is a rule, or a rule and its arm: a rule's own name may hold a stroke, too."""
    if variant in shown or ARM not in variant:
        return Exposure(variant, ALL, slot)
    rule = next((rule for rule in shown if variant.startswith(rule + ARM)), variant.rpartition(ARM)[0])
    return Exposure(rule, variant[len(rule) + len(ARM) :], slot)


def _count(tally: Tally, rule: str, since: float, events: Sequence[Event], currencies: Mapping[str, str]) -> None:
    """Adds a visitor to the group of a rule, by what they did since. `currencies` are those of events, by id."""
    counted = [event for event in events if event.at >= since and event.kind in COUNTED]
    did = {event.kind for event in counted if event.kind != CLICK or event.subject == rule}
    tally.visitors += 1
    for kind in did.intersection(GOALS):
        tally.converted[kind] += 1
    paid: dict[str, float] = defaultdict(float)
    has_returned = False
    for event in counted:
        if event.kind == ORDER:
            paid[currencies.get(event.id, "")] += event.value
    for back in paid_back(counted):
        if back.order or not back.is_named:  # of who sends back what they bought before, no rule since is the cause
            paid[currencies.get((back.order or back.event).id, "")] -= back.amount
            has_returned = True
    tally.returned += has_returned and ORDER in did
    sold = list(_sold_by_clicks(rule, counted)) if CLICK in did else []
    tally.buyers += bool(sold)
    for order, amount in sold:
        currency = currencies.get(order.id, "")
        tally.sold_in[currency] = tally.sold_in.get(currency, 0.0) + amount
    for currency, amount in paid.items():
        if amount:
            tally.payments.append(amount)
            tally.paid_in.append(currency)


def _sold_by_clicks(rule: str, counted: Sequence[Event]) -> Iterator[tuple[Event, float]]:
    """The orders with products that the visitor had clicked in the rule's content, each with what these cost."""
    counts_until: dict[str, float] = {}
    for event in counted:
        if event.kind == CLICK and event.subject == rule:
            counts_until |= {item.product: event.at + CLICK_COUNTS_SECONDS for item in event.items}
        elif event.kind == ORDER:
            bought = [item for item in event.items if event.at <= counts_until.get(item.product, -inf)]
            if bought:
                yield event, sum(item.price * item.quantity for item in bought)


def _moment(arrival: Arrival) -> tuple[float, str]:
    return arrival.event.at, arrival.event.id
