"""Why a condition holds or not, fact by fact: what was asked, what was seen, and how far it is from matching."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from proxy.conditions.deeds import THIS_VISIT, words_of
from proxy.conditions.durations import duration_text
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
    """A fact or a group of them. `text` is the line as written, or `all of`, `any of`, `none of`; `seen` the value the
    fact met, `unknown` when there was none; `distance` as `1 more needed`. Groups have `parts` instead."""

    text: str
    ok: bool
    seen: str = ""
    distance: str = ""
    parts: tuple[Explained, ...] = ()


def explain(condition: Condition, attributes: Attributes, *, now: float, timezone: str) -> Explained:
    """The condition's tree with a verdict at every fact; `now` in Unix seconds, weekday and hours in `timezone`."""
    return _explain(condition, with_local_time(attributes, now=now, timezone=timezone))


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


def _explain(condition: Condition, attributes: Attributes) -> Explained:
    if isinstance(condition, Fact):
        return _explain_fact(condition, attributes.get(condition.attribute))
    parts = tuple(_explain(part, attributes) for part in condition.parts)
    match condition:
        case AllOf():
            return Explained("all of", all(part.ok for part in parts), parts=parts)
        case AnyOf():
            return Explained("any of", any(part.ok for part in parts), parts=parts)
        case NoneOf():
            return Explained("none of", not any(part.ok for part in parts), parts=parts)


def _explain_fact(fact: Fact, value: AttributeValue | None) -> Explained:
    is_clock = isinstance(fact.test, WithinHours) and is_number(value)
    if fact.measure and fact.measure.reading is Reading.COUNT and isinstance(fact.test, Between) and is_number(value):
        ok = holds(fact.test, value)
        return Explained(fact.text, ok, _times_done(fact.measure, fact.test, value), _times_short(fact, value, ok))
    seen = "{:02d}:{:02d}".format(*divmod(int(value), 60)) if is_clock and is_number(value) else seen_text(value)
    return Explained(fact.text or fact.attribute, holds(fact.test, value), seen, distance(fact.test, value))


# -- what was done, so and so often


def _times_done(measure: Measure, test: Between, done: float) -> str:
    """`seen 2 of 3 times in 14 days`."""
    verb, *_ = words_of(measure)
    of = f" of {number_text(test.low)}" if 0 < test.low < inf else ""
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
