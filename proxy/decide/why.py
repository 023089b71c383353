"""Why a slot shows what it shows: every rule, every fact, the value it met and how far that is from matching.

It evaluates what `decide` only looks up, and so is slow and complete. That both agree is tested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum

from proxy.conditions.explain import Explained, explain
from proxy.conditions.values import matches
from proxy.decide.engine import at_stage, decide
from proxy.decide.guard import guard_of
from proxy.decide.membership import names_of, verified_names
from proxy.decide.plan import JOURNEY, Plan, in_order_of_use, names_in, rank
from proxy.decide.telling import caps, chance, halted, holdouts, layer, moment, schedule, since, variant_for
from proxy.model import (
    NOBODY,
    Attributes,
    Condition,
    Consent,
    Decision,
    EvaluationContext,
    Fact,
    NotOneOf,
    OneOf,
    Rule,
    Segment,
)

LOCAL = ("weekday", "hours")
"""What is read off the clocks of whoever asks."""


class Verdict(StrEnum):
    """The outcome of a rule."""

    SHOWN = "shown"
    HELD_OUT = "held out"
    CAPPED = "capped"
    NEXT = "would be next"
    FITS = "fits too"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class RuleStory:
    """A rule and its outcome. `facts` are its schedule, if it has one, the lines of its condition, and
    chance, caps and layer; a line about a computed segment has the segment's own lines as `parts`.
    """

    name: str
    verdict: Verdict
    variant: str
    priority: int
    place: str
    facts: tuple[Explained, ...]


@dataclass(frozen=True, slots=True)
class SlotStory:
    """A slot's decision and all its rules, best first. `at` is when, by the clocks that most rules go by, and names
    them; what is told by other clocks names those. `holdouts` are those that concern the slot, true of who is held out.
    `consent` is how far the visitor agreed to be known, "" for all the way. `products` says of a row why each product
    stands there, and what became of every strategy."""

    slot: str
    visitor: str
    page: str
    at: str
    version: str
    decision: Decision
    rules: tuple[RuleStory, ...]
    holdouts: tuple[Explained, ...] = ()
    products: tuple[str, ...] = ()
    consent: str = ""


def why(plan: Plan, context: EvaluationContext, slots: Sequence[str] | None = None) -> tuple[SlotStory, ...]:
    """The story of each of the slots; without `slots`, of each that has a rule. Slots are those of one page: what a
    layer shows in one of them it doesn't in another."""
    context = at_stage(plan, context)
    decisions = decide(plan, context, slots)
    teller = _Teller(plan, context, decisions)
    return tuple(map(teller.slot, decisions))


def why_text(stories: Iterable[SlotStory]) -> str:
    """The stories as the command line and the studio print them."""
    return "\n\n".join("\n".join(_slot_lines(story)) for story in stories)


class _Teller:
    """Knows the visitor as rules see them: the attributes, and the segments, all and verified ones."""

    def __init__(self, plan: Plan, context: EvaluationContext, decisions: Mapping[str, Decision]) -> None:
        self._plan = plan
        self._context = context
        self._decisions = decisions
        self._clocks, *_ = [zone for zone, _ in Counter(rule.timezone for rule in plan.rules).most_common(1)] or ["UTC"]
        self._layers = plan.layers.of if plan.layers else {}
        self._segments = {segment.name.casefold(): segment for segment in in_order_of_use(plan.segments)}
        self._stages = {stage.name.casefold(): stage for stage in plan.journey.rules} if plan.journey else {}
        named = context.attributes.get("segment")
        self._anyhow = self._in_segments(names_of(named))
        self._trusted = self._in_segments(verified_names(named, context.unverified))

    def slot(self, slot: str) -> SlotStory:
        """The story of one slot."""
        rules = sorted((rule for rule in self._plan.rules if rule.slot == slot), key=rank)
        held_out = tuple(holdouts(self._plan.holdouts, slot, self._context))
        stories: list[RuleStory] = []
        before: set[Verdict] = set()
        for rule in rules:
            stories.append(self._rule(rule, before, held_out))
            before.add(stories[-1].verdict)
        return SlotStory(
            slot=slot,
            visitor=self._context.targeting_key,
            page=str(self._context.attributes.get("page", "")),
            at=f"{moment(self._context.now, self._clocks, '%b %H:%M:%S')} {self._clocks}",
            version=self._plan.version,
            decision=self._decisions[slot],
            rules=tuple(stories),
            holdouts=held_out,
            consent="" if self._context.consent is Consent.PROFILE else self._context.consent.name.lower(),
        )

    def _rule(self, rule: Rule, before: Set[Verdict], held_out: Sequence[Explained]) -> RuleStory:
        attributes = self._trusted if rule.needs_verified else self._anyhow
        told, zone = self._told(rule, rule.condition, attributes), self._zone(rule)
        facts = [
            *halted(rule),
            *[replace(fact, seen=fact.seen + zone) for fact in schedule(rule, self._context.now)],
            *(told.parts if told.text == "all of" else (told,)),
            *[replace(fact, distance=fact.distance and fact.distance + zone) for fact in chance(rule, self._context)],
            *(often := list(caps(rule, self._context))),
        ]
        is_often_enough = not all(cap.ok for cap in often)
        if not is_often_enough:  # else another slot may have its layer, for want of this rule
            facts += layer(rule, self._decisions, self._layers)
        fits = all(fact.ok for fact in facts if fact not in often)
        verdict = Verdict.CAPPED if fits and is_often_enough else self._verdict(rule, facts, before, held_out)
        variant = variant_for(rule, self._context)
        return RuleStory(rule.name, verdict, variant, rule.priority, str(rule.place), tuple(facts))

    def _verdict(
        self, rule: Rule, facts: Sequence[Explained], before: Set[Verdict], held_out: Sequence[Explained]
    ) -> Verdict:
        if not all(fact.ok for fact in facts):
            return Verdict.NOT
        if before & {Verdict.SHOWN, Verdict.HELD_OUT}:
            return Verdict.FITS if Verdict.NEXT in before else Verdict.NEXT
        guard = guard_of(rule)
        own = guard.held_out if guard else None
        is_held_out = any(fact.ok for fact in held_out) or (own is not None and own.takes(self._context))
        return Verdict.HELD_OUT if is_held_out else Verdict.SHOWN

    def _told(self, asker: Rule | Segment, condition: Condition, attributes: Attributes) -> Explained:
        told = explain(condition, attributes, now=self._context.now, timezone=asker.timezone)
        return self._with_segments(asker, condition, told, attributes)

    def _with_segments(
        self, asker: Rule | Segment, condition: Condition, told: Explained, attributes: Attributes
    ) -> Explained:
        """The explanation, with the lines of those segments and stages that made a fact true or false under it, and
        since when what was done was done often enough."""
        if isinstance(condition, Fact):
            when = since(condition, self._context, asker.timezone) if told.ok else ""
            if when:
                told = replace(told, seen=f"{told.seen}, {when}")
            if when or condition.attribute in LOCAL:
                told = replace(told, seen=told.seen + self._zone(asker))
            is_wanted_in = isinstance(condition.test, OneOf) == told.ok
            asked: list[Segment | Rule] = [self._segments[name] for name in names_in([condition], self._segments)]
            asked += [self._stages[name] for name in _stages_in(condition) if name in self._stages]
            parts = [part for each in asked if (part := self._told_segment(each, attributes)).ok == is_wanted_in]
        else:
            pairs = zip(condition.parts, told.parts, strict=True)
            parts = [self._with_segments(asker, inner, part, attributes) for inner, part in pairs]
        return replace(told, parts=tuple(parts))

    def _zone(self, asker: Rule | Segment) -> str:
        """What stands behind a time by the asker's clocks: nothing where they are those of the most."""
        return "" if asker.timezone == self._clocks else f" {asker.timezone}"

    def _told_segment(self, segment: Segment | Rule, attributes: Attributes) -> Explained:
        if segment.condition == NOBODY:
            return Explained(f"{segment.name}: another system says who", False)
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


def _stages_in(fact: Fact) -> list[str]:
    """The stages named in a fact, casefolded."""
    if fact.attribute == JOURNEY and isinstance(fact.test, OneOf | NotOneOf):
        return sorted(fact.test.values)
    return []


# -- as text


WIDTH = 72
MARKS: Mapping[Verdict, str] = {
    Verdict.SHOWN: "✔ SHOWN          ",
    Verdict.HELD_OUT: "✘ held out       ",
    Verdict.CAPPED: "✘ capped         ",
    Verdict.NEXT: "· would be next  ",
    Verdict.FITS: "· fits too       ",
    Verdict.NOT: "✘ not            ",
}
PRIORITIES = {80: "high", 50: "normal", 20: "low"}


def _slot_lines(story: SlotStory) -> list[str]:
    visitor = f"visitor {story.visitor}" if story.visitor else "an anonymous visitor"
    visitor += f" (consent: {story.consent})" if story.consent else ""
    version = f", rules {story.version}" if story.version else ""
    lines = [f"{story.slot} on {story.page or '(no page)'} for {visitor} at {story.at}{version}"]
    if not any(rule.verdict is Verdict.SHOWN for rule in story.rules):
        lines.append(f"{MARKS[Verdict.SHOWN]}the page's own default")
    for rule in story.rules:
        lines += [_rule_line(rule), *_fact_lines(rule.facts, depth=1)]
    for holdout in story.holdouts:
        lines.append(f"  Holdout: {'yes' if holdout.ok else 'no'}  ({holdout.text}; {holdout.seen})")
    lines += [f"  · {line}" for line in story.products]
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
