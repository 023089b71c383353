"""The inputs of a slot: everything about a visitor that its decision may depend on.

They are collected for each slot when a plan is compiled, so that no request has to go through thousands of rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.conditions.derived import MARK, MOVING, base_of
from proxy.decide.conjunctions import facts_of
from proxy.decide.guard import BucketSplit, holdout_split, splits_of
from proxy.model import Cap, Fact, Holdout, Measure, Rule


@dataclass(frozen=True, slots=True)
class SlotInputs:
    """The inputs of some slots.

    * `attributes`: names; `measures`: how those of the visitor's history are calculated.
    * `moves`: a derived value changes by time alone, apart from schedules and clocks.
    * `splits`: the random splits of visitors; `caps`: the caps, read from the history.
    """

    attributes: frozenset[str] = frozenset()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    moves: bool = False
    splits: frozenset[BucketSplit] = frozenset()
    caps: frozenset[Cap] = frozenset()

    @classmethod
    def together(cls, several: Iterable[SlotInputs]) -> SlotInputs:
        """The inputs of several slots."""
        each = tuple(several)
        return cls(
            frozenset().union(*(one.attributes for one in each)),
            {name: measure for one in each for name, measure in one.measures.items()},
            any(one.moves for one in each),
            frozenset().union(*(one.splits for one in each)),
            frozenset().union(*(one.caps for one in each)),
        )


def inputs_by_slot(
    rules: Sequence[Rule], with_segments: Callable[[list[Fact]], Sequence[Fact]], holdouts: Sequence[Holdout]
) -> dict[str, SlotInputs]:
    """The inputs of each slot that has a rule. `with_segments` returns the given facts, and those in the conditions of
    the segments that they name."""
    by_slot: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_slot[rule.slot].append(rule)
    return {
        slot: _of_slot(here, with_segments, [each for each in holdouts if not each.slots or slot in each.slots])
        for slot, here in by_slot.items()
    }


def _of_slot(
    rules: Sequence[Rule], with_segments: Callable[[list[Fact]], Sequence[Fact]], holdouts: Sequence[Holdout]
) -> SlotInputs:
    facts = with_segments([fact for rule in rules for fact in facts_of(rule.condition)])
    names = {fact.attribute for fact in facts}
    split_by = {rule.experiment.split_by for rule in rules if rule.experiment} - {""}
    return SlotInputs(
        frozenset(map(base_of, names)) | split_by,
        {fact.attribute: fact.measure for fact in facts if fact.measure},
        any(name.partition(MARK)[2].startswith(MOVING) for name in names if MARK in name),
        frozenset((*(split for rule in rules for split in splits_of(rule)), *map(holdout_split, holdouts))),
        frozenset(cap for rule in rules for cap in rule.caps),
    )
