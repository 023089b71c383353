"""Dates and time zones as editors write them, as Unix seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from proxy.conditions.nodes import Entry, Node, as_text
from proxy.diagnostics import Finding, did_you_mean

_MOMENT = re.compile(r"([12]\d{3}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))? ?(Z|[+-]\d\d:\d\d)?")


def read_moment(node: Node, timezone: str, what: str, findings: list[Finding]) -> float | None:
    """Unix seconds of a date, or date and time, on the clocks of `timezone` unless it carries its own offset.

    A time that clocks skip in spring is the moment they jump past it; one they show twice in autumn is the first.
    """
    written = as_text(node, f'"{what}"', findings)
    if written is None:
        return None
    try:
        return _moment(written.text, timezone)
    except ValueError:
        help = "write it as 2026-11-25 08:00"
        findings.append(Finding("R402", f'"{written.text}" is not a date', written.place, help))
        return None


def read_schedule(found: Mapping[str, Entry], timezone: str, noun: str, findings: list[Finding]) -> tuple[float, float]:
    """`from` and `until` in Unix seconds; without end on the side that is not said."""
    start = read_moment(found["from"].value, timezone, "from", findings) if "from" in found else None
    end = read_moment(found["until"].value, timezone, "until", findings) if "until" in found else None
    if start is not None and end is not None and end <= start:
        note = f"it starts on line {found['from'].value.place.line}"
        help = "swap the two dates" if end < start else "give it a later end"
        findings.append(Finding("R401", f"this {noun} ends before it starts", found["until"].value.place, help, note))
    return -inf if start is None else start, inf if end is None else end


def read_timezone(node: Node, findings: list[Finding]) -> str:
    """The name of a time zone; UTC, and a finding, when there is none of that name."""
    written = as_text(node, '"timezone"', findings)
    if written is None:
        return "UTC"
    try:
        return ZoneInfo(written.text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(zone for zone in available_timezones() if "/" in zone) or ["UTC"]
        what = f'there is no time zone "{written.text}"'
        findings.append(Finding("R307", what, written.place, did_you_mean(written.text, ["UTC", *known])))
        return "UTC"


def _moment(text: str, timezone: str) -> float:
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError(text)
    day, time, offset = found.groups()
    moment = datetime.fromisoformat(f"{day}T{time or '00:00'}{offset or ''}")
    return (moment if offset else moment.replace(tzinfo=ZoneInfo(timezone))).timestamp()
