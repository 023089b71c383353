"""Results as tables for programs: CSV for a spreadsheet, and JSON as the command prints it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from proxy.audience.compared_groups import PAID_BY_EACH, RETURNED, SOLD
from proxy.audience.parts import Part
from proxy.audience.report import RuleReport

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell."""
BOM = "\ufeff"
"""Without it Excel takes UTF-8 for the letters of its country."""
COLUMNS = (
    "rule",
    "since",
    "group",
    "visitors",
    "counted",
    "reached",
    "by visitor",
    "lift",
    "low",
    "high",
    "verdict",
    "currency",
    "part",
)


class Told(NamedTuple):
    """A rule's results, and those of its parts, if they were asked for."""

    report: RuleReport
    parts: Sequence[Part] = ()


def as_json(told: Sequence[Told]) -> list[dict[str, object]]:
    """What programs get."""
    return [
        asdict(one.report) | ({"parts": [part.as_json() for part in one.parts]} if one.parts else {}) for one in told
    ]


def as_csv(told: Sequence[Told], timezone: str) -> str:
    """A line for each group and each goal, first of all visitors, then of each part. Moments are on the clocks of
    `timezone`, with their offset from UTC."""
    lines = io.StringIO(BOM)
    lines.seek(0, io.SEEK_END)
    table = csv.writer(lines)
    table.writerow(COLUMNS)
    for one in told:
        table.writerows(_lines(one.report, "", timezone))
        for part in one.parts:
            table.writerows(_lines(part.report, part.part, timezone))
    return lines.getvalue()


def _lines(one: RuleReport, part: str, timezone: str) -> Iterator[tuple[object, ...]]:
    since = datetime.fromtimestamp(one.since, ZoneInfo(timezone)).isoformat(timespec="seconds")
    for row in one.rows:
        counted = [(kind, did, did / row.visitors) for kind, did in row.did.items()]
        money = (PAID_BY_EACH, "", row.paid), (RETURNED, row.returned, row.returned / row.visitors)
        clicked = [(SOLD, row.buyers, row.sold / row.visitors)] if row.buyers else []
        for kind, reached, by_visitor in [*counted, *money, *clicked]:
            lift = row.lifts.get(kind)
            ends = (lift.value, lift.low, lift.high) if lift else ("", "", "")
            verdict = row.verdict.text if row.verdict and kind == one.counted[0] and not part else ""
            names = _harmless(one.rule), since, _harmless(row.group)
            currency = _harmless(one.currency) if kind in (PAID_BY_EACH, SOLD) else ""
            yield (*names, row.visitors, kind, reached, by_visitor, *ends, verdict, currency, _harmless(part))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
