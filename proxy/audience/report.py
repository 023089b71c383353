"""Reports of results, for the command and the studio: each group of a rule or experiment compared with its base group,
with a verdict, and notes on what to know beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf

from proxy.audience.compared_groups import (
    PAID_BY_EACH,
    RETURNED,
    ErrorRates,
    Row,
    compared_rows,
    in_order,
    is_by_visitor,
    kinds_counted,
    shares_of,
)
from proxy.audience.lifts import SUSPICIOUS_P_VALUE, in_percent, percent, period_alpha, share_lift, split_p_value
from proxy.audience.results import HELD_OUT, Comparison, Tally
from proxy.audience.verdicts import Judge, Outcome, ReportOptions, Verdict
from proxy.model import Holdout, Rule

DRAWN = 1_000_000
"""So many that how many of them there are leaves no doubt: who was drawn is known by the share alone."""
UNFIT = "the numbers of visitors do not fit the split: do not trust this"
LATE = "nobody was held out for a part of the time: do not trust this"
MOST_UNHELD = 0.05
"""Of who is held out so many may have been shown something, as before they logged in."""


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


def _rule_report(
    name: str, comparison: Comparison, rule: Rule | None, shares: Mapping[str, int], asked: ReportOptions
) -> RuleReport:
    counted, guarded = kinds_counted(rule, comparison, asked)
    groups = in_order(comparison.groups, list(shares))
    rivals = [group for group, _ in groups[1:] if group != HELD_OUT]
    each = asked.alpha or period_alpha(comparison.began, comparison.first)
    rates = ErrorRates(each / max(1, len(rivals)), each)  # so that all of them together are wrong in 5 of 100 cases
    judge = Judge(comparison.began, rule, bool(shares), rates.goal, asked, comparison.first)
    rows = compared_rows(groups, counted, rule, judge, rates)
    sizes = [comparison.groups.get(group, Tally()).visitors for group in shares]
    chance = split_p_value(sizes, list(shares.values())) if any(sizes) and is_by_visitor(rule) else None
    late = list(_late_note(comparison))
    verdict = Verdict(Outcome.DISTRUST, LATE) if late else _overall(rows, chance, rule, counted[0])
    if verdict.word is Outcome.DISTRUST:
        rows = [replace(row, lifts={}, verdict=None) for row in rows]
    notes = [
        *_removed_note(rule, bool(shares)),
        *(judge.time_needed(groups[0][1], counted[0]) if verdict.word is Outcome.ALONE else ()),
        *(late or _split_note(verdict, shares, sizes)),
        *(_by_share_notes(groups, shares, counted[0], rates.goal) if verdict.text == UNFIT else ()),
        *_best_note(rows, comparison.groups, counted[0], rates.other),
        *_harm_notes(rows, guarded if verdict.word is Outcome.WORSE else (counted[0], *guarded)),
        *_crossover_note(comparison),
        *_currency_note(comparison),
    ]
    cap = None if comparison.cap == inf else comparison.cap
    return RuleReport(name, comparison.began, counted, rows, chance, cap, comparison.currency, verdict, notes)


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
        told = ", ".join(
            f"{name} {size / sum(sizes):.1%} instead of {share / total:.1%}"
            for (name, share), size in zip(shares.items(), sizes, strict=True)
        )
        yield f"of those counted, {told}: were shares changed under way, or does one make visitors leave after a page?"


def _late_note(comparison: Comparison) -> Iterator[str]:
    """Since when a holdout of the shop holds anybody out, where that is not all of the time counted."""
    held = comparison.groups.get(HELD_OUT, Tally()).visitors
    if comparison.unheld > MOST_UNHELD * held:
        since = datetime.fromtimestamp(comparison.unheld_at + 60, UTC)
        told = f"of {held:,} who are held out {comparison.unheld:,} saw rules all the same"
        mend = f"write into it `from: {since:%Y-%m-%d %H:%M}Z`, and it is counted from then on"
        yield f"{told}, so it began later than it says: {mend}"


def _by_share_notes(
    groups: Sequence[tuple[str, Tally]], shares: Mapping[str, int], goal: str, alpha: float
) -> Iterator[str]:
    """The lift of those who were to meet each group, by its share, whether they were counted or not. Where one keeps
    more visitors after the first page, most of those buy nothing, and it looks worse by those who were counted: one
    that kept 50 of 100 instead of 45 brought 3.7 % more orders, and seemed to bring 6.6 % fewer."""
    drawn = [(name, Tally(shares[name] * DRAWN, tally.converted)) for name, tally in groups if shares.get(name)]
    for name, tally in drawn[1:]:
        if lift := share_lift(goal, tally, drawn[0][1], alpha):
            told = f"by their shares, whoever was counted, {goal} of {name} beside {drawn[0][0]}: {in_percent(lift)}"
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
