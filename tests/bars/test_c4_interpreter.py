"""The plan decides as the naive interpreter of the same rules does, whatever the rules and whoever comes, with
experiments, rollouts, groups, caps, holdouts and layers; and `why` names the same winner."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.decide.why import why
from tests.decide.plain import plain_decisions, winner
from tests.decide.worlds import World

WORLDS, VISITORS = (4_000, 25) if os.environ.get("BAR_FULL") else (60, 10)
FIRST_SEED = 50_000


@pytest.mark.bar("C4")
def test_plan_interpreter_and_why_agree() -> None:
    details: Counter[str] = Counter()
    for seed in range(FIRST_SEED, FIRST_SEED + WORLDS):
        world = World(seed, with_chance=True)
        plan = compile_plan(world.rules, world.segments, world.holdouts)
        for _ in range(VISITORS):
            context = world.context()
            decided = decide(plan, context)
            assert decided == plain_decisions(world, context), f"seed {seed}: {context}"
            told = {story.slot: winner(story) for story in why(plan, context)}
            assert told == {
                slot: (decision.rule, decision.withheld if decision.detail == "holdout" else "")
                for slot, decision in decided.items()
            }, f"seed {seed}: {context}"
            details.update(decision.detail for decision in decided.values())
    print(f"\n{WORLDS * VISITORS:,} pairs of rules and visitors agree, why included: {dict(details.most_common())}")
