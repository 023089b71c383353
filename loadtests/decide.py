"""The decision core beside its rivals: the same rules, the same visitors, the same answers, and the time they took.

    python -m loadtests.decide [--json] [--rules 100,1000,10000] [--engines tailorbird,zen]

`us` is the median over rounds of what deciding all five slots of a page took, in microseconds of the process's own
time, so that who else uses the machine is not counted. Engines take turns round by round, so that a busy moment meets
all of them. Ours keeps what it found of a value, and no rival keeps anything: `tailorbird-new` is the same with nothing
kept from before a round, in which it meets each visitor once. Every engine's answers are held against trying every rule
in rank order. Exits 1 when an answer differs.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any

from loadtests.rivals import Engine, by_slot
from loadtests.work import SLOTS, Work, work
from proxy.conditions.values import matches
from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.model import Decision, EvaluationContext, Rule

RIVALS = {
    "growthbook": "loadtests.rivals.growthbook",
    "cel": "loadtests.rivals.cel",
    "zen": "loadtests.rivals.zen",
    "json-logic": "loadtests.rivals.json_logic",
}
NEW = "tailorbird-new"
ENGINES = ("tailorbird", NEW, *RIVALS)
ROUNDS = 9
ROUND_SECONDS = 0.25


class Tailorbird:
    """Our own core, in the form the rivals have."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self.forget()

    def forget(self) -> None:
        """Keeps nothing of whom it met."""
        self._plan = compile_plan(self._rules)

    def prepare(self, visitor: EvaluationContext) -> EvaluationContext:
        return visitor

    def decide(self, prepared: EvaluationContext) -> Mapping[str, Decision]:
        return decide(self._plan, prepared)


@dataclass(frozen=True)
class Row:
    """One engine at one number of rules. `rules` are those of all `slots` together."""

    engine: str
    rules: int
    slots: int
    us: float
    equal: bool


def main() -> int:
    """Runs what the command line asks for."""
    options = _options()
    engines = [name for name in options.engines.split(",") if _is_there(name)]
    rows = [row for rules in options.rules.split(",") for row in measured(int(rules), engines)]
    print(json.dumps([asdict(row) for row in rows], indent=1) if options.json else table(rows))
    return 0 if all(row.equal for row in rows) else 1


def measured(rules: int, engines: Sequence[str], *, rounds: int = ROUNDS, visitors: int | None = None) -> list[Row]:
    """A row for each engine. By default there are fewer visitors where there are many rules."""
    todo = work(rules, visitors or max(100, min(400, 200_000 // rules)))
    expected = [winners_by_trying(todo, visitor) for visitor in todo.visitors]
    trials = [Trial(name, _load(name)(todo.rules), todo.visitors, expected) for name in engines]
    for _ in range(rounds):
        for trial in trials:
            trial.round()
    return [Row(trial.name, rules, len(SLOTS), trial.median_us, trial.equal) for trial in trials]


class Trial:
    """An engine at work. Its answers are compared once; a round is as many visitors, in turn, as then fit into it."""

    def __init__(
        self, name: str, engine: Engine, visitors: Sequence[EvaluationContext], expected: Sequence[Mapping[str, str]]
    ) -> None:
        prepared = [engine.prepare(visitor) for visitor in visitors]
        begun = time.process_time()
        answers = [engine.decide(visitor) for visitor in prepared]
        seconds_each = (time.process_time() - begun) / len(prepared)
        self.name = name
        self.equal = [won(answer) for answer in answers] == expected
        self._engine = engine
        self._turns = cycle(prepared)
        self._a_round = len(prepared) if name == NEW else max(5, round(ROUND_SECONDS / seconds_each))
        self._times_us: list[float] = []

    @property
    def median_us(self) -> float:
        """Microseconds a decision: the median of the rounds."""
        return round(statistics.median(self._times_us), 3)

    def round(self) -> None:
        """Measures one round."""
        if self.name == NEW and isinstance(self._engine, Tailorbird):
            self._engine.forget()
        decide, batch = self._engine.decide, list(islice(self._turns, self._a_round))
        gc.disable()
        begun = time.process_time()
        for visitor in batch:
            decide(visitor)
        spent = time.process_time() - begun
        gc.enable()
        self._times_us.append(spent / len(batch) * 1e6)


def winners_by_trying(todo: Work, visitor: EvaluationContext) -> dict[str, str]:
    """What each slot shows, by trying its rules one by one."""
    ranked = by_slot(todo.rules)
    return {slot: next((rule.name for rule in rules if _fits(rule, visitor)), "") for slot, rules in ranked.items()}


def won(answer: Mapping[str, str | Decision]) -> dict[str, str]:
    """The winning rule of each slot, from an engine's answer."""
    return {slot: winner.rule if isinstance(winner, Decision) else winner for slot, winner in answer.items()}


def table(rows: Sequence[Row]) -> str:
    """The rows for reading, with how many times longer than ours each rival took."""
    ours = {row.rules: row.us for row in rows if row.engine == "tailorbird"}
    lines = [f"{'engine':<16}{'rules':>8}{'slots':>7}{'us':>12}{'x ours':>9}  answers"]
    for row in rows:
        times = f"{row.us / ours[row.rules]:,.0f}" if row.rules in ours else ""
        answers = "equal" if row.equal else "DIFFER"
        lines.append(f"{row.engine:<16}{row.rules:>8,}{row.slots:>7}{row.us:>12,.1f}{times:>9}  {answers}")
    return "\n".join(lines)


def _fits(rule: Rule, visitor: EvaluationContext) -> bool:
    is_live = rule.live_from <= visitor.now < rule.live_until
    return is_live and matches(rule.condition, visitor.attributes, now=visitor.now, timezone=rule.timezone)


def _load(name: str) -> type[Any]:
    if name in ("tailorbird", NEW):
        return Tailorbird
    engine: type[Engine] = importlib.import_module(RIVALS[name]).Engine
    return engine


def _is_there(name: str) -> bool:
    try:
        _load(name)
    except ImportError as error:
        print(f"{name}: skipped, {error.name} is not installed (the extra `bench` brings it)", file=sys.stderr)
        return False
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The decision core beside its rivals.")
    parser.add_argument("--json", action="store_true", help="a list of rows instead of a table")
    parser.add_argument("--rules", default="100,1000,10000", help="how many rules, of all slots together")
    parser.add_argument("--engines", default=",".join(ENGINES), help="which engines, by name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
