"""Explains why a condition holds or not, fact by fact: the expected value, the actual one, and how far off it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from proxy.conditions.actions import THIS_VISIT, words_of
from proxy.conditions.behaviours import DAY
from proxy.conditions.derived import AGO, FROM, HOURS_THERE, MARK, WEEKDAY_THERE, YEARLY, base_of, value_of
from proxy.conditions.durations import duration_text, length_text
from proxy.conditions.localtime import clock_text, utc_minute
from proxy.conditions.values import distance, holds, is_number, number_text, with_local_time
from proxy.model import (
    AllOf,
    AnyOf,
    Attributes,
    AttributeValue,
    Between,
    Condition,
    Fact,
    Measure,
    NoneOf,
    Period,
    Reading,
    WithinHours,
)


@dataclass(frozen=True, slots=True)
class Explained:
    """A fact or group of facts, explained. `text` is the line as written, or `all of`, `any of`, `none of`; `seen` is
    the actual value, `unknown` for none; `distance` says how far off it is, as `1 more needed`. Groups have `parts`
    instead."""

    text: str
    ok: bool
    seen: str = ""
    distance: str = ""
    parts: tuple[Explained, ...] = ()


def explain(condition: Condition, attributes: Attributes, *, now: float, timezone: str) -> Explained:
    """The condition's tree with a verdict at every fact; `now` in Unix seconds, weekday and hours in `timezone`."""
    return _explain(condition, with_local_time(attributes, now=now, timezone=timezone), now)


def seen_text(value: AttributeValue | None) -> str:
    """A value as an editor reads it."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return number_text(value)
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "nothing"
    return str(value)


def _explain(condition: Condition, attributes: Attributes, now: float) -> Explained:
    if isinstance(condition, Fact):
        value = value_of(condition.attribute, attributes, now)
        if MARK in condition.attribute or condition.attribute == "now":
            return _explain_worked(condition, attributes.get(base_of(condition.attribute)), value)
        return _explain_fact(condition, value)
    parts = tuple(_explain(part, attributes, now) for part in condition.parts)
    match condition:
        case AllOf():
            return Explained("all of", all(part.ok for part in parts), parts=parts)
        case AnyOf():
            return Explained("any of", any(part.ok for part in parts), parts=parts)
        case NoneOf():
            return Explained("none of", not any(part.ok for part in parts), parts=parts)


def _explain_fact(fact: Fact, value: AttributeValue | None) -> Explained:
    if fact.measure and fact.measure.reading is Reading.COUNT and isinstance(fact.test, Between) and is_number(value):
        ok = holds(fact.test, value)
        return Explained(fact.text, ok, _times_done(fact.measure, fact.test, value), _times_short(fact, value, ok))
    seen = clock_text(value) if isinstance(fact.test, WithinHours) and is_number(value) else seen_text(value)
    return Explained(fact.text or fact.attribute, holds(fact.test, value), seen, distance(fact.test, value))


def _explain_worked(fact: Fact, base: AttributeValue | None, value: AttributeValue | None) -> Explained:
    """A fact about a calculated value: `seen` is the value it was calculated from."""
    ok, how = holds(fact.test, value), fact.attribute.partition(MARK)[2]
    seen = seen_text(base)
    if is_number(base):
        seen = utc_minute(base)
    if how.startswith(FROM) and is_number(value):
        seen = f"{seen}: {value:.0f} km away"
    elif how == AGO and is_number(value):
        seen = f"{seen}: {length_text(abs(value))} {'ago' if value >= 0 else 'ahead'}"
    elif how.startswith(YEARLY) and is_number(value):
        seen = f"{seen}: its day {_day_text(value)}"
    elif how in (HOURS_THERE, WEEKDAY_THERE) and value is not None:
        there = clock_text(value) if is_number(value) else seen_text(value)
        seen = f"{there} in {seen}"
    return Explained(fact.text or fact.attribute, ok, seen, _worked_short(fact, value, how))


def _worked_short(fact: Fact, value: AttributeValue | None, how: str) -> str:
    """How far a calculated value is from matching; nothing for versions and days."""
    if not isinstance(fact.test, Between) or not is_number(value) or holds(fact.test, value):
        return ""
    is_below = value <= fact.test.low
    missing = fact.test.low - value if is_below else value - fact.test.high
    if how.startswith(FROM):
        return f"{missing:.0f} km too {'near' if is_below else 'far'}"
    if how.startswith(YEARLY):
        missing *= DAY
    elif how != AGO:
        return ""
    return f"{length_text(missing)} too {'early' if is_below else 'late'}"


def _day_text(days: float) -> str:
    if not days:
        return "is today"
    return f"{'was' if days > 0 else 'is'} {length_text(abs(days) * DAY)} {'ago' if days > 0 else 'ahead'}"


# -- what was done, so and so often


def _times_done(measure: Measure, test: Between, done: float) -> str:
    """`seen 2 of 3 times in 14 days`."""
    verb, *_ = words_of(measure)
    of = f" of {number_text(test.low)}" if done < test.low < inf else ""
    times = "time" if (test.low if of else done) == 1 else "times"
    since = f" in {duration_text(measure.within_seconds)}" if measure.within_seconds < inf else ""
    since = f" in {THIS_VISIT}" if measure.period is Period.VISIT else since
    return f"{verb} {number_text(done)}{of} {times}{since}"


def _times_short(fact: Fact, done: float, ok: bool) -> str:
    """`1 more view needed`."""
    if ok or fact.measure is None or not isinstance(fact.test, Between):
        return ""
    low, high = fact.test.low + fact.test.open_low, fact.test.high - fact.test.open_high
    missing, more = (low - done, "more") if done < low else (done - high, "fewer")
    _, one, several = words_of(fact.measure)
    return f"{number_text(missing)} {more} {one if missing == 1 else several} needed"
