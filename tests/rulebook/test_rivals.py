"""Whoever might share a visitor with an experiment is found, and nobody who cannot."""

from __future__ import annotations

import random
from itertools import combinations
from math import inf

import pytest

from proxy.decide.conjunctions import alternatives
from proxy.decide.implication import contradiction
from proxy.decide.plan import qualified, schedule_of
from proxy.model import EVERYBODY, AllOf, AnyOf, Between, Condition, Draw, Fact, NoneOf, OneOf, Rule
from proxy.rulebook.rivals import Rivals

SINGLE = frozenset({"country", "orders", "now"})


def rule(number: int, when: Condition = EVERYBODY, **known: object) -> Rule:
    return Rule(f"rule {number}", "home.hero", when, **known)  # type: ignore[arg-type]


def words(attribute: str, *values: str) -> Fact:
    return Fact(attribute, OneOf(frozenset(values)))


def before_last(*rules: Rule) -> list[str]:
    return [other.name for other in Rivals(rules, SINGLE.__contains__).before(len(rules) - 1)]


@pytest.mark.parametrize(
    ("one", "other", "do_meet"),
    [
        (words("country", "NL"), words("country", "be"), False),
        (words("country", "NL", "BE"), words("country", "be"), True),
        (words("orders", "1.5", "2"), words("orders", "2"), True),
        (words("orders", "yes"), words("orders", "true"), True),
        (words("tags", "a"), words("tags", "b"), True),  # a visitor may have several
        (words("country", "NL"), EVERYBODY, True),
        (words("country", "NL"), NoneOf((words("country", "nl"),)), False),
        (AnyOf((words("country", "NL"), words("orders", "1"))), words("country", "BE"), True),
        (Fact("orders", Between(3, 5)), Fact("orders", Between(5, 9)), True),
        (Fact("orders", Between(3, 5)), Fact("orders", Between(6, 9)), False),
        (Fact("orders", Between(3, 5, open_high=True)), Fact("orders", Between(5, 9)), False),
        (Fact("orders", Between(3, 5)), words("orders", "4"), True),
        (Fact("orders", Between(3, 5)), words("orders", "6"), False),
    ],
)
def test_rules_with_disjoint_conditions_are_no_rivals(one: Condition, other: Condition, do_meet: bool) -> None:
    assert before_last(rule(0, one), rule(1, other)) == ["rule 0"] * do_meet
    assert before_last(rule(0, other), rule(1, one)) == ["rule 0"] * do_meet


def test_neither_do_those_of_a_group_or_that_follow_each_other() -> None:
    draws = (Draw("g", 0, 5_000),)
    assert before_last(rule(0, draws=draws), rule(1), rule(2, draws=draws)) == ["rule 1"]
    assert before_last(rule(0, live_until=5.0), rule(1), rule(2, live_from=5.0, live_until=inf)) == ["rule 1"]


def test_it_is_as_if_each_pair_were_looked_at() -> None:
    chance = random.Random(3)
    facts: list[Condition] = [words("country", *chance.sample(["NL", "BE", "DE", "1"], 2)) for _ in range(5)]
    facts += [words("tags", *chance.sample("abc", 1)) for _ in range(3)]
    facts += [Fact("orders", Between(low, low + chance.choice([0, 2]))) for low in range(6)]
    facts += [words("orders", str(number)) for number in range(4)]

    def condition() -> Condition:
        every, some, none = ([*chance.sample(facts, chance.randrange(3))] for _ in range(3))
        return AllOf((AllOf(tuple(every)), *([AnyOf(tuple(some))] if some else []), NoneOf(tuple(none[:1]))))

    rules = [rule(number, condition(), live_from=chance.choice([-inf, 5.0])) for number in range(150)]
    forms = [
        [
            frozenset(qualified(each, one) for each in row) | schedule_of(one)
            for row in alternatives(one.condition).conjunctions
        ]
        for one in rules
    ]
    rivals = Rivals(rules, SINGLE.__contains__)
    found = {(other.name, rules[number].name) for number in range(150) for other in rivals.before(number)}
    assert found == {
        (rules[one].name, rules[other].name)
        for one, other in combinations(range(150), 2)
        if any(contradiction(a | b, SINGLE.__contains__) is None for a in forms[one] for b in forms[other])
    }
    assert 100 < len(found) < 10_000
