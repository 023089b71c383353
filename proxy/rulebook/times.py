"""Dates and time zones as editors write them, as Unix seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from proxy.conditions.nodes import Node, Scalar, as_text
from proxy.diagnostics import Edit, Finding, Suggestion, did_you_mean
from proxy.rulebook.words import Part

_MOMENT = re.compile(r"([12]\d{3}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))? ?(Z|[+-]\d\d:\d\d)?")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OTHER_DATE = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.? (?P<month>[A-Za-z]{3,9}),? (?P<year>\d{4}),?(?: (?:at )?(?P<time>.+))?"
)


def read_moment(node: Node | None, timezone: str, what: str, findings: list[Finding]) -> float | None:
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
        instead = next((text for text in _meant(written.text) if _is_moment(text, timezone)), None)
        if instead:
            help = Suggestion(f"write it as {instead}", written.text, instead)
        findings.append(Finding("R402", f'"{written.text}" is not a date', written.place, help))
        return None


def read_schedule(found: Part, timezone: str, noun: str, findings: list[Finding]) -> tuple[float, float]:
    """`from` and `until` in Unix seconds; without end on the side that is not said."""
    start = read_moment(found.node("from"), timezone, "from", findings)
    end = read_moment(found.node("until"), timezone, "until", findings)
    if start is not None and end is not None and end <= start:
        note = f"it starts on line {found['from'].value.place.line}"
        help = "swap the two dates" if end < start else "give it a later end: a date alone is its first minute"
        what, place = f"this {noun} ends before it starts", found["until"].value.place
        edits = _swapped(found["from"].value, found["until"].value) if end < start else ()
        findings.append(Finding("R401", what, place, help, note, edits=edits))
    return -inf if start is None else start, inf if end is None else end


def read_timezone(node: Node | None, findings: list[Finding]) -> str:
    """The name of a time zone; UTC without one, and with a finding when there is none of that name."""
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


def _swapped(one: Node, other: Node) -> tuple[Edit, ...]:
    """Each of two texts where the other stands."""
    if not isinstance(one, Scalar) or not isinstance(other, Scalar):
        return ()
    return tuple(
        Edit(place.line, place.column, place.end, text.text) for place, text in ((one.place, other), (other.place, one))
    )


def _meant(text: str) -> Iterator[str]:
    """Dates that the text may stand for, where there is no doubt which part is the day."""
    text = text.strip("“”„‟‘’‚\"'")
    day, _, time = text.replace("T", " ").partition(" ")
    if found := _OTHER_DATE.fullmatch(text):
        number, month, year, time = found["day"], found["month"], found["year"], found["time"] or ""
        month_number = MONTHS.index(month[:3].casefold()) + 1 if month[:3].casefold() in MONTHS else 0
        day = f"{year}-{month_number:02d}-{int(number):02d}"
    elif found := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", day):
        day = f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"
    elif found := re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})", day):
        first, second = int(found[1]), int(found[3])
        if first <= 12 and second <= 12 and first != second and found[2] != ".":  # with dots the day comes first
            return  # which of them is the month?
        date, month_number = (first, second) if second <= 12 else (second, first)
        day = f"{found[4]}-{month_number:02d}-{date:02d}"
    yield f"{day} {_clock(time)}".strip()
    if found := re.fullmatch(r"(\d{4})-(\d\d)-(?:29|30|31)", day):  # a month without that day: its last
        yield from (f"{found[1]}-{found[2]}-{last} {_clock(time)}".strip() for last in (30, 29, 28))


def _clock(time: str) -> str:
    """A time of day in two times two digits: `8am` as 08:00, `8:00` as 08:00."""
    found = re.fullmatch(r"(\d{1,2})(?:[:.h](\d\d))?(?: ?(am|pm|h|uur))?", time.strip(), re.IGNORECASE)
    if not found:
        return time
    hour, half = int(found[1]), (found[3] or "").casefold()
    return f"{hour % 12 + 12 * (half == 'pm') if half in ('am', 'pm') else hour:02d}:{found[2] or '00'}"


def _is_moment(text: str, timezone: str) -> bool:
    try:
        _moment(text, timezone)
    except ValueError:
        return False
    return True


def _moment(text: str, timezone: str) -> float:
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError(text)
    day, time, offset = found.groups()
    moment = datetime.fromisoformat(f"{day}T{time or '00:00'}{offset or ''}")
    return (moment if offset else moment.replace(tzinfo=ZoneInfo(timezone))).timestamp()
