"""Reports of results, for the command and the studio: each group of a rule or experiment compared with its base group,
with a verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf

from proxy.audience.results import ALL, CLICK, GOALS, HELD_OUT, ORDER, Comparison, Tally, holdout_name
from proxy.audience.verdicts import (
    SUSPICIOUS_P_VALUE,
    Judge,
    Lift,
    Outcome,
    ReportOptions,
    Verdict,
    in_percent,
    money_lift,
    percent,
    period_alpha,
    return_lift,
    share_lift,
    split_p_value,
)
from proxy.bucketing import BUCKETS
from proxy.model import Holdout, Rule

PAID_BY_EACH, RETURNED, SOLD = "paid", "returned", "sold by clicks"
DRAWN = 1_000_000
"""So many that how many of them there are leaves no doubt: who was drawn is known by the share alone."""
UNFIT = "the numbers of visitors do not fit the split: do not trust this"
LATE = "nobody was held out for a part of the time: do not trust this"
MOST_UNHELD = 0.05
"""Of who is held out so many may have been shown something, as before they logged in."""


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
class RuleReport:
    """One rule, experiment or holdout, `since` somebody first met it (Unix seconds). The first of `counted` is the
    goal. `chance` is how often chance alone ever makes sizes so far from their shares; None where no shares are known.
    In differences of money, which is of this `currency` ("": unknown), nobody counts for more than `cap`, if any.
    `notes` say what to know beside the verdict."""

    rule: str
    since: float
    counted: Sequence[str]
    rows: Sequence[Row]
    chance: float | None
    cap: float | None
    currency: str
    verdict: Verdict
    notes: Sequence[str]


def reports(
    comparisons: Mapping[str, Comparison], rules: Sequence[Rule], holdouts: Sequence[Holdout], asked: ReportOptions
) -> list[RuleReport]:
    """All comparisons as they are told, by name."""
    known, shares = {rule.name: rule for rule in rules}, shares_of(rules, holdouts)
    return [
        _rule_report(name, comparison, known.get(name), shares.get(name, {}), asked)
        for name, comparison in sorted(comparisons.items())
    ]


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


def _rule_report(
    name: str, comparison: Comparison, rule: Rule | None, shares: Mapping[str, int], asked: ReportOptions
) -> RuleReport:
    counted, guarded = _kinds(rule, comparison, asked)
    groups = _in_order(comparison.groups, list(shares))
    base, rivals = groups[0][1], [group for group, _ in groups[1:] if group != HELD_OUT]
    each = asked.alpha or period_alpha(comparison.began, comparison.first)
    alpha = each / max(1, len(rivals))  # so that all of them together are wrong in 5 of 100 cases
    sizes = [comparison.groups.get(group, Tally()).visitors for group in shares]
    is_by_visitor = not (rule and rule.experiment and rule.experiment.split_by)
    chance = split_p_value(sizes, list(shares.values())) if any(sizes) and is_by_visitor else None
    silent = _showing_nothing(rule)
    judge = Judge(comparison.began, rule, bool(shares), alpha, asked, comparison.first)
    rows = []
    for group, tally in groups:
        is_compared = tally is not base and is_by_visitor
        lifts = _lifts(counted, tally, base, alpha, each) if is_compared else {}
        has_clicks = not {group, groups[0][0]} & silent
        lift, can_be = lifts.get(counted[0]), counted[0] != CLICK or has_clicks
        verdict = judge.verdict(lift, can_be_compared=can_be) if group in rivals else None
        rows.append(_row(group, tally, counted, lifts, verdict, has_clicks))
    late = list(_late_note(comparison))
    verdict = Verdict(Outcome.DISTRUST, LATE) if late else _overall(rows, chance, rule, counted[0])
    if verdict.word is Outcome.DISTRUST:
        rows = [replace(row, lifts={}, verdict=None) for row in rows]
    notes = [
        *_removed_note(rule, bool(shares)),
        *(judge.time_needed(base, counted[0]) if verdict.word is Outcome.ALONE else ()),
        *(late or _split_note(verdict, shares, sizes)),
        *(_by_share_notes(groups, shares, counted[0], alpha) if verdict.text == UNFIT else ()),
        *_best_note(rows, comparison.groups, counted[0], each),
        *_harm_notes(rows, guarded if verdict.word is Outcome.WORSE else (counted[0], *guarded)),
        *_crossover_note(comparison),
        *_currency_note(comparison),
    ]
    cap = None if comparison.cap == inf else comparison.cap
    return RuleReport(name, comparison.began, counted, rows, chance, cap, comparison.currency, verdict, notes)


def _kinds(rule: Rule | None, comparison: Comparison, asked: ReportOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is counted: what is hoped for, what must not get worse, and the steps that anybody took, in order; and what
    must not get worse."""
    tried = rule.experiment if rule else None
    goal = asked.goal or (tried.goal if tried else "") or ORDER
    guarded = tuple(kind for kind in (tried.guardrails if tried else ()) if kind in GOALS and kind != goal)
    taken = {kind for tally in comparison.groups.values() for kind, did in tally.converted.items() if did}
    steps = [kind for kind in reversed(GOALS) if kind in taken] if asked.steps else ()
    return tuple(dict.fromkeys((goal, *guarded, *steps))), guarded


def _in_order(groups: Mapping[str, Tally], expected: Sequence[str]) -> list[tuple[str, Tally]]:
    """The arm named control first, else the first of the file; of a rule who is held out, whom it is compared with."""
    control = [group for group in expected if group.casefold() == "control"]
    order = list(dict.fromkeys([*control, *expected, HELD_OUT, ALL]))
    return sorted(groups.items(), key=lambda each: (order.index(each[0]) if each[0] in order else len(order), each[0]))


def _showing_nothing(rule: Rule | None) -> set[str]:
    """The groups that saw the page's own, of which no click is known."""
    arms = rule.experiment.arms if rule and rule.experiment else ()
    return {HELD_OUT, *(arm.name for arm in arms if not arm.variant)}


def _lifts(counted: Sequence[str], tally: Tally, base: Tally, alpha: float, each: float) -> dict[str, Lift | None]:
    """The error rate is `alpha` for the goal, and for `each` other."""
    goal, *others = counted
    shares = {kind: share_lift(kind, tally, base, each) for kind in others}
    money = {PAID_BY_EACH: money_lift(tally, base, each), RETURNED: return_lift(tally, base, each)}
    return {goal: share_lift(goal, tally, base, alpha), **shares, **money}


def _row(
    group: str,
    tally: Tally,
    counted: Sequence[str],
    lifts: Mapping[str, Lift | None],
    verdict: Verdict | None,
    has_clicks: bool,
) -> Row:
    did = {kind: tally.converted[kind] for kind in counted}
    money = tally.money
    paid, paid_by_payer = money.total / tally.visitors, money.total / max(1, money.payers)
    orders = tally.converted[ORDER], tally.returned, tally.buyers, tally.sold
    return Row(group, tally.visitors, did, paid, paid_by_payer, *orders, lifts, verdict, has_clicks)


def _overall(rows: Sequence[Row], chance: float | None, rule: Rule | None, goal: str) -> Verdict:
    if chance is not None and chance < SUSPICIOUS_P_VALUE:
        return Verdict(Outcome.DISTRUST, UNFIT)
    judged = [(row, row.verdict) for row in rows if row.verdict]
    if not judged:
        help = "" if rule is None or rule.experiment else ": give it `holdout: 5%`"
        return Verdict(Outcome.ALONE, f"nobody met anything else, so there is nothing to compare with{help}")
    order = list(Outcome)
    row, verdict = min(judged, key=lambda each: (order.index(each[1].word), -_seen(each[0], goal)))
    return verdict if len(judged) == 1 else Verdict(verdict.word, f"{row.group}: {verdict.text}")


def _seen(row: Row, goal: str) -> float:
    """How much more often the group reached the goal than the first; less than all where that is not known."""
    lift = row.lifts.get(goal)
    return lift.value if lift else -inf


def _split_note(verdict: Verdict, shares: Mapping[str, int], sizes: Sequence[int]) -> Iterator[str]:
    """Which sizes were due where they do not fit, and what to look for."""
    if verdict.word is Outcome.DISTRUST:
        total = sum(shares.values())
        found = zip(shares, shares.values(), sizes, strict=True)
        told = ", ".join(
            f"{name} {size / sum(sizes):.1%} instead of {share / total:.1%}" for name, share, size in found
        )
        yield f"of those counted, {told}: were shares changed under way, or does one make visitors leave after a page?"


def _late_note(comparison: Comparison) -> Iterator[str]:
    """Since when a holdout of the shop holds anybody out, where that is not all of the time counted."""
    held = comparison.groups.get(HELD_OUT, Tally()).visitors
    if comparison.unheld > MOST_UNHELD * held:
        since = datetime.fromtimestamp(comparison.unheld_at + 60, UTC)
        told = (
            f"of {held:,} who are held out {comparison.unheld:,} saw rules all the same, so it began later than it says"
        )
        yield f"{told}: write into it `from: {since:%Y-%m-%d %H:%M}Z`, and it is counted from then on"


def _by_share_notes(
    groups: Sequence[tuple[str, Tally]], shares: Mapping[str, int], goal: str, alpha: float
) -> Iterator[str]:
    """The lift of those who were to meet each group, by its share, whether they were counted or not. Where one keeps
    more visitors after the first page, most of those buy nothing, and it looks worse by those who were counted: one
    that kept 50 of 100 instead of 45 brought 3.7 % more orders, and seemed to bring 6.6 % fewer."""
    drawn = [(name, Tally(shares[name] * DRAWN, tally.converted)) for name, tally in groups if shares.get(name)]
    for name, tally in drawn[1:]:
        if lift := share_lift(goal, tally, drawn[0][1], alpha):
            told = f"by their shares, whoever was counted, {name} beside {drawn[0][0]}: {in_percent(lift)} {goal}"
            yield f"{told}; that holds if shares never changed, and all events arrive"


def _best_note(rows: Sequence[Row], groups: Mapping[str, Tally], goal: str, alpha: float) -> Iterator[str]:
    """Where several are better than the first: whether the best of them is better than each other one, too."""
    winners = [row for row in rows if row.verdict and row.verdict.word is Outcome.BETTER]
    if len(winners) < 2:
        return
    best, *others = sorted(winners, key=lambda row: -_seen(row, goal))
    rivals = sum(1 for row in rows if row.verdict)
    alpha /= rivals * (rivals - 1) / 2  # any two might have been the best ones
    for other in others:
        lift = share_lift(goal, groups[best.group], groups[other.group], alpha)
        is_sure = lift is not None and lift.low > 0
        told = f"{best.group} is better than {other.group}, too" if is_sure else _open_text(best.group, other.group)
        yield f"{told}: {in_percent(lift)}" if lift else told


def _open_text(best: str, other: str) -> str:
    return f"{best} and {other} are both better than the first, and which of the two is best is open"


def _removed_note(rule: Rule | None, has_shares: bool) -> Iterator[str]:
    if rule is None and not has_shares:
        yield "it is not in the rule folder any more"


def _harm_notes(rows: Sequence[Row], guarded: Sequence[str]) -> Iterator[str]:
    """What got worse: of these, and of money and returns, which always are. The goal is among them where the verdict is
    about a better arm, or comes later: else one that keeps buyers away would run on unseen."""
    for row in rows:
        if row.verdict and (more := row.lifts.get(RETURNED)) and more.low > 0:
            span = f"{percent(more.low)} to {percent(more.high)}"
            yield f"{row.group}: of those who ordered {span} more gave something back"
        for kind, lift in row.lifts.items():
            if lift and lift.high < 0 and row.verdict and kind in (*guarded, PAID_BY_EACH):
                yield f"{row.group}: {_loss_text(kind, -lift.high, -lift.low)}"


def _loss_text(kind: str, least: float, most: float) -> str:
    if kind == PAID_BY_EACH:
        return f"each visitor pays {least:,.2f} to {most:,.2f} less"
    return f"{kind} is worse by {percent(least)} to {percent(most)}"


def _currency_note(comparison: Comparison) -> Iterator[str]:
    named, main = sorted(filter(None, comparison.currencies)), comparison.currency
    if len(named) > 1:
        some, total = ", ".join(named[:5]), sum(comparison.currencies[name] for name in named)
        part = f"{comparison.currencies[main]:,} of {total:,}"
        yield f"orders came in {len(named)} currencies ({some}): what was paid is that of the {part} in {main}"
    if main and "" in comparison.currencies:
        yield f"some orders name no currency: they are added up as if they were in {main}"


def _crossover_note(comparison: Comparison) -> Iterator[str]:
    if comparison.crossed:
        yield f"{comparison.crossed} met more than one of these, and count for the first"
