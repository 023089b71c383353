"""Why a slot shows what it shows: every rule, every fact, the value it met and how far that is from matching.

It walks what `decide` only looks up, and so is slow and says everything. That both agree is tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import inf
from zoneinfo import ZoneInfo

from proxy.conditions.explain import Explained, explain
from proxy.conditions.values import matches
from proxy.decide.engine import decide
from proxy.decide.membership import names_of, verified_names
from proxy.decide.plan import Plan, in_order_of_use, names_in, rank
from proxy.model import Attributes, Condition, Decision, EvaluationContext, Fact, OneOf, Rule, Segment


class Verdict(StrEnum):
    """What came of a rule."""

    SHOWN = "shown"
    NEXT = "would be next"
    FITS = "fits too"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class RuleStory:
    """A rule and what came of it. `facts` are its schedule, if it has one, and the lines of its condition; a line that
    asks for a computed segment has the segment's own lines as `parts`."""

    name: str
    verdict: Verdict
    variant: str
    priority: int
    place: str
    facts: tuple[Explained, ...]


@dataclass(frozen=True, slots=True)
class SlotStory:
    """A slot's decision and all its rules, best first. `at` is the local time of the slot's first rule."""

    slot: str
    visitor: str
    page: str
    at: str
    version: str
    decision: Decision
    rules: tuple[RuleStory, ...]


def why(plan: Plan, context: EvaluationContext, slots: Sequence[str] | None = None) -> tuple[SlotStory, ...]:
    """The story of each of the slots; without `slots`, of each that has a rule."""
    teller = _Teller(plan, context)
    return tuple(teller.slot(slot, decision) for slot, decision in decide(plan, context, slots).items())


def why_text(stories: Iterable[SlotStory]) -> str:
    """The stories as the command line and the studio print them."""
    return "\n\n".join("\n".join(_slot_lines(story)) for story in stories)


class _Teller:
    """Knows the visitor as rules see it: its attributes with the segments it is in, all of them and the verified."""

    def __init__(self, plan: Plan, context: EvaluationContext) -> None:
        self._plan = plan
        self._context = context
        self._segments = {segment.name.casefold(): segment for segment in in_order_of_use(plan.segments)}
        named = context.attributes.get("segment")
        self._anyhow = self._in_segments(names_of(named))
        self._trusted = self._in_segments(verified_names(named, context.unverified))

    def slot(self, slot: str, decision: Decision) -> SlotStory:
        rules = sorted((rule for rule in self._plan.rules if rule.slot == slot), key=rank)
        stories: list[RuleStory] = []
        for rule in rules:
            stories.append(self._rule(rule, [story.verdict for story in stories]))
        page = self._context.attributes.get("page", "")
        at = _moment(self._context.now, rules[0].timezone if rules else "UTC", "%b %H:%M:%S")
        return SlotStory(slot, self._context.targeting_key, str(page), at, self._plan.version, decision, tuple(stories))

    def _rule(self, rule: Rule, before: Sequence[Verdict]) -> RuleStory:
        attributes = self._trusted if rule.needs_verified else self._anyhow
        told = self._told(rule, rule.condition, attributes)
        facts = (*_schedule(rule, self._context.now), *(told.parts if told.text == "all of" else (told,)))
        verdict = _verdict(all(fact.ok for fact in facts), before)
        return RuleStory(rule.name, verdict, rule.variant, rule.priority, str(rule.place), facts)

    def _told(self, asker: Rule | Segment, condition: Condition, attributes: Attributes) -> Explained:
        told = explain(condition, attributes, now=self._context.now, timezone=asker.timezone)
        return self._with_segments(condition, told, attributes)

    def _with_segments(self, condition: Condition, told: Explained, attributes: Attributes) -> Explained:
        """The explanation, with the lines of those computed segments that made a fact true or false under it."""
        if isinstance(condition, Fact):
            is_wanted_in = isinstance(condition.test, OneOf) == told.ok
            asked = (self._segments[name] for name in names_in([condition], self._segments))
            parts = [part for each in asked if (part := self._told_segment(each, attributes)).ok == is_wanted_in]
        else:
            pairs = zip(condition.parts, told.parts, strict=True)
            parts = [self._with_segments(inner, part, attributes) for inner, part in pairs]
        return replace(told, parts=tuple(parts))

    def _told_segment(self, segment: Segment, attributes: Attributes) -> Explained:
        told = self._told(segment, segment.condition, attributes)
        return replace(told, text=segment.name if told.parts else f"{segment.name}: {told.text}")

    def _in_segments(self, names: frozenset[str]) -> Attributes:
        now = self._context.now
        attributes = {**self._context.attributes, "segment": names}
        for segment in self._segments.values():
            if matches(segment.condition, attributes, now=now, timezone=segment.timezone):
                names |= {segment.name}
                attributes["segment"] = names
        return attributes


def _verdict(fits: bool, before: Sequence[Verdict]) -> Verdict:
    if not fits:
        return Verdict.NOT
    if Verdict.SHOWN not in before:
        return Verdict.SHOWN
    return Verdict.FITS if Verdict.NEXT in before else Verdict.NEXT


# -- the schedule


def _schedule(rule: Rule, now: float) -> tuple[Explained, ...]:
    """The schedule as a fact, if the rule has one."""
    if (rule.live_from, rule.live_until) == (-inf, inf):
        return ()
    begins, ends = (_moment(end, rule.timezone) if abs(end) < inf else "" for end in (rule.live_from, rule.live_until))
    text = f"{begins} – {ends}" if begins and ends else f"from {begins}" if begins else f"until {ends}"
    is_live = rule.live_from <= now < rule.live_until
    return (Explained(text, is_live, _moment(now, rule.timezone), "" if is_live else _how_far(rule, now)),)


def _how_far(rule: Rule, now: float) -> str:
    if now < rule.live_from < rule.live_until:
        return f"starts in {_span(rule.live_from - now)}"
    return f"over since {_span(now - rule.live_until)}" if rule.live_until <= now else "ends before it starts"


def _moment(at: float, timezone: str, form: str = "%b %H:%M") -> str:
    there = datetime.fromtimestamp(at, ZoneInfo(timezone))
    return f"{there.day} {there:{form}}"


def _span(seconds: float) -> str:
    """A length of time in its largest unit: `2 d`, `5 h`, `40 min`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "less than a minute"


# -- as text

WIDTH = 72
MARKS: Mapping[Verdict, str] = {
    Verdict.SHOWN: "✔ SHOWN          ",
    Verdict.NEXT: "· would be next  ",
    Verdict.FITS: "· fits too       ",
    Verdict.NOT: "✘ not            ",
}
PRIORITIES = {80: "high", 50: "normal", 20: "low"}


def _slot_lines(story: SlotStory) -> list[str]:
    visitor = f"visitor {story.visitor}" if story.visitor else "an anonymous visitor"
    version = f", rules {story.version}" if story.version else ""
    lines = [f"{story.slot} on {story.page or '(no page)'} for {visitor} at {story.at}{version}"]
    if not any(rule.verdict is Verdict.SHOWN for rule in story.rules):
        lines.append(f"{MARKS[Verdict.SHOWN]}the page's own default")
    for rule in story.rules:
        lines += [_rule_line(rule), *_fact_lines(rule.facts, depth=1)]
    return lines


def _rule_line(rule: RuleStory) -> str:
    nothing_new = "" if rule.variant else "  (nothing new: the page's own default)"
    priority = PRIORITIES.get(rule.priority, str(rule.priority))
    return f"{MARKS[rule.verdict]}{rule.name}{nothing_new}".ljust(WIDTH) + f"  priority {priority}"


def _fact_lines(facts: Iterable[Explained], depth: int) -> list[str]:
    lines = []
    for fact in facts:
        seen = ", ".join(text for text in (fact.seen, fact.distance) if text)
        lines.append("     " * depth + f"{'✔' if fact.ok else '✘'} {fact.text}" + (f"  ({seen})" if seen else ""))
        lines += _fact_lines(fact.parts, depth + 1)
    return lines
