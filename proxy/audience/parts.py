"""The parts that results are told apart by: the week in which visitors met a choice, what they had done before, and the
device they met it on; and whether a choice did better in one part than in the others. Only what was so when they met it
parts them: what they did since may follow from what they saw. Calculation only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import exp, log1p, sqrt
from zoneinfo import ZoneInfo

from proxy.audience.report import RuleReport, reports
from proxy.audience.results import DEVICE, ORDER, Comparison
from proxy.audience.verdicts import TYPICAL_LIFT, Lift, ReportOptions, half_width, percent, period_alpha
from proxy.model import Arrival, Holdout, Rule

VISIT_SECONDS = 1_800.0
"""What was done so shortly before is of the same visit."""
UNKNOWN = "unknown"
DEVICES = "phone", "tablet", "desktop"

PartOf = Callable[[float, Sequence[Arrival]], str]
"""The part of a visitor, by when they met the choice (Unix seconds), and all their log in order."""


def week_of(at: float, log: Sequence[Arrival], timezone: str) -> str:
    """The Monday of the week, on the clocks of the time zone."""
    day = datetime.fromtimestamp(at, ZoneInfo(timezone)).date()
    return f"week of {day - timedelta(days=day.weekday())}"


def past_of(at: float, log: Sequence[Arrival], timezone: str) -> str:
    """Whether they had bought, else whether they had been there before this visit."""
    if any(one.event.kind == ORDER and one.event.at < at for one in log):
        return "had bought"
    return "had come" if log[0].event.at < at - VISIT_SECONDS else "new"


def device_of(at: float, log: Sequence[Arrival], timezone: str) -> str:
    """The kind of device they met it on; where that event does not say, the one they had been seen on before."""
    told = UNKNOWN
    for one in log:
        if one.event.at > at:
            break
        told = str(one.details.get(DEVICE, told))
    return told if told in DEVICES else UNKNOWN


BY: Mapping[str, Callable[[float, Sequence[Arrival], str], str]] = {
    "week": week_of,
    "past": past_of,
    "device": device_of,
}


def part_of(by: str, timezone: str) -> PartOf | None:
    """Names parts by a row of `BY`; None for ""."""
    return (lambda at, log: BY[by](at, log, timezone)) if by else None


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its comparison, of which no verdict is told; and how much better each group did in it, beside the
    first, than in all the other parts."""

    part: str
    report: RuleReport
    beside_others: Mapping[str, Lift]

    def as_json(self) -> dict[str, object]:
        """What programs get."""
        kept = ("since", "counted", "chance", "cap", "currency")
        rows = [{key: value for key, value in asdict(row).items() if key != "verdict"} for row in self.report.rows]
        beside = {group: asdict(lift) for group, lift in self.beside_others.items()}
        told = {key: getattr(self.report, key) for key in kept}
        return {"rule": self.report.rule, "part": self.part, **told, "rows": rows, "beside_others": beside}


def parts_of(
    name: str,
    parts: Mapping[str, Comparison],
    rules: Sequence[Rule],
    holdouts: Sequence[Holdout],
    asked: ReportOptions,
) -> list[Part]:
    """The parts of one comparison, by name. Their intervals hold together; where only a part of its time is looked at,
    as wide for that as those of all of them together, whenever each part began."""
    if not parts:
        return []
    began, first = min(one.began for one in parts.values()), min(one.first for one in parts.values())
    alpha = period_alpha(began, first)
    together = replace(asked, alpha=alpha / len(parts))
    told = {part: reports({name: one}, rules, holdouts, together)[0] for part, one in sorted(parts.items())}
    lifts = {part: _goal_lifts(report) for part, report in told.items()}
    return [Part(part, report, dict(_beside_others(part, lifts, alpha))) for part, report in told.items()]


def notes_on(parts: Sequence[Part]) -> Iterator[str]:
    """Whether parts differ from the others, in words, and what to make of them."""
    if len(parts) < 2:
        return
    of_two = len(parts) == 2  # then what one does better the other does worse
    unlike = [
        f'{group} does better in "{one.part}" than elsewhere' + f", by {percent(lift.low)} to {percent(lift.high)}"
        if lift.low > 0
        else f'{group} does worse in "{one.part}" than elsewhere, by {percent(-lift.high)} to {percent(-lift.low)}'
        for one in parts
        for group, lift in one.beside_others.items()
        if lift.low > 0 or (lift.high < 0 and not of_two)
    ]
    yield from unlike or ["no part is known to differ from the others: go by all of them together"]
    yield f"the intervals of all {len(parts)} parts hold together; what stands out in one is to be tried again"


def _goal_lifts(report: RuleReport) -> dict[str, Lift]:
    lifts = ((row.group, row.lifts.get(report.counted[0])) for row in report.rows if row.verdict)
    return {group: lift for group, lift in lifts if lift and lift.value > -1}


def _beside_others(part: str, lifts: Mapping[str, Mapping[str, Lift]], alpha: float) -> Iterator[tuple[str, Lift]]:
    """The ratio of the group's ratio here and elsewhere, as a lift. Parts are independent, so the errors of both add
    up, and the interval holds for all looks as theirs do. Of two parts there is one question, of more one for each."""
    for group, lift in lifts[part].items():
        others = [of[group] for name, of in lifts.items() if name != part and group in of]
        if others:
            weights = [1 / one.error**2 for one in others]
            elsewhere = sum(log1p(one.value) * weight for one, weight in zip(others, weights, strict=True))
            ratio = log1p(lift.value) - elsewhere / sum(weights)
            error = sqrt(lift.error**2 + 1 / sum(weights))
            questions = (len(others) + 1 if len(others) > 1 else 1) * len(lifts[part])
            reach = half_width(error, TYPICAL_LIFT, alpha / questions)
            yield group, Lift(exp(ratio) - 1, exp(ratio - reach) - 1, exp(ratio + reach) - 1, error)
