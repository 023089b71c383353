"""The groups of a rule or experiment, each compared with the first of them: the rows of a report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.audience.lifts import Lift, money_lift, return_lift, share_lift
from proxy.audience.results import ALL, CLICK, GOALS, HELD_OUT, ORDER, Comparison, Tally, holdout_name
from proxy.audience.verdicts import Judge, ReportOptions, Verdict
from proxy.bucketing import BUCKETS
from proxy.model import Holdout, Rule

PAID_BY_EACH, RETURNED, SOLD = "paid", "returned", "sold by clicks"


@dataclass(frozen=True, slots=True)
class Row:
    """One group, with what it did. `paid` is per visitor, `paid_by_payer` per visitor who paid anything. Of those who
    `ordered` so many `returned` something; so many `buyers` bought what they had clicked there, for `sold`. `lifts` are
    against the first row, by what was counted, `PAID_BY_EACH` and `RETURNED`. The first row has no verdict, nor has who
    was held out of an experiment."""

    group: str
    visitors: int
    did: Mapping[str, int]
    paid: float
    paid_by_payer: float
    ordered: int
    returned: int
    buyers: int
    sold: float
    lifts: Mapping[str, Lift | None]
    verdict: Verdict | None
    has_clicks: bool = True

    def why_not_compared(self, kind: str) -> str:
        """Why it has no lift of this, in words; "" where it has one, or is not compared at all."""
        if self.lifts.get(kind) or not self.lifts:
            return ""
        return "nothing to click, so not compared" if kind == CLICK and not self.has_clicks else "too few to compare"


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """How often, at most, a difference is found where there is none: in the goal of one group, and in anything else
    that is compared."""

    goal: float
    other: float


def shares_of(rules: Sequence[Rule], holdouts: Sequence[Holdout]) -> dict[str, dict[str, int]]:
    """What part of those who meet a choice each of its groups should be, in buckets, where that is known: not for the
    holdout of a rule from whom others are held out as well."""
    shares = {holdout_name(one): {HELD_OUT: one.share, ALL: BUCKETS - one.share} for one in holdouts}
    for rule in rules:
        if rule.experiment:
            shares[rule.name] = {arm.name: arm.share for arm in rule.experiment.arms}
        elif rule.holdout and not any(not one.slots or rule.slot in one.slots for one in holdouts):
            shares[rule.name] = {HELD_OUT: rule.holdout, ALL: BUCKETS - rule.holdout}
    return shares


def kinds_counted(
    rule: Rule | None, comparison: Comparison, asked: ReportOptions
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is counted: the goal, what must not get worse, and, if asked for, the steps that anybody took, in order; and
    once more what must not get worse."""
    tried = rule.experiment if rule else None
    goal = asked.goal or (tried.goal if tried else "") or ORDER
    guarded = tuple(kind for kind in (tried.guardrails if tried else ()) if kind in GOALS and kind != goal)
    taken = {kind for tally in comparison.groups.values() for kind, did in tally.converted.items() if did}
    steps = [kind for kind in reversed(GOALS) if kind in taken] if asked.steps else ()
    return tuple(dict.fromkeys((goal, *guarded, *steps))), guarded


def in_order(groups: Mapping[str, Tally], expected: Sequence[str]) -> list[tuple[str, Tally]]:
    """All groups, the one that the others are compared with first: the arm named control, else the first of the file;
    of a rule who is held out."""
    control = [group for group in expected if group.casefold() == "control"]
    order = list(dict.fromkeys([*control, *expected, HELD_OUT, ALL]))
    return sorted(groups.items(), key=lambda each: (order.index(each[0]) if each[0] in order else len(order), each[0]))


def is_by_visitor(rule: Rule | None) -> bool:
    """Whether each visitor was drawn on their own; otherwise groups are counted, and not compared."""
    return not (rule and rule.experiment and rule.experiment.split_by)


def compared_rows(
    groups: Sequence[tuple[str, Tally]],
    counted: Sequence[str],
    rule: Rule | None,
    judge: Judge,
    rates: ErrorRates,
) -> list[Row]:
    """A row for each group, compared with the first, by what is `counted`: the goal first."""
    (first, base), rows = groups[0], []
    silent = _showing_nothing(rule)
    for group, tally in groups:
        is_rival = group not in (first, HELD_OUT)
        has_clicks = not {group, first} & silent
        lifts = _lifts(counted, tally, base, rates) if group != first and is_by_visitor(rule) else {}
        can_be_compared = counted[0] != CLICK or has_clicks
        verdict = judge.verdict(lifts.get(counted[0]), can_be_compared=can_be_compared) if is_rival else None
        rows.append(_row(group, tally, counted, lifts, verdict, has_clicks))
    return rows


def _showing_nothing(rule: Rule | None) -> set[str]:
    """The groups that saw the page's own, of which no click is known."""
    arms = rule.experiment.arms if rule and rule.experiment else ()
    return {HELD_OUT, *(arm.name for arm in arms if not arm.variant)}


def _lifts(counted: Sequence[str], tally: Tally, base: Tally, rates: ErrorRates) -> dict[str, Lift | None]:
    goal, *others = counted
    return {
        goal: share_lift(goal, tally, base, rates.goal),
        **{kind: share_lift(kind, tally, base, rates.other) for kind in others},
        PAID_BY_EACH: money_lift(tally, base, rates.other),
        RETURNED: return_lift(tally, base, rates.other),
    }


def _row(
    group: str,
    tally: Tally,
    counted: Sequence[str],
    lifts: Mapping[str, Lift | None],
    verdict: Verdict | None,
    has_clicks: bool,
) -> Row:
    return Row(
        group,
        tally.visitors,
        did={kind: tally.converted[kind] for kind in counted},
        paid=tally.money.total / tally.visitors,
        paid_by_payer=tally.money.total / max(1, tally.money.payers),
        ordered=tally.converted[ORDER],
        returned=tally.returned,
        buyers=tally.buyers,
        sold=tally.sold,
        lifts=lifts,
        verdict=verdict,
        has_clicks=has_clicks,
    )
