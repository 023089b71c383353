"""Why a condition holds or not, fact by fact: what was asked, what was seen, and how far it is from matching."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.conditions.values import distance, holds, is_number, number_text, with_local_time
from proxy.model import AllOf, AnyOf, Attributes, AttributeValue, Condition, Fact, NoneOf, WithinHours


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
    seen = "{:02d}:{:02d}".format(*divmod(int(value), 60)) if is_clock and is_number(value) else seen_text(value)
    return Explained(fact.text or fact.attribute, holds(fact.test, value), seen, distance(fact.test, value))
