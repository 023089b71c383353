"""Layers: a page shows one rule of each layer, so that several strategies meet on a page without overlapping.

Slots are decided independently. Only when two of them were won by rules of one layer, all fitting rules are gone
through from the best downwards, whatever their slot: each takes its slot if that is free, and its layer if that is
free. A visitor who is held out of a rule occupies its layer all the same, as they would have been shown it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge

from proxy.model import Decision

Choices = Callable[[str], Iterator[Decision]]
"""The decisions a slot could come to, best first; some may be `capped`."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The layer of each rule that has one, and the rank of every rule among all, by name."""

    of: Mapping[str, str]
    rank: Mapping[str, int]

    def settled(
        self, decisions: dict[str, Decision], unfilled: Mapping[str, Decision], choices: Choices
    ) -> dict[str, Decision]:
        """The decisions, no two of one layer. `unfilled` has each slot's when no rule fits; `choices` are those of a
        slot, best first."""
        taken = [layer for decision in decisions.values() if (layer := self.layer(decision))]
        if len(taken) == len(set(taken)):
            return decisions
        return {**unfilled, **self._best_first(decisions, choices)}

    def layer(self, decision: Decision) -> str:
        """The layer that a decision occupies; "" for none. A capped decision occupies none."""
        return "" if decision.detail == "capped" else self.of.get(decision.rule or decision.withheld, "")

    def _best_first(self, slots: Mapping[str, Decision], choices: Choices) -> dict[str, Decision]:
        settled: dict[str, Decision] = {}
        capped: dict[str, Decision] = {}
        taken = {""}
        for decision in merge(*map(choices, slots), key=self._rank):
            layer = self.layer(decision)
            if decision.detail == "capped":
                capped.setdefault(decision.slot, decision)
            elif decision.slot not in settled and (not layer or layer not in taken):
                settled[decision.slot] = decision
                taken.add(layer)
        return capped | settled

    def _rank(self, decision: Decision) -> int:
        return self.rank[decision.rule or decision.withheld]
