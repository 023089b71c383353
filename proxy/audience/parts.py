"""The parts that results are told apart by: the week in which visitors met a choice, what they had done before, on what
device they met it, by which campaign they came, what the shop had told of them; and whether a choice did better in one
part than in the others. Only what was so when they met it parts them: what they did since may follow from what they
saw. Calculation only."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from math import exp, log1p, sqrt
from zoneinfo import ZoneInfo

from proxy.audience.identity import IMPORTED
from proxy.audience.lifts import TYPICAL_LIFT, Lift, half_width, percent, period_alpha
from proxy.audience.outside import MEMBERSHIP, memberships_after, segments_of
from proxy.audience.report import RuleReport, reports
from proxy.audience.results import DEVICE, ORDER, Comparison
from proxy.audience.rows import attribute_name
from proxy.audience.verdicts import ReportOptions
from proxy.conditions.behaviours import PAGE
from proxy.model import Arrival, Holdout, Membership, Rule, Stamp

VISIT_SECONDS = 1_800.0
"""What was done so shortly before is of the same visit."""
UNKNOWN, NO_CAMPAIGN, IN_IT, NOT_IN_IT = "unknown", "none", "in it", "not in it"
TOLD = re.compile(r"(attribute|segment): (\S.{0,63})")
"""What the shop tells of its visitors, and what it is called."""
TOLD_HELP = '"attribute: NAME" or "segment: NAME" of what the shop tells of its visitors'
MOST_PARTS, LONGEST_PART = 12, 60
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
    for one in _until(at, log):
        told = str(one.details.get(DEVICE, told))
    return told if told in DEVICES else UNKNOWN


def campaign_of(at: float, log: Sequence[Arrival], timezone: str) -> str:
    """The campaign (`utm_campaign`) by which they had come last."""
    told = NO_CAMPAIGN
    for one in _until(at, log):
        if one.event.kind == PAGE:
            told = str(one.details.get("campaign", told))
    return told[:LONGEST_PART]


def attribute_of(name: str, at: float, log: Sequence[Arrival]) -> str:
    """What had been told of this attribute last."""
    told: object = UNKNOWN
    for one in _until(at, log):
        told = one.traits.get(attribute_name(name), told)
    if isinstance(told, bool):
        return "yes" if told else "no"
    text = f"{told:g}" if isinstance(told, float) else ", ".join(told) if isinstance(told, list) else str(told)
    return text[:LONGEST_PART] or UNKNOWN


def segment_of(name: str, at: float, log: Sequence[Arrival]) -> str:
    """Whether an import, or an outside system, had told that they are in the segment."""
    listed: Collection[str] = ()
    imported: Stamp = (0.0, "")
    outside: Mapping[str, Membership] = {}
    for one in _until(at, log):
        if one.event.kind == IMPORTED:
            listed, imported = one.segments, (one.event.at, one.event.id)
        elif one.event.kind in MEMBERSHIP:
            outside = memberships_after(outside, one)
    are_in = map(str.casefold, segments_of(listed, imported, outside))
    return IN_IT if name.casefold() in are_in else NOT_IN_IT


def _until(at: float, log: Sequence[Arrival]) -> Iterator[Arrival]:
    return takewhile(lambda one: one.event.at <= at, log)


BY: Mapping[str, Callable[[float, Sequence[Arrival], str], str]] = {
    "week": week_of,
    "past": past_of,
    "device": device_of,
    "campaign": campaign_of,
}


def is_by(by: str) -> bool:
    """Whether visitors can be parted by this: a row of `BY`, or what matches `TOLD`."""
    return by in BY or bool(TOLD.fullmatch(by))


def part_of(by: str, timezone: str) -> PartOf | None:
    """Names parts by what `is_by`; None for ""."""
    if told := TOLD.fullmatch(by):
        kind, name = told.groups()
        tells = attribute_of if kind == "attribute" else segment_of
        return lambda at, log: tells(name, at, log)
    return (lambda at, log: BY[by](at, log, timezone)) if by else None


def most_parts(by: str) -> int:
    """How many parts are told, the largest ones: too few are in the others to tell anything. Of weeks all are."""
    return 1_000 if by == "week" else MOST_PARTS


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
    if [one.part for one in parts] == [UNKNOWN]:
        yield "it was told of nobody before they met this"
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
    if len(parts) == MOST_PARTS:
        yield f"of more parts only the {MOST_PARTS} largest are told"
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
