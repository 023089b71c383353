"""Rules planted to be dead are all found, and no rule that shows to anybody is accused: held against deciding for every
visitor there can be in a small world."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product
from random import Random

import pytest

from proxy.decide.dead import dead_rules
from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.model import (
    AllOf,
    AnyOf,
    Arm,
    AttributeValue,
    Between,
    Cap,
    Condition,
    Contains,
    Draw,
    EvaluationContext,
    Experiment,
    Fact,
    IsKnown,
    Measure,
    NoneOf,
    NotOneOf,
    OneOf,
    Reading,
    Rule,
    StartsWith,
)

SETS_OF_RULES = 200 if os.environ.get("BAR_FULL") else 25
PLANTED_IN_EACH = 4
TIMES = (1_000.0, 2_000.0, 3_000.0)
COUNTRIES = ("NO", "NL", "BE")
PAGES = ("/", "/shoes", "/shoes/trail", "/tents")
SEGMENTS = ("VIP", "Runners")
SHOWN = Measure(Reading.COUNT, ("banner shown",))
ALL, SOME = ((float("-inf"), 10_000),), ((float("-inf"), 5_000),)


def is_single(attribute: str) -> bool:
    return attribute != "segment"


def everybody() -> list[EvaluationContext]:
    """One visitor of every kind that the rules below can tell apart."""
    subsets = [frozenset(chosen) for size in range(3) for chosen in combinations(SEGMENTS, size)]
    orders = (None, 0.0, 1.0, 1.5, 2.0, 2.5, 5.0, 9.0)
    moments = (0.0, 1_000.0, 1_500.0, 2_000.0, 2_500.0, 3_000.0)
    kinds = product((None, *COUNTRIES, "DE"), (None, *PAGES), orders, subsets, moments)
    contexts = []
    for number, (country, page, count, segments, now) in enumerate(kinds):
        known: dict[str, AttributeValue | None] = {
            "country": country,
            "page": page,
            "orders": count,
            "segment": segments,
        }
        attributes = {name: value for name, value in known.items() if value is not None}
        contexts.append(EvaluationContext(str(number % 37), now, attributes))
    return contexts


class RuleSet:
    """Random rules of one slot, and some that can never show."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.rules = [self._rule(order) for order in range(self._random.randint(2, 14))]
        self.planted = {rule.name for rule in self._plant()}

    def _rule(self, order: int) -> Rule:
        condition = AllOf(tuple(self._part() for _ in range(self._random.randint(1, 3))))
        rule = Rule(f"rule {order}", "hero", condition, "v", self._random.choice((20, 50, 80)), order)
        if self._random.random() < 0.3:
            live_from, live_until = sorted(self._random.sample(TIMES, 2))
            rule = replace(rule, live_from=live_from, live_until=live_until)
        return self._with_chance(rule) if self._random.random() < 0.3 else rule

    def _with_chance(self, rule: Rule) -> Rule:
        match self._random.randrange(5):
            case 0:
                return replace(rule, caps=(Cap("c", SHOWN, 1.0),))
            case 1:
                return replace(rule, draws=(Draw("rollout:" + rule.name, self._random.choice((ALL, SOME))),))
            case 2:
                return replace(rule, experiment=Experiment((Arm("a", 5_000), Arm("b", 5_000, "b"))))
            case 3:
                return replace(rule, layer="L")
            case _:
                return replace(rule, holdout=3_000)

    def _part(self, depth: int = 0) -> Condition:
        if depth < 2 and self._random.random() < 0.3:
            group = self._random.choice((AllOf, AnyOf, AnyOf, NoneOf))
            return group(tuple(self._part(depth + 1) for _ in range(self._random.randint(1, 3))))
        return self._fact()

    def _fact(self) -> Fact:
        pick = self._random
        match pick.randrange(6):
            case 0:
                return Fact(
                    "country", pick.choice((OneOf, NotOneOf))(frozenset(pick.sample(COUNTRIES, pick.randint(1, 2))))
                )
            case 1:
                return Fact("segment", pick.choice((OneOf, NotOneOf))(frozenset(pick.sample(SEGMENTS, 1))))
            case 2:
                ends = sorted(pick.choices((0.0, 1.0, 2.0, 5.0), k=2))
                low, high = pick.choice(((ends[0], ends[1]), (ends[0], float("inf")), (float("-inf"), ends[1])))
                return Fact("orders", Between(low, high, open_high=pick.random() < 0.3))
            case 3:
                return Fact("page", pick.choice((StartsWith, Contains))((pick.choice(("/shoes", "/sho", "/t", "/")),)))
            case 4:
                return Fact("page", pick.choice((OneOf, NotOneOf))(frozenset(pick.sample(PAGES, pick.randint(1, 2)))))
            case _:
                return Fact(pick.choice(("country", "page", "orders")), IsKnown(pick.random() < 0.7))

    # -- what can never show

    def _plant(self) -> Iterator[Rule]:
        for number in range(PLANTED_IN_EACH):
            plant = self._random.choice((self._contradictory, self._narrower, self._split, self._relayed, self._nobody))
            dead = plant(f"planted {number}", 100 + 10 * number)
            self.rules.append(dead)
            yield dead

    def _contradictory(self, name: str, order: int) -> Rule:
        no, nl = (Fact("country", OneOf(frozenset({country}))) for country in ("NO", "nl"))
        vip = Fact("segment", OneOf(frozenset({"VIP"})))
        many, few = Fact("orders", Between(low=5)), Fact("orders", Between(high=5, open_high=True))
        pairs: list[tuple[Condition, Condition]] = [(no, nl), (many, few), (vip, NoneOf((vip,))), (no, AnyOf())]
        return Rule(name, "hero", AllOf((*self._random.choice(pairs), self._fact())), "v", 90, order)

    def _narrower(self, name: str, order: int) -> Rule:
        """Below a rule that asks for less."""
        wide = Rule(f"above {name}", "hero", AllOf((self._fact(),)), "v", 85, order)
        self.rules.append(wide)
        narrow = AllOf((*wide.condition.parts, self._fact(), self._fact()))  # type: ignore[union-attr]
        return Rule(name, "hero", narrow, "v", 10, order + 1, live_from=1_000.0)

    def _split(self, name: str, order: int) -> Rule:
        """Below one rule for each of the countries it is for."""
        for place, country in enumerate(COUNTRIES[:2]):
            fact = Fact("country", OneOf(frozenset({country})))
            self.rules.append(Rule(f"above {name} {country}", "hero", fact, "v", 85, order + place))
        both = Fact("country", OneOf(frozenset(COUNTRIES[:2])))
        return Rule(name, "hero", AllOf((both, self._fact())), "v", 10, order + 5)

    def _relayed(self, name: str, order: int) -> Rule:
        """Below one rule until a moment, and another from then on."""
        vip = Fact("segment", OneOf(frozenset({"VIP"})))
        self.rules.append(Rule(f"above {name} first", "hero", vip, "v", 85, order, live_until=2_000.0))
        self.rules.append(Rule(f"above {name} then", "hero", vip, "v", 85, order + 1, live_from=2_000.0))
        return Rule(name, "hero", AllOf((vip, self._fact())), "v", 10, order + 5, live_from=1_000.0, live_until=3_000.0)

    def _nobody(self, name: str, order: int) -> Rule:
        return Rule(name, "hero", AllOf(), "v", 90, order, draws=(Draw("rollout:" + name, ((float("-inf"), 0),)),))


@pytest.mark.bar("C3")
def test_all_planted_are_found_and_no_live_rule_is_accused() -> None:
    visitors = everybody()
    planted = found = accused = never_shown = 0
    for seed in range(SETS_OF_RULES):
        rules = RuleSet(seed)
        dead = {each.rule.name for each in dead_rules(rules.rules, is_single)}
        plan = compile_plan(rules.rules)
        shown = set()
        for visitor in visitors:
            decision = decide(plan, visitor)["hero"]
            shown.add(decision.rule or decision.withheld)
        assert not dead & shown, f"seed {seed}: {dead & shown} can show"
        assert rules.planted <= dead, f"seed {seed}: {rules.planted - dead} not found"
        planted, found = planted + len(rules.planted), found + len(rules.planted & dead)
        accused, never_shown = accused + len(dead), never_shown + len({rule.name for rule in rules.rules} - shown)
    print(
        f"\n{SETS_OF_RULES} sets of rules, {len(visitors):,} kinds of visitors: {found} of {planted} planted found,",
        end=" ",
    )
    print(f"{accused} rules told dead, all of them among the {never_shown} that no visitor was shown")
