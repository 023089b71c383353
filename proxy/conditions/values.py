"""Evaluates conditions: whether a value passes a test, whether a visitor matches a condition, and how far off they are.

This is the reference implementation, fact by fact. The decision core (`decide/`) gives the same answers from bitsets,
and is tested against it. Texts are compared as `folded`.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeGuard

from proxy.conditions.derived import value_of
from proxy.conditions.localtime import local_time
from proxy.model import (
    AllOf,
    AnyOf,
    Attributes,
    AttributeValue,
    Between,
    Condition,
    Contains,
    Fact,
    IsKnown,
    NoneOf,
    NotOneOf,
    OneOf,
    StartsWith,
    Test,
    WithinHours,
)

MINUTES_A_DAY = 24 * 60
MOST_PATTERNS = 4_096
_DOTLESS = {ord("ı"): "i", 0x307: None}  # Turkish: small letters of `I` and `İ`
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff"))
_ALIKE = {**_DOTLESS, **_UNSEEN}


def holds(test: Test, value: AttributeValue | None) -> bool:
    """Whether `value` passes. None is unknown and passes nothing but `none`."""
    if isinstance(value, str) and isinstance(test, OneOf):  # which most is, of each event of a history
        return folded(value) in _patterns(test.values)
    match test:
        case IsKnown(wanted):
            return wanted == (value is not None and value != frozenset())
        case _ if value is None:
            return False
        case OneOf(values):
            return not texts_of(value).isdisjoint(_patterns(values))
        case NotOneOf(values):
            return texts_of(value).isdisjoint(_patterns(values))
        case StartsWith(values):
            return any(text.startswith(tuple(_patterns(values))) for text in _words_of(value))
        case Contains(values):
            return any(part in text for part in _patterns(values) for text in _words_of(value))
        case Between():
            return is_number(value) and _is_within(test, value)
        case WithinHours(start, end):
            return is_number(value) and (value - start) % MINUTES_A_DAY < (
                (end - start) % MINUTES_A_DAY or MINUTES_A_DAY
            )


def matches(condition: Condition, attributes: Attributes, *, now: float, timezone: str) -> bool:
    """Whether a visitor with these attributes matches at `now` (Unix seconds), weekday and hours read in `timezone`."""
    return _matches(condition, with_local_time(attributes, now=now, timezone=timezone), now)


def with_local_time(attributes: Attributes, *, now: float, timezone: str) -> Attributes:
    """The attributes, and those that only a clock knows: `weekday`, `hours` (minutes since midnight) and `now`."""
    return {**attributes, **local_time(now, timezone), "now": now}


def folded(text: str) -> str:
    """The text as it is compared: letters have no case, width or way to be composed of several characters (`ＧＯＲＥ`
    is `gore`, `ﾃﾝﾄ` is `テント`), an i has a dot or none, and what nobody sees (marks of direction) is left out."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE))


def texts_of(value: AttributeValue) -> frozenset[str]:
    """The folded texts that equal `value`: members of a set, `yes` and `true` of a truth, digits of a number."""
    if isinstance(value, bool):
        return frozenset({"yes", "true"} if value else {"no", "false"})
    if is_number(value):
        return frozenset({number_text(value)})
    return _words_of(value)


def distance(test: Test, value: AttributeValue | None) -> str:
    """How far `value` is from passing, as `1 more needed`; empty when it passes, or no amount would say it."""
    if value is None or holds(test, value) or not is_number(value) or math.isnan(value):
        return ""
    match test:
        case Between(low) if value <= low:
            return f"{_amount(low - value, test)} more needed"
        case Between():
            return f"{_amount(value - test.high, test)} less needed"
        case WithinHours(start):
            return f"starts in {_duration((start - value) % MINUTES_A_DAY)}"
    return ""


def number_text(number: float) -> str:
    """A number as an editor would write it: `4`, `19.95`, never `4.0` or `1e+06`."""
    return str(int(number)) if number == number // 1 else repr(round(number, 6))


def is_number(value: object) -> TypeGuard[float]:
    """True of an amount. A truth is no amount, though Python would count with it."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _matches(condition: Condition, attributes: Mapping[str, AttributeValue], now: float) -> bool:
    match condition:
        case Fact(attribute, test):
            return holds(test, value_of(attribute, attributes, now))
        case AllOf(parts):
            return all(_matches(part, attributes, now) for part in parts)
        case AnyOf(parts):
            return any(_matches(part, attributes, now) for part in parts)
        case NoneOf(parts):
            return not any(_matches(part, attributes, now) for part in parts)


def _is_within(test: Between, number: float) -> bool:
    above = number > test.low if test.open_low else number >= test.low
    below = number < test.high if test.open_high else number <= test.high
    return above and below


def _words_of(value: AttributeValue) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({folded(value)})
    return _folded(value) if isinstance(value, frozenset) else frozenset()


@lru_cache(MOST_PATTERNS)
def _patterns(words: frozenset[str] | tuple[str, ...]) -> frozenset[str]:
    """What editors wrote, folded."""
    return _folded(words)


def _folded(texts: frozenset[str] | tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(folded, texts))


def _amount(missing: float, test: Between) -> str:
    if missing == 0:
        return "a little"
    return f"{number_text(missing)} {test.unit}".strip()


def _duration(minutes: float) -> str:
    hours, rest = divmod(int(minutes), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)
