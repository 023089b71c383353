"""How often a rule may be shown: `limits:` that several rules share by name, a rule's own `limit:`, and `stop after:`.

    at most 3 times per visitor per day     counted from midnight, on the file's clocks; so for week and month
    once per visitor per 3 days             in the last 72 hours; so for any number of minutes, hours, days or weeks
    twice per session                       in the visit under way
    at most 10 times                        ever

All of it is read off the visitor's history when the rule is about to be shown. What is counted are impressions of the
rule, or of all rules that share the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from proxy.conditions.behaviours import BOUGHT, CLICKED, SHOWN
from proxy.conditions.durations import UNITS
from proxy.conditions.nodes import Entry, MapNode, Node, Scalar, as_text, one_or_more
from proxy.diagnostics import Finding, Suggestion, did_you_mean, nearest
from proxy.model import Cap, Measure, OneOf, Period, Reading, Then
from proxy.rulebook.scalars import idle
from proxy.rulebook.words import STOP, fields

HELP = "write: at most 3 times per visitor per day, or: once per visitor per 3 days"
TIMES_HELP = "write: 1 time, or 3 times"

NEVER = Cap("", Measure(Reading.COUNT, (SHOWN,)), inf)
"""Stands in for a limit that could not be read, so that who names it is not told of it too."""

_TIMES = r"once|twice|(\d{1,6}) times?"
_PERIODS = {"day": Period.DAY, "week": Period.WEEK, "month": Period.MONTH, "session": Period.VISIT}
_LIMIT = re.compile(
    rf"(?:at most )?({_TIMES})(?: per visitor)?"
    r"(?: per (?:(day|week|month|session)|(?:(\d{1,4}) )?(minute|hour|day|week)s?))?",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"(?:max(?:imum)?\.? |up to |(?:no|not) more (?:than|often than) |at most )?"
    r"([1-9]\d{0,3}|once|one|twice|two|three|four|five|einmal|zweimal) ?(?:x|×|times?|mal|keer)?(?: per visitor)? ?"
    r"(?:a|an|per|/|every|each|in a|pro|am|je) ?"
    r"(day|week|month|session|visit|hour|tag|woche|monat|besuch|stunde|dag|maand)(?: per visitor)?",
    re.IGNORECASE,
)
_IN_WORDS = {
    **dict.fromkeys(("1", "one", "once", "einmal"), "once"),
    **dict.fromkeys(("2", "two", "twice", "zweimal"), "twice"),
    **{word: f"at most {number} times" for number, word in enumerate(("three", "four", "five"), 3)},
}
_OTHER_PERIODS = {
    "visit": "session", "besuch": "session", "tag": "day", "dag": "day", "woche": "week", "monat": "month",
    "maand": "month", "stunde": "hour",
}  # fmt: skip
_STOPS = {"shown": SHOWN, "clicked": CLICKED, "bought": SHOWN}


@dataclass(frozen=True, slots=True)
class Shared:
    """The limits of a folder, by name."""

    caps: Mapping[str, Cap]

    @classmethod
    def of(cls, written: Iterable[tuple[Entry, str]], nodes: Iterable[Node], findings: list[Finding]) -> Shared:
        """The limits in `written`: entries of `limits:` with their file's time zone. `nodes` are all rules."""
        users: dict[str, set[str]] = {}
        for node in nodes:
            for limit in texts_at(node, "limit"):
                users.setdefault(limit.text, set()).update(name.text for name in texts_at(node, "name"))
        caps = {}
        for entry, timezone in written:
            text = as_text(entry.value, f'"{entry.key.text}"', findings)
            cap = _limit(text, users.get(entry.key.text, ()), timezone) if text else None
            caps[entry.key.text] = replace(cap or NEVER, text=f"limit {entry.key.text}")
            if text and not cap:
                findings.append(_no_limit(text, ()))
        return cls(caps)

    def read(self, node: Node | None, rule: str, timezone: str, findings: list[Finding]) -> tuple[Cap, ...]:
        """The limits under `limit:`: shared ones by name, or the rule's own; one or a list."""
        caps = []
        for item in one_or_more(node):
            text = as_text(item, '"limit"', findings)
            cap = self.caps.get(text.text) or _limit(text, [rule], timezone) if text else None
            if cap:
                caps.append(cap)
            elif text:
                findings.append(_no_limit(text, self.caps))
        return tuple(caps)


def unused(written: Iterable[tuple[Entry, str]], nodes: Sequence[Node]) -> Iterator[Finding]:
    """L13 for each limit that no rule names."""
    left = [entry for entry, _ in written]
    named = {limit.text for node in nodes for limit in texts_at(node, "limit")} if left else set()
    for entry in left:
        if entry.key.text not in named:
            yield idle(entry, f"name it in a rule, as `limit: {entry.key.text}`")


def read_stops(node: Node, rule: str, findings: list[Finding]) -> tuple[Cap, ...]:
    """The caps under `stop after:`, which end the rule for a visitor."""
    caps = []
    if isinstance(node, Scalar) and node.text:
        help = "write `bought: 1 time`, `clicked: 1 time` or `shown: 3 times` below it, two spaces further in"
        findings.append(Finding("R104", f'"stop after" cannot be "{node.text}"', node.place, help))
        return ()
    for word, entry in fields(node, "stop", STOP, findings).items():
        text = as_text(entry.value, f'"{word}"', findings)
        found = re.fullmatch(_TIMES, text.text, re.IGNORECASE) if text else None
        times = _number(found[0], found[1]) if found else 0
        if text and (not times or (word == "bought" and times > 1)):
            help = "write: 1 time" if word == "bought" else TIMES_HELP
            findings.append(Finding("R308", f'"{text.text}" is not a number of times', text.place, help))
        elif text:
            then = Then((BOUGHT,), inf) if word == "bought" else None
            measure = replace(_shown([rule]), kinds=(_STOPS[word],), then=then)
            caps.append(Cap(f"stop after {word}: {text.text}", measure, float(times)))
    return tuple(caps)


def _limit(text: Scalar, rules: Iterable[str], timezone: str) -> Cap | None:
    found = _LIMIT.fullmatch(text.text)
    if not found or not (times := _number(found[1], found[2])):
        return None
    period, many, unit = found[3], found[4], found[5]
    measure = _shown(rules)
    if period:
        measure = replace(measure, period=_PERIODS[period.casefold()], timezone=timezone)
    elif unit:
        measure = replace(measure, within_seconds=UNITS[unit.casefold()] * int(many or 1))
    return Cap(f"limit {text.text}", measure, float(times))


def _number(words: str, digits: str | None) -> int:
    return int(digits) if digits else {"once": 1, "twice": 2}[words.casefold()]


def _shown(rules: Iterable[str]) -> Measure:
    return Measure(Reading.COUNT, (SHOWN,), where=(("subject", OneOf(frozenset(map(str.casefold, rules)))),))


def _no_limit(text: Scalar, known: Iterable[str]) -> Finding:
    close = nearest(text.text, list(known))
    help = did_you_mean(text.text, [close]) if close else HELP
    if not close and (found := _LOOSE.fullmatch(text.text)):
        said, period = found[1].casefold(), found[2].casefold()
        times = _IN_WORDS.get(said) or f"at most {said} times"
        instead = f"{times} per visitor per {_OTHER_PERIODS.get(period, period)}"
        help = Suggestion(f"write: {instead}", text.text, instead)
    return Finding("R308", f'"{text.text}" is not a limit', text.place, help)


def texts_at(node: Node, word: str) -> list[Scalar]:
    """The texts of a word in a rule that is not read yet: one or a list."""
    lines = node.entries if isinstance(node, MapNode) else ()
    values = [entry.value for entry in lines if entry.key.text == word]
    return [item for value in values for item in one_or_more(value) if isinstance(item, Scalar)]
