"""Dates and time zones as editors write them, as Unix seconds."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from proxy.conditions.nodes import Node, Scalar, as_text
from proxy.diagnostics import Edit, Finding, Suggestion, is_slip, nearest
from proxy.rulebook.scalars import unfit
from proxy.rulebook.words import Part

_RUN = re.compile(r"(at least )?([1-9]\d{0,2}) (day|week)s?", re.IGNORECASE)
_MOMENT = re.compile(r"([12]\d{3}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))? ?(Z|[+-]\d\d:\d\d)?")
MONTHS = {name: number for number, names in enumerate((
    "jan", "feb fév", "mar mär maa mrt", "apr avr", "may mai mei", "jun", "jul", "aug aoû",
    "sep", "oct okt", "nov", "dec dez déc",
), 1) for name in names.split()}  # fmt: skip
"""Months by their first three letters, in the languages of shops we know."""

_OTHER_DATE = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.? (?:of )?(?P<month>[^\W\d_]{3,9}),? (?P<year>\d{4}),?"
    r"(?: (?:at )?(?P<time>.+))?"
)

_ENDS = re.compile(
    r"(?:the )?end of (?:the )?(?P<end>[\w./ -]{6,20})|(?P<day>[\w./ -]{6,20}?),? (?:at )?midnight", re.I
)


def read_moment(node: Node | None, timezone: str, what: str, findings: list[Finding]) -> float | None:
    """Unix seconds of a date, or date and time, in `timezone` unless it has an offset of its own. A time that is
    skipped in spring is as long after the jump as it is after the jump's beginning: 02:30 is 03:30. Of a time that
    comes twice in autumn it is the first."""
    written = as_text(node, f'"{what}"', findings)
    if written is None:
        return None
    try:
        return _moment(written.text, timezone)
    except ValueError:
        help = "write it as 2026-11-25 08:00; the midnight after the 25th is 2026-11-26 00:00"
        meant = [text for text in _meant(written.text) if _is_moment(text, timezone)]
        if len(meant) > 1:
            help = "write the one you mean: " + ", or ".join(meant)
        elif meant:
            help = Suggestion(f"write it as {meant[0]}", written.text, meant[0])
        findings.append(Finding("R402", f'"{written.text}" is not a date', written.place, help))
        return None


def read_schedule(found: Part, timezone: str, noun: str, findings: list[Finding]) -> tuple[float, float]:
    """`from` and `until` in Unix seconds, or the end by `run for`; infinite on a side that is not given."""
    start = read_moment(found.node("from"), timezone, "from", findings)
    end = read_moment(found.node("until"), timezone, "until", findings)
    run = read_run(found, findings)
    if run and not run.is_least:
        end = _run_out(run, start, found, timezone, findings)
    if start is not None and end is not None and end <= start:
        note = f"it starts on line {found['from'].value.place.line}"
        help = "swap the two dates" if end < start else "give it a later end: a date alone is its first minute"
        what, place = f"this {noun} ends before it starts", found["until"].value.place
        edits = _swapped(found["from"].value, found["until"].value) if end < start else ()
        findings.append(Finding("R401", what, place, help, note, edits=edits))
    return -inf if start is None else start, inf if end is None else end


@dataclass(frozen=True, slots=True)
class Run:
    """How long something runs. If it `is_least`, it ends nothing: an experiment is judged from then on."""

    days: int
    is_least: bool


def read_run(found: Part, findings: list[Finding]) -> Run | None:
    """The value of `run for`."""
    written = found.text("run for", findings)
    said = _RUN.fullmatch(written.text) if written else None
    is_tried = "variants" in found
    if written and (not said or (said[1] and not is_tried)):
        help = "write: 14 days, or: at least 14 days" if is_tried else "write: 14 days"
        findings.append(unfit("run for", written, help))
    return Run(int(said[2]) * (7 if said[3].casefold() == "week" else 1), bool(said[1])) if said else None


def _run_out(run: Run, start: float | None, found: Part, timezone: str, findings: list[Finding]) -> float | None:
    """The moment so many days after `from`, at the same time of day."""
    place = found["run for"].key.place
    if "until" in found:
        findings.append(Finding("R304", '"run for" and "until" both say when it ends', place, "take one of them out"))
    elif "from" not in found:
        help = 'add "from:", when it begins, or write "until:", when it ends'
        findings.append(Finding("R103", '"run for" counts from "from:", which is not there', place, help))
    if start is None:
        return None
    return (datetime.fromtimestamp(start, ZoneInfo(timezone)) + timedelta(days=run.days)).timestamp()


def read_timezone(node: Node | None, findings: list[Finding]) -> str:
    """The name of a time zone; UTC when it is missing, or unknown (with a finding)."""
    written = as_text(node, '"timezone"', findings)
    if written is None:
        return "UTC"
    try:
        return ZoneInfo(written.text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = ["UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))]
        city = next((zone for zone in known if _city(zone) == written.text.casefold()), None)
        close = city or nearest(written.text, known)
        help = "name a continent and a city, as Europe/Berlin, or UTC"
        if close and (city or is_slip(written.text, close)):  # the clocks of another city may be others
            help = Suggestion(f'did you mean "{close}"?', written.text, close)
        findings.append(Finding("R307", f'there is no time zone "{written.text}"', written.place, help))
        return "UTC"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ").casefold()


def _swapped(one: Node, other: Node) -> tuple[Edit, ...]:
    """Both texts, each with the occurrences of the two swapped."""
    if not isinstance(one, Scalar) or not isinstance(other, Scalar):
        return ()
    return tuple(
        Edit(place.line, place.column, place.end, text.text) for place, text in ((one.place, other), (other.place, one))
    )


def _meant(text: str) -> list[str]:
    """The date that the text may mean; two when day and month cannot be told apart, or which midnight of a day."""
    text = text.strip("“”„‟‘’‚\"'")
    if found := _ENDS.fullmatch(text):
        times = ("24:00",) if found["end"] else ("00:00", "24:00")
        return [_last_moment(f"{day} {time}") for day in _meant(found["end"] or found["day"]) for time in times]
    day, _, time = text.replace("T", " ").partition(" ")
    days = [day]
    if found := _OTHER_DATE.fullmatch(text):
        number, name, year, time = found["day"], found["month"], found["year"], found["time"] or ""
        days = [_iso(year, MONTHS.get(name[:3].casefold(), 0), number)]
    elif found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d\d)", day):
        days = [_iso(f"20{found[3]}", found[2], found[1])]
    elif found := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", day):
        days = [_iso(*found.groups())]
    elif found := re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})(?:[-/.](\d{4})|/(\d\d))", day):
        first, second, year = int(found[1]), int(found[3]), found[4] or f"20{found[5]}"
        days = [_iso(year, second, first)] if second <= 12 else [_iso(year, first, second)]
        if first <= 12 and second <= 12 and first != second and found[2] != ".":  # with dots the day comes first
            days.append(_iso(year, first, second))
    return [_last_moment(f"{day} {_clock(time)}".strip()) for day in days]


def _iso(year: str, month: int | str, day: int | str) -> str:
    return f"{year}-{int(month):02d}-{int(day):02d}"


def _last_moment(text: str) -> str:
    """The moment of a date or time that does not exist: of 24:00, and of the 31st in a month with 30 days."""
    day, _, time = text.partition(" ")
    try:
        if time == "24:00":
            return f"{date.fromisoformat(day) + timedelta(days=1)} 00:00"
        if day[8:] in ("29", "30", "31"):
            last = monthrange(int(day[:4]), int(day[5:7]))[1]
            return f"{day[:8]}{min(int(day[8:]), last)} {time}".strip()
    except (ValueError, OverflowError):
        pass
    return text


def _clock(time: str) -> str:
    """A time of day as `HH:MM`: `8am` is 08:00, `8:00` is 08:00."""
    found = re.fullmatch(r"(\d{1,2})(?:[:.h](\d\d))?(?: ?(am|pm|h|uur|uhr))?", time.strip(), re.IGNORECASE)
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
