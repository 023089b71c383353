"""The whole language beside the plain rules of `work.py`: what experiments, caps, rollouts, holdouts and schedules cost
a decision, and how long a check of so many rules takes.

    python -m loadtests.language [--rules 1000] [--json]

Both plans decide the same five slots for the same visitors, turn by turn in one run; `times` is the ratio of their
medians of CPU time. The check is of rule files that use the language alike, with all warnings, in seconds of CPU. Exits
1 when the ratio is 2 or more, or the check takes a second. That what is decided is right is tested in
`tests/bars/test_c4_interpreter.py`.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from random import Random

import msgspec

from loadtests.work import CATEGORIES, COUNTRIES, NOW, SEGMENTS, SLOTS, work
from proxy.audience.traits import reading
from proxy.decide.engine import decide
from proxy.decide.plan import Plan, compile_plan
from proxy.model import (
    Arm,
    Cap,
    Draw,
    EvaluationContext,
    Event,
    Experiment,
    Holdout,
    Measure,
    OneOf,
    Period,
    Profile,
    Reading,
    Rule,
)
from proxy.rulebook.compile import load
from proxy.rulebook.lints import Site

ROUNDS, ROUND_SECONDS, CHECKS = 15, 0.2, 5
MOST_TIMES, MOST_CHECK_SECONDS = 2.0, 1.0
EVENTS = 60
FILES = 4


@dataclass(frozen=True)
class Result:
    """What was measured, in CPU time. Microseconds are for all slots together."""

    rules: int
    plain_us: float
    full_us: float
    times: float
    check_seconds: float


def main() -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description="The whole language beside plain rules.")
    parser.add_argument("--rules", type=int, default=1_000, help="how many rules, of all slots together")
    parser.add_argument("--json", action="store_true", help="an object instead of a sentence")
    options = parser.parse_args()
    result = measured(options.rules)
    print(json.dumps(asdict(result)) if options.json else sentence(result))
    return int(result.times >= MOST_TIMES or result.check_seconds >= MOST_CHECK_SECONDS)


def sentence(result: Result) -> str:
    """The result for reading."""
    return (
        f"{result.rules:,} rules, {len(SLOTS)} slots: {result.full_us:.1f} us with the whole language, "
        f"{result.plain_us:.1f} us plain, {result.times:.2f} times as long; checked in {result.check_seconds:.2f} s"
    )


def measured(rules: int, rounds: int = ROUNDS) -> Result:
    """The costs, side by side."""
    todo = work(rules)
    random = Random(2026)
    full = [with_everything(rule, random) for rule in todo.rules]
    known = [with_history(visitor, full, random) for visitor in todo.visitors]
    plain_us, full_us = race(compile_plan(todo.rules), compile_plan(full, (), [Holdout("Q4", 500)]), known, rounds)
    return Result(rules, round(plain_us, 2), round(full_us, 2), round(full_us / plain_us, 2), round(check(rules), 2))


def race(plain: Plan, full: Plan, visitors: Sequence[EvaluationContext], rounds: int) -> tuple[float, float]:
    """Microseconds a decision takes with each plan: medians of rounds that take turns."""
    for visitor in visitors:
        decide(plain, visitor), decide(full, visitor)
    begun = time.process_time()
    for visitor in visitors:
        decide(full, visitor)
    a_round = int(ROUND_SECONDS / ((time.process_time() - begun) / len(visitors)))
    turns, times = cycle(visitors), {id(plain): [0.0], id(full): [0.0]}
    for _ in range(rounds):
        batch = list(islice(turns, a_round))
        for plan in (plain, full):
            gc.disable()
            begun = time.process_time()
            for visitor in batch:
                decide(plan, visitor)
            times[id(plan)].append((time.process_time() - begun) / len(batch) * 1e6)
            gc.enable()
    return statistics.median(times[id(plain)][1:]), statistics.median(times[id(full)][1:])


def check(rules: int) -> float:
    """Seconds of CPU that a check of rule files takes, the best of some."""
    files = rule_files(rules)
    best = float("inf")
    for _ in range(CHECKS):
        begun = time.process_time()
        loaded = load(files, site=Site(NOW))
        best = min(best, time.process_time() - begun)
        assert loaded.publication is not None, loaded.findings[:3]
    return best


# -- the work


def with_everything(rule: Rule, random: Random) -> Rule:
    """The rule as it is in a shop that uses all there is: a tenth are experiments, half are capped, a fifth rolled out
    in part, a tenth hold some visitors out."""
    if random.random() < 0.1:
        arms = (Arm("control", 5_000), Arm("new", 5_000, rule.variant))
        rule = replace(rule, experiment=Experiment(arms, goal="order completed"))
    if random.random() < 0.5:
        where = (("subject", OneOf(frozenset({rule.name}))),)
        shown = Measure(Reading.COUNT, ("banner shown",), where=where, period=Period.DAY, timezone="Europe/Oslo")
        rule = replace(rule, caps=(Cap("limit", shown, 3.0),))
    if random.random() < 0.2:
        steps = ((float("-inf"), 2_500), (NOW - 86_400, 8_000))
        rule = replace(rule, draws=(Draw("rollout:" + rule.name, steps),))
    return replace(rule, holdout=500) if random.random() < 0.1 else rule


def with_history(visitor: EvaluationContext, rules: Sequence[Rule], random: Random) -> EvaluationContext:
    """The visitor, who was shown some of the rules' banners of late."""
    shown = [
        Event(NOW - random.uniform(0, 3 * 86_400), str(n), "banner shown", random.choice(rules).name)
        for n in range(EVENTS)
    ]
    profile = Profile(visitor.targeting_key, history=tuple(sorted(shown)))
    return msgspec.structs.replace(visitor, read=lambda measure: reading(profile, measure, NOW))


def rule_files(rules: int) -> dict[str, bytes]:
    """Rule files that say things of all sorts."""
    random = Random(2026)
    head = "version: 1\ntimezone: Europe/Oslo\n"
    texts = [head for _ in range(FILES)]
    texts[0] += "limits: {Campaigns: at most 3 times per visitor per day}\nholdout: {name: Q4, share: 5%}\n"
    texts[0] += "segments:\n" + "".join(f"  {name}: {{}}\n" for name in SEGMENTS)
    blocks = [_rule_text(random, number) for number in range(rules)]
    for word in ("rules", "experiments"):
        for place in range(FILES):
            chosen = [text for is_for, text in blocks[place::FILES] if is_for == word]
            texts[place] += f"{word}:\n" + "".join(chosen) if chosen else ""
    files = {f"{place}.rules.yaml": text.encode() for place, text in enumerate(texts)}
    files["slots.yaml"] = ("slots:\n" + "".join(f"  {slot}: {{}}\n" for slot in SLOTS)).encode()
    files["attributes.yaml"] = b"attributes: {loyalty: text}\n"
    return files


def _rule_text(random: Random, number: int) -> tuple[str, str]:
    lines = [
        f"  - name: Rule {number}",
        f"slot: {random.choice(SLOTS)}",
        f"priority: {random.randint(0, 100)}",
        f"from: 2026-11-{random.randint(1, 24):02d} 08:00",
        f"until: 2026-12-{random.randint(1, 31):02d}",
        "when:",
        f"  segment: {random.choice(SEGMENTS)}",
        f"  country: [{', '.join(random.sample(COUNTRIES, 3))}]",
        f"  page: starts with /{random.choice(CATEGORIES)}",
        f"  orders: at least {random.randint(1, 12)}",
    ]
    lines += random.choice(
        (["limit: Campaigns"], ["limit: once per visitor per 3 days", "stop after: {clicked: 1 time}"], [])
    )
    lines += random.choice(
        ([f"rollout: {random.randint(1, 99)}%"], ["ramp: {2026-12-01: 5%, 2026-12-08: 100%}"], [], [])
    )
    title = f'show: {{banner: {{title: "{{first name|Hello}}, number {number}", link: /sale, button: Look}}}}'
    if random.random() < 0.1:
        lines += [
            "variants:",
            "  - {name: control, share: 50%, show: nothing new}",
            f"  - {{name: new, share: 50%, {title}}}",
        ]
        return "experiments", "\n    ".join(lines) + "\n"
    return "rules", "\n    ".join([*lines, title]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
