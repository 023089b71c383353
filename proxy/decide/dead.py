"""Rules that can never show: whose conditions contradict one another, or whose every visitor is taken by rules above.

It asks the bitsets that decide. A conjunction allows, of each attribute it asks about, certain values; a column says
which bits survive each of them. A bit of a higher rule that survives all of them, and asks about nothing else, takes
everybody the conjunction fits. Where one bit does not, several may: each combination of values is tried.

Its law: it never accuses a rule that can show. Whatever it is not sure of (sets, beginnings, words nobody named) it
takes only where one test plainly follows from another; rules with chance, caps or layers take nobody for certain.
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
from proxy.decide.following import (
    Conjunction,
    IsSingle,
    by_attribute,
    contradiction,
    follows,
    passing_text,
    with_what_follows,
)
from proxy.decide.layout import Asked, Layout
from proxy.decide.plan import rank, schedule_of, spoken
from proxy.decide.surviving import MOST_KINDS, Surviving
from proxy.model import AttributeValue, Rule

MAX_COMBINATIONS = MOST_KINDS


@dataclass(frozen=True, slots=True)
class Dead:
    """A rule that can never show. `taken_by` are the rules above it that take everybody it fits. Without any, it fits
    nobody: `contradiction` is the attribute that would need two values at once, "" when its share is 0."""

    rule: Rule
    taken_by: tuple[Rule, ...] = ()
    contradiction: str = ""


def dead_rules(rules: Iterable[Rule], is_single: IsSingle) -> Iterator[Dead]:
    """The rules that can never show."""
    in_rank = sorted(rules, key=lambda rule: (rule.slot, rank(rule)))
    for _, of_slot in groupby(in_rank, key=lambda rule: rule.slot):
        yield from _Slot(list(of_slot), is_single).dead()


class _Slot:
    """The rules of one slot, best first, every conjunction a bit."""

    def __init__(self, rules: Sequence[Rule], is_single: IsSingle) -> None:
        self._rules = rules
        self._is_single = is_single
        self._asks: dict[Asked, int] = defaultdict(int)
        self._groups: dict[Asked, dict[Conjunction, int]] = defaultdict(lambda: defaultdict(int))
        self._group_of: dict[Asked, dict[int, Conjunction]] = defaultdict(dict)
        self._lines: list[list[tuple[int, Conjunction]]] = []
        self._rule_of: dict[int, Rule] = {}
        self._certain = 0
        layout = Layout()
        for rule in rules:
            found = alternatives(rule.condition)
            takes_all = not found.left_out and _is_certain(rule)
            lines = []
            for literals in found.conjunctions:
                conjunction = frozenset(spoken(literal, rule) for literal in literals) | schedule_of(rule)
                bit = layout.conjunction(conjunction)
                lines.append((bit, conjunction))
                self._rule_of[bit] = rule
                self._certain |= bit if takes_all else 0
                for asked, group in by_attribute(conjunction).items():
                    self._asks[asked] |= bit
                    self._groups[asked][frozenset(group)] |= bit
                    self._group_of[asked][bit] = frozenset(group)
            self._lines.append(lines)
        self._surviving = {asked: Surviving(column, is_single(asked[0])) for asked, column in layout.columns().items()}

    def dead(self) -> Iterator[Dead]:
        above = 0
        for rule, lines in zip(self._rules, self._lines, strict=True):
            if _is_for_nobody(rule):
                yield Dead(rule)
            else:
                yield from self._dead(rule, lines, above & self._certain)
            above |= reduce(or_, (bit for bit, _ in lines), 0)

    def _dead(self, rule: Rule, lines: Sequence[tuple[int, Conjunction]], above: int) -> Iterator[Dead]:
        taken_by: dict[str, Rule] = {}
        attribute = ""
        for _, conjunction in lines:
            wrong = contradiction(conjunction, self._is_single)
            if wrong is not None:
                attribute = wrong
                continue
            bits = self._taken_by(conjunction, above) if above else ()
            if not bits:
                return
            taken_by |= {self._rule_of[bit].name: self._rule_of[bit] for bit in bits}
        yield Dead(rule, tuple(taken_by.values()), "" if taken_by else attribute)

    def _taken_by(self, conjunction: Conjunction, above: int) -> Sequence[int]:
        """The bits that together take all of it; none when somebody may be left."""
        asked = by_attribute(with_what_follows(conjunction))
        above &= ~reduce(or_, (bits for key, bits in self._asks.items() if key not in asked), 0)
        alone = -1
        choices: list[tuple[Column, Sequence[AttributeValue]]] = []
        for key, literals in asked.items():
            if not above:
                return ()
            surviving = self._surviving.get(key)
            survivors = surviving.of(frozenset(literals)) if surviving else None
            if surviving and survivors:
                above &= survivors.some
                alone &= survivors.every
                choices.append((surviving.column, survivors.kinds))
            else:
                above &= ~self._asks[key] | self._following(key, literals, above)
        if alone & above:
            return [alone & above & -(alone & above)]
        return _together(choices, above)

    def _following(self, asked: Asked, literals: Sequence[Literal], among: int) -> int:
        """The bits whose tests of the attribute all follow from the literals. What follows is true of whoever passes
        them, so that one such value leaves few to be looked at."""
        near, text = among & self._asks[asked], passing_text(literals)
        if near and text is not None:
            near &= self._surviving[asked].column.bits(text)
        found = 0
        while near:
            group = self._group_of[asked][near & -near]
            bits = self._groups[asked][group]
            if all(any(follows(given, wanted) for given in literals) for wanted in group):
                found |= bits
            near &= ~bits
        return found


def _together(choices: Sequence[tuple[Column, Sequence[AttributeValue]]], above: int) -> Sequence[int]:
    """The bits that take every combination of values between them."""
    if not (above and 0 < prod(len(values) for _, values in choices) <= MAX_COMBINATIONS):
        return ()
    found: dict[int, None] = {}
    for combination in product(*[[column.bits(value) for value in values] for column, values in choices]):
        left = reduce(and_, combination, above)
        if not left:
            return ()
        found[left & -left] = None
    return list(found)


# -- which rules take whom they fit


def _is_certain(rule: Rule) -> bool:
    """Whether it takes its slot whenever its condition holds. Who is held out of it sees no other rule either."""
    everybody = all(draw.low == 0 and draw.steps == ((-inf, BUCKETS),) for draw in rule.draws)
    return everybody and not (rule.caps or rule.layer or rule.experiment or rule.paused)


def _is_for_nobody(rule: Rule) -> bool:
    if any(all(end <= draw.low for _, end in draw.steps) for draw in rule.draws):
        return True
    return rule.experiment is not None and not any(arm.share for arm in rule.experiment.arms)
