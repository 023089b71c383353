"""What a page costs with more slots and with more rules, and what a private page holds up (bar B3).

    python -m loadtests.growth [--rounds 7]

In one process, by its own CPU clock, sizes in turns: a page is decided and put together anew for each visitor, nothing
remembered. Pages have 5, 20 and 50 slots with 1,000 rules; then rules go from 100 to 10,000 with 5 slots. A private
page is read and filled on the event loop each time it is asked for: one whose tags are others each time, and one that
says only another word than the last. What that holds the loop up is told by its CPU clock, since on a shared machine
any clock on the wall tells of others.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests import work
from loadtests.storefront import CARDS, storefront
from proxy.decide.plan import Plan, compile_plan
from proxy.metrics import Metrics
from proxy.model import EvaluationContext, Headers, Rule
from proxy.page.encode import Assembled
from proxy.page.fragments import Fragment, trusted_html
from proxy.page.template import Template, Uncut, cut
from proxy.personalise import personalise
from proxy.serve.reading import PageReader
from proxy.settings import Settings

RESULTS = Path(__file__).parent / "results"
SLOTS, RULES = (5, 20, 50), (100, 1_000, 10_000)
PAGE_BYTES = 61_000
HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)
MOST_STALL_MS = 2.0


@dataclass(frozen=True)
class Case:
    """A page, the rules of its slots, and who asks for it."""

    template: Template
    plan: Plan
    fragments: Mapping[str, Fragment]
    visitors: Sequence[EvaluationContext]

    def page(self, visitor: EvaluationContext) -> Assembled:
        """The page for one visitor."""
        return personalise(self.template, self.plan, self.fragments, visitor, coding="gzip", key=b"k").page


def case(slots: int, rules: int) -> Case:
    """As many rules in each slot; the visitors are those of the decision core's bench."""
    made = work.work(rules)
    names = [f"slot.n{number}" for number in range(slots)]
    placed = tuple(_placed(rule, names[number % slots]) for number, rule in enumerate(made.rules))
    fragments = {rule.variant: trusted_html(f"<p>{rule.variant}</p>" * 40) for rule in placed}
    return Case(template(names), compile_plan(placed), fragments, made.visitors)


def _placed(rule: Rule, slot: str) -> Rule:
    return Rule(**{name: getattr(rule, name) for name in Rule.__slots__} | {"slot": slot})


def template(names: Sequence[str]) -> Template:
    """A page of 61 KB with these slots at even distances, deflated."""
    between = "<p>word and word again</p>\n" * (PAGE_BYTES // 27 // len(names))
    body = "".join(f'<div data-slot="{name}">default</div>{between}' for name in names)
    found = cut(f"<html><body>{body}</body></html>".encode(), path="/", charset="utf-8", declared=(), max_slots=99)
    if isinstance(found, Uncut):
        raise AssertionError(str(found))
    found.deflate()
    return found


def cost_us(one: Case) -> float:
    """CPU of a page, once round all visitors."""
    begun = time.process_time()
    for visitor in one.visitors:
        one.page(visitor)
    return (time.process_time() - begun) / len(one.visitors) * 1e6


def costs(cases: Mapping[int, Case], rounds: int) -> dict[int, float]:
    """The least of each over the rounds, in turns, after one that is not counted: what disturbs only adds."""
    for one in cases.values():
        cost_us(one)
    found = [{size: cost_us(one) for size, one in cases.items()} for _ in range(rounds)]
    return {size: min(each[size] for each in found) for size in cases}


def private_ms(rounds: int, before: bytes) -> tuple[float, float]:
    """CPU of reading a private page with five slots, and of filling it, in milliseconds. Before all else in it stands
    this, with another number each time: what comes again as it was need not be read again."""
    plain = storefront(100).page()
    reader = PageReader(Metrics(), Settings())
    plan, visitor = compile_plan(work.work(1_000).rules), work.work(10).visitors[0]
    reading, filling = [], []
    for number in range(rounds * 5):
        body = plain.replace(b"<body>", b"<body>" + before % number)
        begun = time.process_time()
        page = reader.read_at_once(body, HTML, b"/", ())
        read = time.process_time()
        if page is None:  # it is compared with others, in a thread
            asyncio.run(reader.read(body, HTML, b"/", ()))
            continue
        if page.template is None:
            raise AssertionError("the page cannot be read")
        personalise(page.template, plan, {}, visitor, coding="identity", key=b"k")
        reading.append((read - begun) * 1_000)
        filling.append((time.process_time() - read) * 1_000)
    return statistics.median(reading), statistics.median(filling)


def report(rounds: int, slots: Sequence[int] = SLOTS, rules: Sequence[int] = RULES) -> str:
    """The table, and the lines of the bar."""
    by_slots = costs({count: case(count, 1_000) for count in slots}, rounds)
    by_rules = costs({count: case(5, count) for count in rules}, rounds)
    another, worded = (
        private_ms(rounds, b'<p class="v%d">Welcome</p>'),
        private_ms(rounds, b"<p>Welcome, visitor %d</p>"),
    )
    growth = (by_slots[slots[-1]] / by_slots[slots[0]]) / (slots[-1] / slots[0])
    more_rules = by_rules[rules[-1]] / by_rules[rules[0]]
    lines = ["| | CPU us |", "|---|---|"]
    lines += [f"| {count} slots, 1,000 rules | {us:.1f} |" for count, us in by_slots.items()]
    lines += [f"| 5 slots, {count:,} rules | {us:.1f} |" for count, us in by_rules.items()]
    for what, (reading, filling) in (("other tags", another), ("another word", worded)):
        lines += [
            f"| a private page of {CARDS} cards and 5 slots with {what} each time, read | {reading * 1_000:,.0f} |"
        ]
        lines += [f"| the same, filled | {filling * 1_000:,.0f} |"]
    lines.append("")
    lines += ["| bar | what | measured | goal | |", "|---|---|---|---|---|"]
    lines += [_line(f"cost per slot, {slots[-1]} to {slots[0]}", growth, 1.0, "x")]
    lines += [_line(f"cost of {rules[-1]:,} rules to {rules[0]:,}", more_rules, 1.3, "x")]
    lines += [_line("longest without giving way, private page", sum(another), MOST_STALL_MS, " ms")]
    return "\n".join(lines)


def _line(what: str, measured: float, most: float, unit: str) -> str:
    told = "reached" if measured <= most else "NOT reached"
    return f"| B3 | {what} | {measured:.2f}{unit} | at most {most:g}{unit} | {told} |"


def main() -> int:
    """Measures, prints, and writes `loadtests/results/growth.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    told = report(parser.parse_args().rounds)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "growth.md").write_text(told + "\n")
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
