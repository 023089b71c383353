"""Editors' own tests, run: given this visitor, each slot must show that. The same `decide` answers as for a page, so a
test that passes is what visitors get."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from proxy.audience.traits import TRAIT_MEASURES, reading, trait
from proxy.catalogue.rows import Row
from proxy.catalogue.shop import Shop
from proxy.conditions.explain import Explained
from proxy.decide.engine import decide, tried
from proxy.decide.plan import Plan
from proxy.decide.why import SlotStory, Verdict, why
from proxy.diagnostics import many
from proxy.model import Decision, EvaluationContext, Profile, Rule
from proxy.page.shown_words import SAYS, is_read, shown_words
from proxy.personalise import Stock, explained_order, fills_of, row_of
from proxy.rulebook import expectations
from proxy.rulebook.compile import Publication
from proxy.rulebook.expectations import NOTHING_NEW, Case, Expectation

MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """A slot that shows something else than a test expects, and `reasons` line by line. `expected` and `shown` are
    texts."""

    slot: str
    expected: str
    shown: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.slot} should {self.expected}, but shows {self.shown}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test. `ms` is what deciding took. `shown` are the rules that were shown where it names none."""

    case: Case
    faults: tuple[Fault, ...]
    ms: float
    shown: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every slot showed what it must."""
        return not self.faults


def run_cases(publication: Publication, now: float, named: str = "") -> tuple[Outcome, ...]:
    """Runs the tests of the publication, or those whose names the regular expression `named` finds; those that do not
    say when run at `now` (Unix seconds). Raises `re.error`."""
    is_meant = re.compile(named, re.IGNORECASE).search
    shop = Shop.of_a_folder(publication.catalogue, publication.orders, publication.visits)
    asks, fragments, counting = publication.asks, publication.fragments, publication.counting
    stock = Stock(shop, asks, publication.arrangements, fragments, counting, publication.contrasts)
    return tuple(_run(case, publication, stock, now) for case in publication.cases if is_meant(case.name))


def untested(publication: Publication, outcomes: Sequence[Outcome]) -> tuple[Rule, ...]:
    """The rules that no test expects to be shown; where a test names none, it was those shown in these outcomes."""
    shown = {rule for outcome in outcomes for rule in outcome.shown}
    return tuple(expectations.untested(publication.rules, publication.cases, shown))


def coverage(publication: Publication, outcomes: Sequence[Outcome]) -> str:
    """Each rule with how many of these tests expect it, by file; and the share of rules that some test expects."""
    missed = {rule.name for rule in untested(publication, outcomes)}
    times = Counter(expectation.rule for outcome in outcomes for expectation in outcome.case.expect)
    times.update(rule for outcome in outcomes for rule in outcome.shown)
    lines: list[str] = []
    for file, rules in groupby(publication.rules, key=lambda rule: rule.place.file):
        lines.append(file)
        for rule in rules:
            count = times[rule.name]
            told = many(count, "test") if count else "by another test"
            is_missed = rule.name in missed
            lines.append(f"  {'✘' if is_missed else '✔'} {rule.name:<60}  {'no test' if is_missed else told}")
    return "\n".join([*lines, f"{covered_percent(publication, outcomes):.0f} % of the rules are tested"])


def covered_percent(publication: Publication, outcomes: Sequence[Outcome]) -> float:
    """The share of rules that some test expects; 100 where there are no rules."""
    total = len(publication.rules)
    return 100.0 * (total - len(untested(publication, outcomes))) / total if total else 100.0


def report(publication: Publication, outcomes: Sequence[Outcome], of: str = "") -> str:
    """The outcomes by file, and how many of the rules are tested: of all files, or `of` one."""
    lines: list[str] = []
    for file in dict.fromkeys(outcome.case.place.file for outcome in outcomes):
        lines.append(file)
        for outcome in outcomes:
            if outcome.case.place.file == file:
                lines += _outcome_lines(outcome)
    return "\n".join([*lines, summary(publication, outcomes, of)])


def summary(publication: Publication, outcomes: Sequence[Outcome], of: str = "") -> str:
    """One line: what passed, what failed, and which rules no test expects: of all files, or `of` one."""
    failed = sum(not outcome.passed for outcome in outcomes)
    missed = [rule for rule in untested(publication, outcomes) if of in ("", rule.place.file)]
    total = sum(of in ("", rule.place.file) for rule in publication.rules)
    is_of_one = len({rule.place.file for rule in missed}) < 2
    places = (f"line {rule.place.line}" if is_of_one else str(rule.place) for rule in missed)
    named = ", ".join(f'"{rule.name}" ({place})' for rule, place in zip(missed[:MOST_NAMED], places, strict=False))
    more = f" and {len(missed) - MOST_NAMED} more" if len(missed) > MOST_NAMED else ""
    tested = f"{total - len(missed)} of {total} rules are tested" + (f"; not tested: {named}{more}" if missed else "")
    return f"{len(outcomes) - failed} passed, {failed} failed. {tested}"


def _run(case: Case, publication: Publication, stock: Stock, now: float) -> Outcome:
    plan = publication.plan
    slots = [expectation.slot for expectation in case.expect]
    context = as_case(case, plan, now if case.at is None else case.at, slots)
    started = time.perf_counter()
    decided = [*decide(plan, context, slots).values()]
    ms = (time.perf_counter() - started) * 1000
    empty = _make_way(decided, plan, context, stock)
    decisions = {decision.slot: decision for decision in decided}
    faults = [
        fault
        for expectation in case.expect
        if (fault := _fault(expectation, decisions[expectation.slot], plan, context, stock, empty))
    ]
    shown = tuple(decisions[expectation.slot].rule for expectation in case.expect if expectation.is_of_any_rule)
    return Outcome(case, tuple(faults), ms, shown)


def _make_way(decided: list[Decision], plan: Plan, context: EvaluationContext, stock: Stock) -> Mapping[str, Row]:
    """Replaces the decisions for rows without products by what comes next, as pages do. Returns those rows, by rule."""
    empty: dict[str, Row] = {}
    for place in range(len(decided)):
        for decision in tried(place, decided, plan, context, stock.asks):
            decided[place] = decision
            row = row_of(decision, context, stock)[0] if decision.variant in stock.asks else None
            if row is None or row.products:
                break
            empty[decision.rule] = row
    return empty


def _fault(
    expectation: Expectation,
    decision: Decision,
    plan: Plan,
    context: EvaluationContext,
    stock: Stock,
    empty: Mapping[str, Row],
) -> Fault | None:
    if expectation.given:
        return _fault_of_list(expectation, decision, context, stock)
    if expectation.is_of_any_rule or _is_fulfilled(expectation, decision):
        is_of_products = expectation.is_of_products
        of_row = _fault_of_row(expectation, decision, context, stock) if is_of_products else None
        return of_row or _fault_of_words(expectation, decision, plan, context, stock)
    if expectation.rule in empty:
        steps = map(str, empty[expectation.rule].steps)
        reasons = ("it has no products to show, so the next rule is tried", *steps)
        return Fault(expectation.slot, f"show {_quoted(expectation.rule)}", _shown(decision), reasons)
    return _fault_of_rule(expectation, plan, context)


def _fault_of_words(
    expectation: Expectation, decision: Decision, plan: Plan, context: EvaluationContext, stock: Stock
) -> Fault | None:
    """None when the visitor reads what they must, in what fills the slot on a page."""
    if not expectation.words:
        return None
    _, (fill,) = fills_of((decision,), plan, stock.fragments, context, stock)
    words = shown_words(fill, context.attributes) if fill else {}
    wrong = [(name, text) for name, text in expectation.words if not is_read(name, text, words)]
    if not wrong:
        return None
    expected = " and ".join(f'say "{text}"' if name == SAYS else f'have the {name} "{text}"' for name, text in wrong)
    shown = ", ".join(f'"{words[name]}"' if name in words else f"no {name}" for name in dict(wrong))
    reasons = [f"by {_shown(decision)}"] if fill else []
    if fill and any(name not in words for name, _ in wrong):
        reasons.append(f'it says "{words[SAYS]}", which a test finds by "says"')
    return Fault(expectation.slot, expected, shown if fill else NOTHING_NEW, tuple(reasons))


def _fault_of_row(
    expectation: Expectation, decision: Decision, context: EvaluationContext, stock: Stock
) -> Fault | None:
    """None when all of the products stand there that must, and none that must not."""
    if decision.variant not in stock.asks:
        return Fault(expectation.slot, "show products", _quoted(decision.rule), ())
    row, _ = row_of(decision, context, stock)
    shown = [product.id for product in row.products]
    missing = [id for id in expectation.contains if id not in shown]
    unwanted = [id for id in expectation.never if id in shown]
    if not missing and not unwanted:
        return None
    expected = " and ".join(
        f"{word} {', '.join(ids)}" for word, ids in (("contain", missing), ("never show", unwanted)) if ids
    )
    return Fault(expectation.slot, expected, ", ".join(shown) or "none", tuple(map(str, row.steps)))


def _fault_of_list(
    expectation: Expectation, decision: Decision, context: EvaluationContext, stock: Stock
) -> Fault | None:
    """None when the products stand first that must."""
    order, lines = explained_order(decision, expectation.given, context, stock)
    first = tuple(order[: len(expectation.begins)])
    if first == expectation.begins:
        return None
    reasons = (f"by {_quoted(decision.rule)}" if decision.rule else "no rule arranges it", *lines)
    return Fault(expectation.slot, f"begin with {', '.join(expectation.begins)}", ", ".join(first), reasons)


def as_case(case: Case, plan: Plan, now: float, slots: Iterable[str]) -> EvaluationContext:
    """What a page with these slots would know of the case's visitor: what they did is read off it as off a stored
    history."""
    history = tuple(sorted(action.event(now, number) for number, action in enumerate(case.actions)))
    profile = Profile("", case.attributes, history=history)
    asked = {**TRAIT_MEASURES, **plan.inputs_of(slots).measures}
    read = {name: value for name in asked if (value := trait(profile, name, asked[name], now)) is not None}
    return EvaluationContext(
        case.visitor,
        now,
        {**case.attributes, **read},
        unverified=case.unverified,
        read=lambda measure: reading(profile, measure, now),
        history=history,
    )


def _is_fulfilled(expectation: Expectation, decision: Decision) -> bool:
    """The page's own is shown as well when a rule says `nothing new`."""
    if not expectation.rule:
        return not decision.variant
    return decision.rule == expectation.rule and expectation.arm in ("", decision.arm)


def _fault_of_rule(expectation: Expectation, plan: Plan, context: EvaluationContext) -> Fault:
    (story,) = why(plan, context, [expectation.slot])
    wanted = f"{expectation.rule} / {expectation.arm}" if expectation.arm else expectation.rule
    expected, shown = f"show {_quoted(wanted)}", _shown(story.decision)
    return Fault(expectation.slot, expected, shown, tuple(_reasons(story, expectation.rule)))


def _reasons(story: SlotStory, expected: str) -> Iterator[str]:
    """What kept the expected rule from showing; or why the shown one did, where none was expected."""
    told = next((rule for rule in story.rules if rule.name == (expected or story.decision.rule)), None)
    if told is None:
        return
    winner = next((rule for rule in story.rules if rule.verdict is Verdict.SHOWN), None)
    if expected and winner and told.verdict in (Verdict.NEXT, Verdict.FITS):
        yield f'"{winner.name}" comes first: priority {winner.priority}, against {told.priority}'
    elif told.verdict is Verdict.HELD_OUT:
        yield "the visitor is held out, to compare with"
    for fact in _decisive(told.facts, ok=not expected):
        seen = ", ".join(text for text in (fact.seen, fact.distance) if text)
        yield f"{'✔' if fact.ok else '✘'} {fact.text}  ({seen})"


def _decisive(facts: Iterable[Explained], *, ok: bool) -> Iterator[Explained]:
    """The facts that made a condition hold, or not; under a segment's, those that put the visitor into it, or not."""
    for fact in facts:
        if fact.ok is ok:
            if fact.seen:
                yield fact
            yield from _decisive(fact.parts, ok=ok if fact.text != "none of" else not ok)


def _outcome_lines(outcome: Outcome) -> Iterator[str]:
    word = "ok  " if outcome.passed else "FAIL"
    yield f"  {word}  {outcome.case.name:<60}  {outcome.ms:.1f} ms"
    for fault in outcome.faults:
        yield f"        {fault}"
        yield from (f"        {reason}" for reason in fault.reasons)
    if outcome.faults:
        yield f"        {outcome.case.place}"


def _shown(decision: Decision) -> str:
    return _quoted(f"{decision.rule} / {decision.arm}" if decision.arm else decision.rule)


def _quoted(rule: str) -> str:
    return f'"{rule}"' if rule else NOTHING_NEW
