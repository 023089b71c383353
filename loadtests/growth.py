"""What a page costs with more slots and with more rules, and what holds up other pages: a private page, and rules that
are published (bar B3).

    python -m loadtests.growth [--rounds 7]

In one process, by its own CPU clock, sizes in turns: a page is decided and put together anew for each visitor, nothing
remembered. Pages have 5, 20 and 50 slots with 1,000 rules; then rules go from 100 to 10,000 with 5 slots. Those beyond
the first 100 are for other visitors, so that the pages are the same. Where all of them may fit, they are held against
100 that ask less, so that as many slots are filled, and only the rules are more. Beside 100 that ask as much, more is
shown, too, and with what no other page met lately: that is told as well, and depends on who else uses the processor's
cache.

A private page is read and filled each time it is asked for: one whose tags are others each time, and one that says only
another word than the last. What that holds the event loop up is what the process computes, at most, until a task that
asks for each turn has it; the median of the pages. That, and what publishing holds it up (`publishing.py`), is told by
the CPU clock, since on a shared machine any clock on the wall tells of others.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests import publishing, work
from loadtests.storefront import CARDS, storefront
from proxy.decide.engine import decide
from proxy.decide.plan import Plan, compile_plan
from proxy.metrics import Metrics
from proxy.model import AllOf, EvaluationContext, Fact, Headers, OneOf, Rule
from proxy.page.encode import Assembled
from proxy.page.fragments import Fragment, trusted_html
from proxy.page.markup import Markup
from proxy.page.scan import Uncut, find_slots
from proxy.page.template import Template, cut_at
from proxy.personalise import personalise
from proxy.processes.memory_limit import tune_malloc
from proxy.serve.reading import PageReader
from proxy.settings import Settings
from proxy.turns import take_short_turns

RESULTS = Path(__file__).parent / "results"
SLOTS, RULES = (5, 20, 50), (100, 1_000, 10_000)
PAGE_BYTES = 61_000
HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)
MOST_STALL_MS = 2.0
MOST_GROWTH = 1.3
WARM_UP = 10
OTHERS = 50
TURNS = 15
"""Of each size in a round: that takes some milliseconds, and the more there are, the likelier is a quiet one."""
ALL_FIT, AS_FULL = 0, -1
"""Stand for the last number of rules where all of them may fit, and for the first where as many slots are filled."""


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


def case(slots: int, rules: int, fitting: int | None = None) -> Case:
    """As many rules in each slot; the visitors are those of the decision core's bench. With `fitting`, rules beyond so
    many are for others."""
    made = work.work(rules)
    ours = rules if fitting is None else fitting
    return _of([rule if rule.order < ours else _for_others(rule) for rule in made.rules], slots, made)


def _of(rules: Sequence[Rule], slots: int, made: work.Work) -> Case:
    names = [f"slot.n{number}" for number in range(slots)]
    placed = tuple(replace(rule, slot=names[number % slots]) for number, rule in enumerate(rules))
    fragments = {rule.variant: trusted_html(f"<p>{rule.variant}</p>" * 40) for rule in placed}
    return Case(template(names), compile_plan(placed), fragments, made.visitors)


def as_full(slots: int, rules: int, like: Case) -> Case:
    """As many rules in each slot, of which all may fit, and which ask so little that as many slots are filled as in the
    other case."""
    made = work.work(rules)
    cases = [_of([_asking_less(rule, share) for rule in made.rules], slots, made) for share in range(0, OTHERS, 5)]
    return min(cases, key=lambda one: abs(filled(one) - filled(like)))


def _asking_less(rule: Rule, share: int) -> Rule:
    """One fact only; of some, by their place, two."""
    facts = rule.condition.parts if isinstance(rule.condition, AllOf) else (rule.condition,)
    return replace(rule, condition=AllOf(facts[: 2 if rule.order % OTHERS < share else 1]))


def _for_others(rule: Rule) -> Rule:
    others = Fact("segment", OneOf(frozenset({f"others {rule.order % OTHERS}"})))
    return replace(rule, condition=AllOf((rule.condition, others)))


def filled(one: Case) -> float:
    """How many slots of a page show what a rule says, on average."""
    pages = [decide(one.plan, visitor, one.template.slots).values() for visitor in one.visitors]
    return sum(bool(decision.variant) for page in pages for decision in page) / len(pages)


def template(names: Sequence[str]) -> Template:
    """A page of 61 KB with these slots at even distances, deflated."""
    between = "<p>word and word again</p>\n" * (PAGE_BYTES // 27 // len(names))
    body = "".join(f'<div data-slot="{name}">default</div>{between}' for name in names)
    page = f"<html><body>{body}</body></html>".encode()
    slots = find_slots(Markup(page, "utf-8"), path="/", declared=(), max_slots=99)
    if isinstance(slots, Uncut):
        raise AssertionError(str(slots))
    template = cut_at(page, slots)
    template.deflate()
    return template


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
    found = [{size: cost_us(one) for size, one in cases.items()} for _ in range(rounds * TURNS)]
    return {size: min(each[size] for each in found) for size in cases}


@dataclass(frozen=True)
class PrivatePage:
    """Milliseconds: CPU of reading a private page and of filling it, and the longest that others waited meanwhile."""

    reading: float
    filling: float
    held_up: float


def private_page(rounds: int, before: bytes) -> PrivatePage:
    """The medians for a private page with five slots. Before all else in it stands this, with another number each time:
    what comes again as it was need not be read again."""
    plain = storefront(100).page()
    bodies = [plain.replace(b"<body>", b"<body>" + before % number) for number in range(rounds * 10 + WARM_UP)]
    take_short_turns()  # as a server does, and the next
    tune_malloc()
    return asyncio.run(_private_page(bodies))


async def _private_page(bodies: Sequence[bytes]) -> PrivatePage:
    reader = PageReader(Metrics(), Settings())
    plan, visitor = compile_plan(work.work(1_000).rules), work.work(10).visitors[0]
    cpu, gaps = [], []
    for number, body in enumerate(bodies):
        watch = Watch()
        if is_watched := number % 2 == 1:
            watching = asyncio.create_task(watch.run())
            await asyncio.sleep(0)
        begun = time.process_time()
        page = reader.read_at_once(body, HTML, b"/", ()) or await reader.read(body, HTML, b"/", ())
        read = time.process_time()
        if page.template is None:
            raise AssertionError("the page cannot be read")
        personalise(page.template, plan, {}, visitor, coding="identity", key=b"k")
        done = time.process_time()
        if is_watched:
            await asyncio.sleep(0)
            watching.cancel()
        if number < WARM_UP:
            continue
        if is_watched:
            gaps.append(watch.longest)
        else:
            cpu.append((read - begun, done - read))
    reading, filling = (statistics.median(each) * 1_000 for each in zip(*cpu, strict=True))
    return PrivatePage(reading, filling, statistics.median(gaps) * 1_000)


@dataclass
class Watch:
    """Asks for each turn of the event loop. `longest` is the most that the process computed until it had one, in
    seconds."""

    longest: float = 0.0

    async def run(self) -> None:
        last = time.process_time()
        while True:
            await asyncio.sleep(0)
            now = time.process_time()
            self.longest, last = max(self.longest, now - last), now


def report(rounds: int, slots: Sequence[int] = SLOTS, rules: Sequence[int] = RULES) -> str:
    """The table, and the lines of the bar."""
    by_slots = costs({count: case(count, 1_000) for count in slots}, rounds)
    same, more = {count: case(5, count, fitting=rules[0]) for count in rules}, case(5, rules[-1])
    full = as_full(5, rules[0], more)
    by_rules = costs({**same, ALL_FIT: more, AS_FULL: full}, rounds)
    another, worded = (
        private_page(rounds, b'<p class="v%d">Welcome</p>'),
        private_page(rounds, b"<p>Welcome, visitor %d</p>"),
    )
    growth = (by_slots[slots[-1]] / by_slots[slots[0]]) / (slots[-1] / slots[0])
    more_rules = by_rules[rules[-1]] / by_rules[rules[0]]
    lines = ["| | CPU us |", "|---|---|"]
    lines += [f"| {count} slots, 1,000 rules | {us:.1f} |" for count, us in by_slots.items()]
    lines += [f"| 5 slots, {count:,} rules, the same pages | {by_rules[count]:.1f} |" for count in rules]
    for one, count, us in ((full, rules[0], by_rules[AS_FULL]), (more, rules[-1], by_rules[ALL_FIT])):
        told = f"all may fit: {filled(one):.1f} of a page's slots are filled, not {filled(same[rules[0]]):.1f}"
        lines += [f"| 5 slots, {count:,} rules, {told} | {us:.1f} |"]
    for what, page in (("other tags", another), ("another word", worded)):
        told = f"a private page of {CARDS} cards and 5 slots with {what} each time"
        lines += [
            f"| {told}, read | {page.reading * 1_000:,.0f} |",
            f"| the same, filled | {page.filling * 1_000:,.0f} |",
        ]
        lines += [f"| the same: what others waited at a time | {page.held_up * 1_000:,.0f} |"]
    lines += ["", publishing.sentence(rules[-1], publishing.measured(rules[-1])), ""]
    lines += ["| bar | what | measured | goal | |", "|---|---|---|---|---|"]
    lines += [_line(f"cost per slot, {slots[-1]} to {slots[0]}", growth, 1.0, "x")]
    lines += [_line(f"cost of {rules[-1]:,} rules to {rules[0]:,}, the same pages", more_rules, MOST_GROWTH, "x")]
    alike, beside = by_rules[ALL_FIT] / by_rules[AS_FULL], by_rules[ALL_FIT] / by_rules[rules[0]]
    lines += [_line("the same where all may fit, and as many slots are filled", alike, MOST_GROWTH, "x")]
    lines += [f"| | the same where all may fit, and more is shown | {beside:.2f}x | | told |"]
    lines += [_line("longest without giving way, private page", another.held_up, MOST_STALL_MS, " ms")]
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
