"""Finds dead rules: those that can never show, because their conditions contradict one another, or because rules above
win for every visitor that they fit.

It uses the bitsets that decide. A conjunction allows certain values of each attribute that it tests; a column gives the
bits that survive each of these values. A bit of a higher rule that survives all of them, and tests nothing else, covers
the conjunction. If no single bit does, several together may: each combination of values is tried.

It never reports a rule that can show. What is uncertain (sets, beginnings, words that no rule names) counts only if one
test clearly implies another, and rules with random shares, caps or layers never count as covering.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby, product
from math import inf, prod
from operator import and_, or_

from proxy.bucketing import BUCKETS
from proxy.decide.column import Column
from proxy.decide.conjunctions import Literal, alternatives
from proxy.decide.implication import (
    Conjunction,
    IsSingle,
    by_attribute,
    contradiction,
    implies,
    passing_text,
    with_implied,
)
from proxy.decide.layout import ColumnKey, Layout
from proxy.decide.plan import qualified, rank, schedule_of
from proxy.decide.survivors import MOST_SAMPLES, SurvivorFinder
from proxy.model import AttributeValue, Rule

MAX_COMBINATIONS = MOST_SAMPLES


@dataclass(frozen=True, slots=True)
class DeadRule:
    """A rule that can never show. `covered_by` are the rules above it that win for everybody it fits. Without any, it
    fits nobody: `contradiction` is the attribute that would need two values at once, "" if its share is 0."""

    rule: Rule
    covered_by: tuple[Rule, ...] = ()
    contradiction: str = ""


def dead_rules(rules: Iterable[Rule], is_single: IsSingle) -> Iterator[DeadRule]:
    """The rules that can never show. `is_single` says of an attribute whether it has at most one value."""
    in_rank = sorted(rules, key=lambda rule: (rule.slot, rank(rule)))
    for _, of_slot in groupby(in_rank, key=lambda rule: rule.slot):
        yield from _Slot(list(of_slot), is_single).dead()


class _Slot:
    """The rules of one slot, best first, with one bit per conjunction."""

    def __init__(self, rules: Sequence[Rule], is_single: IsSingle) -> None:
        self._rules = rules
        self._is_single = is_single
        self._tested_by: dict[ColumnKey, int] = defaultdict(int)
        self._groups: dict[ColumnKey, dict[Conjunction, int]] = defaultdict(lambda: defaultdict(int))
        self._group_of: dict[ColumnKey, dict[int, Conjunction]] = defaultdict(dict)
        self._lines: list[list[tuple[int, Conjunction]]] = []
        self._rule_of: dict[int, Rule] = {}
        self._certain = 0
        layout = Layout()
        for rule in rules:
            found = alternatives(rule.condition)
            takes_all = not found.left_out and _wins_for_certain(rule)
            lines = []
            for literals in found.conjunctions:
                conjunction = frozenset(qualified(literal, rule) for literal in literals) | schedule_of(rule)
                bit = layout.add_conjunction(conjunction)
                lines.append((bit, conjunction))
                self._rule_of[bit] = rule
                self._certain |= bit if takes_all else 0
                for key, group in by_attribute(conjunction).items():
                    self._tested_by[key] |= bit
                    self._groups[key][frozenset(group)] |= bit
                    self._group_of[key][bit] = frozenset(group)
            self._lines.append(lines)
        self._surviving = {key: SurvivorFinder(column, is_single(key[0])) for key, column in layout.columns().items()}

    def dead(self) -> Iterator[DeadRule]:
        above = 0
        for rule, lines in zip(self._rules, self._lines, strict=True):
            if _is_for_nobody(rule):
                yield DeadRule(rule)
            else:
                yield from self._dead(rule, lines, above & self._certain)
            above |= reduce(or_, (bit for bit, _ in lines), 0)

    def _dead(self, rule: Rule, lines: Sequence[tuple[int, Conjunction]], above: int) -> Iterator[DeadRule]:
        taken_by: dict[str, Rule] = {}
        attribute = ""
        for _, conjunction in lines:
            wrong = contradiction(conjunction, self._is_single)
            if wrong is not None:
                attribute = wrong
                continue
            bits = self._covering(conjunction, above) if above else ()
            if not bits:
                return
            taken_by |= {self._rule_of[bit].name: self._rule_of[bit] for bit in bits}
        yield DeadRule(rule, tuple(taken_by.values()), "" if taken_by else attribute)

    def _covering(self, conjunction: Conjunction, above: int) -> Sequence[int]:
        """The bits among `above` that together cover the conjunction; none if a visitor may be left."""
        tests = by_attribute(with_implied(conjunction))
        above &= ~reduce(or_, (bits for key, bits in self._tested_by.items() if key not in tests), 0)
        alone = -1
        choices: list[tuple[Column, Sequence[AttributeValue]]] = []
        for key, literals in tests.items():
            if not above:
                return ()
            surviving = self._surviving.get(key)
            survivors = surviving.of(frozenset(literals)) if surviving else None
            if surviving and survivors:
                above &= survivors.any_value
                alone &= survivors.all_values
                choices.append((surviving.column, survivors.samples))
            else:
                above &= ~self._tested_by[key] | self._implied(key, literals, above)
        if alone & above:
            return [alone & above & -(alone & above)]
        return _covering_together(choices, above)

    def _implied(self, key: ColumnKey, literals: Sequence[Literal], among: int) -> int:
        """The bits whose tests of the attribute are all implied by the literals. An implied test holds for every value
        that passes the literals, so one such value leaves few bits to check."""
        near, text = among & self._tested_by[key], passing_text(literals)
        if near and text is not None:
            near &= self._surviving[key].column.bits(text)
        found = 0
        while near:
            group = self._group_of[key][near & -near]
            bits = self._groups[key][group]
            if all(any(implies(given, wanted) for given in literals) for wanted in group):
                found |= bits
            near &= ~bits
        return found


def _covering_together(choices: Sequence[tuple[Column, Sequence[AttributeValue]]], above: int) -> Sequence[int]:
    """The bits that together cover every combination of values; none if some combination is not covered."""
    if not (above and 0 < prod(len(values) for _, values in choices) <= MAX_COMBINATIONS):
        return ()
    found: dict[int, None] = {}
    for combination in product(*[[column.bits(value) for value in values] for column, values in choices]):
        left = reduce(and_, combination, above)
        if not left:
            return ()
        found[left & -left] = None
    return list(found)


# -- which rules win for certain


def _wins_for_certain(rule: Rule) -> bool:
    """Whether the rule fills its slot whenever its condition holds. (A visitor held out of it sees no other rule.)"""
    everybody = all(draw.low == 0 and draw.steps == ((-inf, BUCKETS),) for draw in rule.draws)
    return everybody and not (rule.caps or rule.layer or rule.experiment or rule.paused)


def _is_for_nobody(rule: Rule) -> bool:
    if any(all(end <= draw.low for _, end in draw.steps) for draw in rule.draws):
        return True
    return rule.experiment is not None and not any(arm.share for arm in rule.experiment.arms)
