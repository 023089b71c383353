"""Warnings: what is valid but probably not intended. They are for checking a folder, not for serving it.

They need more than the folder: the time, and which pages were shown lately.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from proxy.audience.results import GOALS
from proxy.catalogue.rows import choose
from proxy.catalogue.shopper import Shopper
from proxy.catalogue.strategy_context import StrategyContext
from proxy.conditions.behaviours import CLICKED, SHOWN
from proxy.conditions.derived import NAME, base_of, derived_name
from proxy.conditions.localtime import CLOCK_ATTRIBUTES
from proxy.conditions.phrase import Kind
from proxy.conditions.values import matches
from proxy.decide.conjunctions import Literal, facts_of
from proxy.decide.dead import DeadRule, dead_rules
from proxy.decide.implication import IsSingle, contradiction
from proxy.decide.plan import segment_names_in
from proxy.diagnostics import Finding, nearest
from proxy.model import Between, Fact, Holdout, NotOneOf, OneOf, Reading, Rule, Segment, StartsWith, View
from proxy.page.slots import LISTING
from proxy.rulebook.check import Checked
from proxy.rulebook.expectations import untested
from proxy.rulebook.names import Names
from proxy.rulebook.product_lints import as_written
from proxy.rulebook.rivals import Rivals, forms_of

DAY_SECONDS = 86_400.0
SEEN_DAYS = 7
ENOUGH_VIEWS = 1_000
"""Of fewer recorded views, nobody being in a segment says little."""

MONEY = (Reading.CART_TOTAL, Reading.MEAN, Reading.SUM)
MOST_TOLD = 3
"""How many experiments one is said to fight: with a thousand of them, pairs are too many to be read."""

PAGE = "page"


@dataclass(frozen=True, slots=True)
class Site:
    """What warnings need beside the folder: the moment (Unix seconds), and the recently recorded views."""

    now: float
    views: Sequence[View] = ()


def lints(checked: Checked, site: Site) -> list[Finding]:
    """All warnings of a folder without errors."""
    recent = [view for view in site.views if view.at > site.now - SEEN_DAYS * DAY_SECONDS]
    is_single = _single_in(checked.names)
    make_way = frozenset(variant for variant, ask in checked.asks.items() if ask.may_be_empty)
    return [
        *checked.lints,
        *(_never_shows(dead) for dead in dead_rules(checked.rules, is_single, make_way)),
        *_off_their_pages(checked, is_single),
        *_over((*checked.rules, *checked.holdouts), site.now),
        *_slots_unseen(checked.rules, recent),
        *_segments_empty(checked.rules, checked.segments, recent),
        *_untested(checked),
        *_fighting(checked.rules, is_single, site.now),
        *_idle(checked.rules),
        *_unknown_banners(checked),
        *_hit_by_chance(checked),
        *_empty_rows(checked, site.now),
    ]


def _hit_by_chance(checked: Checked) -> Iterator[Finding]:
    """L20 for what somebody paid, or has in the cart, that is to be an amount to the cent."""
    of_segments = (one.condition for one in (*checked.segments, *checked.journey))
    for condition in (*of_segments, *(rule.condition for rule in checked.rules)):
        for fact in facts_of(condition):
            line, _, amount = fact.text.partition(": ")
            is_money = fact.measure is not None and fact.measure.reading in MONEY
            if is_money and isinstance(fact.test, Between) and amount[:1].isdigit() and fact.test.low > 0:
                help = f"write: at least {amount}; or, if you mean it, exactly {amount}"
                what = f"`{line}` is hardly ever {amount} to the cent"
                yield Finding("L20", what, fact.place, help, is_warning=True)


def _empty_rows(checked: Checked, now: float) -> Iterator[Finding]:
    """L22 for a row of products that would have none now, or when its rule begins. Nobody knows it of what follows the
    visitor, the page or what others do."""
    rows = ((rule, variant) for rule in checked.rules for variant in rule.variants if variant in checked.asks)
    for rule, variant in rows if checked.assortment else ():
        ask = checked.asks[variant]
        if ask.reads_history or any(found.reads_page or found.strategy.is_learnt for found in ask.sources):
            continue
        asking = StrategyContext(checked.assortment.shop, Shopper(), now=max(now, rule.live_from))
        if not choose(ask, asking).products:
            steps = "; ".join(map(str, choose(ask, asking, explains=True).steps))
            help = f"add another strategy, or leave fewer products out: {steps}"
            yield Finding("L22", f'the row of "{variant}" would be empty', rule.place, help, is_warning=True)


def _single_in(names: Names) -> IsSingle:
    """Tells whether an attribute has one value at most, by its phrase. An attribute without a phrase may have
    several."""
    single = {
        derived_name(phrase.attribute, NAME) if phrase.kind is Kind.NAME else phrase.attribute
        for phrase in names.words.values()
        if phrase.parts is None and phrase.kind not in (Kind.SET, Kind.ANYTHING)
    }
    return lambda attribute: attribute in single or attribute in CLOCK_ATTRIBUTES


def _never_shows(dead: DeadRule) -> Finding:
    rule = dead.rule
    what = f'"{rule.name}" can never show'
    if dead.covered_by:
        named = " and ".join(f'"{other.name}"' for other in dead.covered_by[:3])
        help = f"give it a higher priority than {named}, or say more narrowly whom that is for"
        places = ", ".join(str(other.place) for other in dead.covered_by[:3])
        return Finding("L1", f"{what}: {named} comes first for everybody it fits", rule.place, help, places, True)
    if dead.contradiction:
        attribute = "schedule" if dead.contradiction == "now" else base_of(dead.contradiction)
        help = f'take one of its lines about "{attribute}" out, or put them under `any of:`'
        return Finding("L1", f"{what}: its conditions contradict one another", rule.place, help, is_warning=True)
    return Finding("L1", f"{what}: it fits nobody", rule.place, "give it a share of the visitors", is_warning=True)


def _off_their_pages(checked: Checked, is_single: IsSingle) -> Iterator[Finding]:
    """Rules with a condition on a page where `slots.yaml` does not have their slot."""
    pages = {slot.name: slot.page for slot in checked.declared if slot.page}
    for rule in checked.rules:
        page = pages.get(rule.slot, "")
        asks = bool(page) and any(fact.attribute == PAGE for fact in facts_of(rule.condition))
        possible = [form for form in forms_of(rule) if contradiction(form, is_single) is None] if asks else []
        if possible and all(contradiction({_on(page), *form}, is_single) == PAGE for form in possible):
            what = f'"{rule.name}" asks for other pages than {page}, where {rule.slot} is'
            help = f"write another slot or page, or correct `page:` of {rule.slot} in slots.yaml"
            yield Finding("L16", what, rule.place, help, is_warning=True)


def _on(page: str) -> Literal:
    """The condition that the page is one of those in `slots.yaml`."""
    begins = page.removesuffix("*").casefold()
    return Literal(PAGE, StartsWith((begins,)) if page.endswith("*") else OneOf(frozenset({begins})))


def _over(scheduled: Iterable[Rule | Holdout], now: float) -> Iterator[Finding]:
    for each in scheduled:
        if each.live_until <= now:
            help = "remove it, or give it a later end"
            yield Finding("L2", f'"{each.name}" is over', each.place, help, is_warning=True)


def _slots_unseen(rules: Iterable[Rule], recent: Sequence[View]) -> Iterator[Finding]:
    """Slots that no recent page had; once for each slot, at its first rule."""
    seen = {slot for view in recent for slot in view.shown}
    first = {rule.slot: rule for rule in reversed(list(rules)) if rule.slot}
    for slot, rule in first.items() if recent else ():
        if slot not in seen:
            what = f"no page of the last {SEEN_DAYS} days had the slot {slot}"
            help = "look whether it is still in the shop's pages: tailorbird doctor URL"
            yield Finding("L3", what, rule.place, help, is_warning=True)


def _segments_empty(rules: Iterable[Rule], segments: Iterable[Segment], recent: Sequence[View]) -> Iterator[Finding]:
    """Segments in rules' conditions that no recent visitor was in."""
    by_name = {segment.name.casefold(): segment for segment in segments}
    asked = set(segment_names_in((fact for rule in rules for fact in facts_of(rule.condition)), by_name))
    for name, segment in by_name.items() if len(recent) >= ENOUGH_VIEWS else ():
        if name in asked and not any(_is_in(segment, view) for view in recent):
            what = f'nobody in the last {len(recent):,} page views was in "{segment.name}"'
            help = "look at its condition, or at what brings its members"
            yield Finding("L7", what, segment.place, help, is_warning=True)


def _is_in(segment: Segment, view: View) -> bool:
    context = view.context
    named = context.attributes.get("segment")
    if isinstance(named, frozenset) and segment.name.casefold() in {name.casefold() for name in named}:
        return True
    return matches(segment.condition, context.attributes, now=view.at, timezone=segment.timezone)


def _untested(checked: Checked) -> Iterator[Finding]:
    """In a folder with tests, the rules that none expects; once for each file."""
    by_file: dict[str, list[Rule]] = {}
    for rule in untested(checked.rules, checked.cases) if checked.cases else ():
        by_file.setdefault(rule.place.file, []).append(rule)
    for missed in by_file.values():
        more = f" and {len(missed) - 1} more" if len(missed) > 1 else ""
        what = f'no test expects "{missed[0].name}"{more}'
        yield Finding("L8", what, missed[0].place, "write a test whose visitor is shown it", is_warning=True)


def _fighting(rules: Iterable[Rule], is_single: IsSingle, now: float) -> Iterator[Finding]:
    """Experiments of one slot that share visitors, who then count for the one with the higher priority only."""
    by_slot: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        if rule.experiment and rule.live_until > now:
            by_slot[rule.slot].append(rule)
    for its in by_slot.values():
        rivals = Rivals(its, is_single)
        for number, rule in enumerate(its):
            others = list(islice(rivals.before(number), MOST_TOLD))
            if others:
                what = f'"{others[0].name}" and "{rule.name}" fight for {rule.slot}'
                help = "put them into a group, one after the other, or give them different visitors"
                label = "the other one" if len(others) == 1 else "the other ones"
                note = f"{label}: {', '.join(str(other.place) for other in others)}"
                yield Finding("L9", what, rule.place, help, note, True)


def _unknown_banners(checked: Checked) -> Iterator[Finding]:
    """Names after `clicked: banner:` that no rule has; once for each name."""
    known = {rule.name.casefold(): rule.name for rule in checked.rules}
    conditions = [
        *(one.condition for one in (*checked.segments, *checked.journey)),
        *(r.condition for r in checked.rules),
    ]
    told: set[str] = set()
    for fact in (fact for condition in conditions for fact in facts_of(condition)):
        for name in _banners(fact):
            if name not in known and name not in told:
                told.add(name)
                close = nearest(name, known)
                help = f'did you mean "{known[close]}"?' if close else "write the name of a rule as it stands there"
                what = f'no rule is called "{as_written(name, fact.text)}", which this asks for'
                yield Finding("L18", what, fact.place, help, is_warning=True)


def _banners(fact: Fact) -> Iterator[str]:
    where = fact.measure.where if fact.measure and fact.measure.kinds in ((CLICKED,), (SHOWN,)) else ()
    for _, test in where:
        if isinstance(test, OneOf | NotOneOf):
            yield from sorted(test.values)


def _idle(rules: Iterable[Rule]) -> Iterator[Finding]:
    """Rules with words that have no effect yet."""
    for rule in rules:
        if rule.also_on:
            what = f'nothing acts on `also on` of "{rule.name}"'
            help = "take it out: apps, mails and kiosks ask for a slot by themselves, and are told what it shows"
            yield Finding("L13", what, rule.place, help, is_warning=True)
        if rule.experiment and rule.experiment.goal == CLICKED and not _all_have_banners(rule):
            what = f'"{rule.name}" hopes for clicks, and one of its variants shows nothing that can be clicked'
            others = ", ".join(goal for goal in GOALS if goal != CLICKED)
            help = f"show a banner in each variant, or take another goal: {others}"
            if rule.slot.startswith(LISTING):
                what, help = f'"{rule.name}" hopes for clicks on a banner, in a list', f"take another goal: {others}"
            yield Finding("L13", what, rule.place, help, is_warning=True)
        unmeasured = [each for each in rule.experiment.guardrails if each not in GOALS] if rule.experiment else []
        if unmeasured:
            what = f'nothing measures the {" or ".join(f"`{each}`" for each in unmeasured)} of "{rule.name}"'
            help = f"name what `tailorbird results` counts: {', '.join(GOALS)}"
            yield Finding("L13", what, rule.place, help, is_warning=True)


def _all_have_banners(rule: Rule) -> bool:
    """Whether each arm of an experiment shows something that a click on a banner may be counted of."""
    arms = rule.experiment.arms if rule.experiment else ()
    return all(arm.variant for arm in arms) and not rule.slot.startswith(LISTING)
