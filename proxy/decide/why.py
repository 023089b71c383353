"""Explains a decision: every rule of a slot with every fact, the value that was found, and how far it is from matching.

It evaluates what `decide` only looks up, so it is slow and complete. Tests check that both agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum

from proxy.conditions.explain import Explained, explain
from proxy.conditions.localtime import ZONED_ATTRIBUTES
from proxy.conditions.values import matches
from proxy.decide.engine import decide, with_journey_stage
from proxy.decide.guard import guard_of
from proxy.decide.membership import names_of, verified_names
from proxy.decide.plan import JOURNEY, Plan, in_dependency_order, rank, segment_names_in
from proxy.decide.rule_facts import caps, chance, holdouts, layer, moment, paused, reached_until, schedule, variant_for
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


class Verdict(StrEnum):
    """The outcome of a rule."""

    SHOWN = "shown"
    HELD_OUT = "held out"
    CAPPED = "capped"
    EMPTY = "no products"
    NEXT = "would be next"
    FITS = "fits too"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class RuleStory:
    """A rule and its outcome. `facts` are its schedule, the lines of its condition, its shares, caps and layer; a line
    about a computed segment has the segment's own lines as `parts`. `place` is that of the rule in its file."""

    name: str
    verdict: Verdict
    variant: str
    priority: int
    place: str
    facts: tuple[Explained, ...]


@dataclass(frozen=True, slots=True)
class SlotStory:
    """A slot's decision and all its rules, best first.

    * `at`: the time as text, in the time zone of most rules; a time in another zone names it.
    * `holdouts`: the holdouts that cover the slot; true for a visitor who is held out.
    * `products`: for a row of products, why each of them is there, and the result of every strategy.
    * `consent`: the visitor's consent level, "" for the highest.
    * `left_out`: how many rules that do not fit are not among `rules`.
    """

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
    left_out: int = 0


def why(
    plan: Plan, context: EvaluationContext, slots: Sequence[str] | None = None, most: int | None = None
) -> tuple[SlotStory, ...]:
    """The story of each of the slots of one page; without `slots`, of each slot that has a rule. Of a slot's rules the
    best `most` and those that fit, or all."""
    context = with_journey_stage(plan, context)
    decisions = decide(plan, context, slots)
    explainer = _Explainer(plan, context, decisions)
    return tuple(explainer.slot(slot, most) for slot in decisions)


def why_text(stories: Iterable[SlotStory]) -> str:
    """The stories as the command line and the studio print them."""
    return "\n\n".join("\n".join(_slot_lines(story)) for story in stories)


MOST_READ = 200
"""How many rules of a slot are explained where a person reads the story on a page."""


class _Explainer:
    """Explains the slots of one page for one visitor."""

    def __init__(self, plan: Plan, context: EvaluationContext, decisions: Mapping[str, Decision]) -> None:
        self._plan = plan
        self._context = context
        self._decisions = decisions
        self._usual_timezone, *_ = [
            zone for zone, _ in Counter(rule.timezone for rule in plan.rules).most_common(1)
        ] or ["UTC"]
        self._layers = plan.layers.layer_of if plan.layers else {}
        self._segments = {segment.name.casefold(): segment for segment in in_dependency_order(plan.segments)}
        self._stages = {stage.name.casefold(): stage for stage in plan.journey.rules} if plan.journey else {}
        named = context.attributes.get("segment")
        self._all_segments = self._attributes_with_segments(names_of(named))
        self._verified_segments = self._attributes_with_segments(verified_names(named, context.unverified))

    def slot(self, slot: str, most: int | None) -> SlotStory:
        """The story of one slot."""
        rules = sorted((rule for rule in self._plan.rules if rule.slot == slot), key=rank)
        held_out = tuple(holdouts(self._plan.holdouts, slot, self._context))
        stories: list[RuleStory] = []
        before: set[Verdict] = set()
        for place, rule in enumerate(rules):
            is_spare = most is not None and place >= most
            if is_spare and not self._may_fit(rule):
                continue
            story = self._rule(rule, before, held_out)
            if not is_spare or story.verdict is not Verdict.NOT:
                stories.append(story)
            before.add(story.verdict)
        return SlotStory(
            slot=slot,
            visitor=self._context.targeting_key,
            page=str(self._context.attributes.get("page", "")),
            at=f"{moment(self._context.now, self._usual_timezone, '%b %H:%M:%S')} {self._usual_timezone}",
            version=self._plan.version,
            decision=self._decisions[slot],
            rules=tuple(stories),
            holdouts=held_out,
            consent="" if self._context.consent is Consent.PROFILE else self._context.consent.name.lower(),
            left_out=len(rules) - len(stories),
        )

    def _may_fit(self, rule: Rule) -> bool:
        """Whether a rule's schedule and condition hold: asked first, as explaining takes ten times as long."""
        now, attributes = self._context.now, self._verified_segments if rule.needs_verified else self._all_segments
        return rule.live_from <= now < rule.live_until and matches(
            rule.condition, attributes, now=now, timezone=rule.timezone
        )

    def _rule(self, rule: Rule, before: Set[Verdict], held_out: Sequence[Explained]) -> RuleStory:
        attributes = self._verified_segments if rule.needs_verified else self._all_segments
        explained, zone = self._explained(rule, rule.condition, attributes), self._timezone_note(rule)
        facts = [
            *paused(rule),
            *[replace(fact, seen=fact.seen + zone) for fact in schedule(rule, self._context.now)],
            *(explained.parts if explained.text == "all of" else (explained,)),
            *[replace(fact, distance=fact.distance and fact.distance + zone) for fact in chance(rule, self._context)],
            *(often := list(caps(rule, self._context))),
        ]
        is_often_enough = not all(cap.ok for cap in often)
        if not is_often_enough:  # else another slot may have its layer, for want of this rule
            facts += layer(rule, self._decisions, self._layers)
        fits = all(fact.ok for fact in facts if fact not in often)
        verdict = Verdict.CAPPED if fits and is_often_enough else self._verdict(rule, facts, before, held_out)
        variant = variant_for(rule, self._context)
        place = str(rule.place) if rule.place.file else ""
        return RuleStory(rule.name, verdict, variant, rule.priority, place, tuple(facts))

    def _verdict(
        self, rule: Rule, facts: Sequence[Explained], before: Set[Verdict], held_out: Sequence[Explained]
    ) -> Verdict:
        if not all(fact.ok for fact in facts):
            return Verdict.NOT
        if before & {Verdict.SHOWN, Verdict.HELD_OUT}:
            return Verdict.FITS if Verdict.NEXT in before else Verdict.NEXT
        guard = guard_of(rule)
        own = guard.holdout if guard else None
        is_held_out = any(fact.ok for fact in held_out) or (own is not None and own.includes(self._context))
        return Verdict.HELD_OUT if is_held_out else Verdict.SHOWN

    def _explained(self, owner: Rule | Segment, condition: Condition, attributes: Attributes) -> Explained:
        explained = explain(condition, attributes, now=self._context.now, timezone=owner.timezone)
        return self._with_segments(owner, condition, explained, attributes)

    def _with_segments(
        self, owner: Rule | Segment, condition: Condition, explained: Explained, attributes: Attributes
    ) -> Explained:
        """The explanation of a condition, with the lines of the segments and stages that made a fact true or false, and
        until when counts hold."""
        if isinstance(condition, Fact):
            when = reached_until(condition, self._context, owner.timezone) if explained.ok else ""
            if when:
                explained = replace(explained, seen=f"{explained.seen}, {when}")
            if when or condition.attribute in ZONED_ATTRIBUTES:
                explained = replace(explained, seen=explained.seen + self._timezone_note(owner))
            is_wanted_in = isinstance(condition.test, OneOf) == explained.ok
            named: list[Segment | Rule] = [
                self._segments[name] for name in segment_names_in([condition], self._segments)
            ]
            named += [self._stages[name] for name in _stages_in(condition) if name in self._stages]
            parts = [part for each in named if (part := self._explained_segment(each, attributes)).ok == is_wanted_in]
        else:
            pairs = zip(condition.parts, explained.parts, strict=True)
            parts = [self._with_segments(owner, inner, part, attributes) for inner, part in pairs]
        return replace(explained, parts=tuple(parts))

    def _timezone_note(self, owner: Rule | Segment) -> str:
        """The name of the time zone after a time of this rule or segment; "" for the usual one."""
        return "" if owner.timezone == self._usual_timezone else f" {owner.timezone}"

    def _explained_segment(self, segment: Segment | Rule, attributes: Attributes) -> Explained:
        if segment.condition == NOBODY:
            return Explained(f"{segment.name}: another system says who", False)
        explained = self._explained(segment, segment.condition, attributes)
        return replace(explained, text=segment.name if explained.parts else f"{segment.name}: {explained.text}")

    def _attributes_with_segments(self, names: frozenset[str]) -> Attributes:
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
    Verdict.EMPTY: "✘ no products    ",
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
    if story.left_out:
        lines.append(f"and {story.left_out:,} more that do not fit: `tailorbird why` tells all")
    for holdout in story.holdouts:
        lines.append(f"  Holdout: {'yes' if holdout.ok else 'no'}  ({holdout.text}; {holdout.seen})")
    lines += [f"  · {line}" for line in story.products]
    return lines


def _rule_line(rule: RuleStory) -> str:
    nothing_new = "" if rule.variant else "  (nothing new: the page's own default)"
    priority = PRIORITIES.get(rule.priority, str(rule.priority))
    place = f"  {rule.place}" if rule.place else ""
    return f"{MARKS[rule.verdict]}{rule.name}{nothing_new}".ljust(WIDTH) + f"  priority {priority}{place}"


def _fact_lines(facts: Iterable[Explained], depth: int) -> list[str]:
    lines = []
    for fact in facts:
        seen = ", ".join(text for text in (fact.seen, fact.distance) if text)
        lines.append("     " * depth + f"{'✔' if fact.ok else '✘'} {fact.text}" + (f"  ({seen})" if seen else ""))
        lines += _fact_lines(fact.parts, depth + 1)
    return lines
