"""Layers: a page shows at most one rule of each layer.

Slots are decided independently first. Only if two of them were won by rules of one layer, all fitting rules of all
slots are tried from the best down: a rule wins its slot if neither the slot nor its layer is taken. A visitor who is
held out of a rule takes up its layer too, as if it were shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge

from proxy.model import Decision

Choices = Callable[[str], Iterator[Decision]]
"""Gives the decisions of a slot's fitting rules, best first; some may be `capped`."""


@dataclass(frozen=True, slots=True)
class Layers:
    """`layer_of` has the layer of each rule that has one, `rank` the rank of every rule among all; both by name."""

    layer_of: Mapping[str, str]
    rank: Mapping[str, int]

    def resolved(
        self, decisions: dict[str, Decision], unfilled: Mapping[str, Decision], choices: Choices
    ) -> dict[str, Decision]:
        """The decisions changed so that no two are of one layer. `unfilled` has the decision of each slot if no rule
        fits."""
        taken = [layer for decision in decisions.values() if (layer := self.layer(decision))]
        if len(taken) == len(set(taken)):
            return decisions
        return {**unfilled, **self._assigned(decisions, choices)}

    def layer(self, decision: Decision) -> str:
        """The layer that a decision takes up, "" for none. A capped decision takes up none."""
        return "" if decision.detail == "capped" else self.layer_of.get(decision.rule or decision.withheld, "")

    def _assigned(self, slots: Mapping[str, Decision], choices: Choices) -> dict[str, Decision]:
        assigned: dict[str, Decision] = {}
        capped: dict[str, Decision] = {}
        taken = {""}
        for decision in merge(*map(choices, slots), key=self._rank):
            layer = self.layer(decision)
            if decision.detail == "capped":
                capped.setdefault(decision.slot, decision)
            elif decision.slot not in assigned and (not layer or layer not in taken):
                assigned[decision.slot] = decision
                taken.add(layer)
        return capped | assigned

    def _rank(self, decision: Decision) -> int:
        return self.rank[decision.rule or decision.withheld]
