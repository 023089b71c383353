"""`tailorbird results`: what visitors did after chance showed them one arm of an experiment or another, a rule or, held
out of it, the page's own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import click

from proxy.audience.lift import UNEVEN, Lift, evenness, of_money, of_share
from proxy.audience.results import ALL, HELD_OUT, ORDER, Comparison, Results, Tally, named
from proxy.bucketing import BUCKETS
from proxy.cli import options
from proxy.cli.existing_store import STORE, asked, logs
from proxy.cli.options import as_json, form_option
from proxy.cli.rulefolder import CATALOGUE, good, read_rules, rules_option
from proxy.diagnostics import did_you_mean
from proxy.errors import EditorError
from proxy.model import Rule
from proxy.ports import Store
from proxy.rulebook.compile import Publication
from proxy.rulebook.words import GOALS

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Row:
    """One group, with what it did. `lifts` are against the first row, by what was counted; `paid` is per visitor."""

    group: str
    visitors: int
    did: Mapping[str, int]
    paid: float
    lifts: Mapping[str, Lift | None]


@dataclass(frozen=True, slots=True)
class Told:
    """One rule, experiment or holdout, `since` somebody first met it (Unix seconds). `chance` is how often chance alone
    makes sizes so far from their shares; None where no shares are known. `notes` say what to know before believing
    it."""

    rule: str
    since: float
    counted: Sequence[str]
    rows: Sequence[Row]
    chance: float | None
    notes: Sequence[str]


@click.command("results")
@rules_option()
@CATALOGUE
@STORE
@click.option("--rule", default="", help="only this rule or experiment")
@click.option(
    "--goal", type=click.Choice(GOALS), help="what is hoped for  (default: as the experiment says, or orders)"
)
@click.option("--since", type=options.time, default=-inf, help="only choices met from then on, UTC, as 2026-11-25")
@click.option("--until", type=options.time, default=inf, help="only choices met before then")
@form_option()
def command(
    rules: Path,
    catalogue: Path | None,
    store: str,
    rule: str,
    goal: str | None,
    since: float,
    until: float,
    form: str,
) -> None:
    """What visitors did after they met an experiment or a rule that some are held out of: each arm beside the first,
    and who saw the rule beside who did not. Each visitor counts once, from the moment they first met it, for what
    chance gave them then. All of the log is read."""
    publication = good(read_rules(rules, catalogue, None))
    known = {one.name: one for one in publication.rules}
    wanted = {name: _wanted(one, goal) for name, one in known.items()}
    wanted |= {named(holdout): (goal or ORDER,) for holdout in publication.plan.holdouts}
    results = Results(wanted, publication.plan.holdouts, since, until)
    asked(store, lambda places: _add_all(places.store, results))
    if rule and rule not in results.of:
        raise EditorError(f"no visitor in the log met `{rule}`", help=did_you_mean(rule, sorted(results.of)))
    shares = _shares(publication)
    told = [
        told_of(
            name, comparison, known.get(name), shares.get(name, {}), wanted.get(name, (goal or ORDER,)), time.time()
        )
        for name, comparison in sorted(results.of.items())
        if rule in ("", name)
    ]
    click.echo(as_json([asdict(one) for one in told]) if form == "json" else "\n\n".join(_text(told, results.visitors)))


def _shares(publication: Publication) -> dict[str, dict[str, int]]:
    """What part of those who meet a choice each of its groups should be, where that is known."""
    tried = {rule.name: rule.experiment for rule in publication.rules if rule.experiment}
    arms = {name: {arm.name: arm.share for arm in experiment.arms} for name, experiment in tried.items()}
    held = {named(one): {HELD_OUT: one.share, ALL: BUCKETS - one.share} for one in publication.plan.holdouts}
    return arms | held


def _wanted(rule: Rule, goal: str | None) -> tuple[str, ...]:
    """What is counted: what is hoped for, then what must not get worse."""
    tried = rule.experiment
    kinds = [goal or (tried.goal if tried else "") or ORDER, *(tried.guardrails if tried else ())]
    return tuple(dict.fromkeys(kind for kind in kinds if kind in GOALS))


async def _add_all(store: Store, results: Results) -> None:
    keys = {one.visitor_id: one.bucket_key async for one in store.profiles() if one.bucket_key}
    async for visitor_id, arrivals in logs(store):
        results.add(arrivals, keys.get(visitor_id, visitor_id))


def told_of(
    name: str,
    comparison: Comparison,
    rule: Rule | None,
    shares: Mapping[str, int],
    counted: Sequence[str],
    now: float,
) -> Told:
    """The comparison as it is told, the group that the others are measured by first."""
    groups = _in_order(comparison.groups, list(shares))
    base = groups[0][1]
    rows = [
        Row(
            group,
            tally.visitors,
            {kind: tally.did[kind] for kind in counted},
            tally.paid / tally.visitors,
            {} if tally is base else _lifts(counted, tally, base),
        )
        for group, tally in groups
    ]
    sizes = [comparison.groups.get(group, Tally()).visitors for group in shares]
    chance = evenness(sizes, list(shares.values())) if len(sizes) > 1 and any(sizes) else None
    days = (now - comparison.began) / DAY
    notes = list(_notes(comparison, rule, bool(shares), days, chance))
    return Told(name, comparison.began, counted, rows, chance, notes)


def _in_order(groups: Mapping[str, Tally], expected: Sequence[str]) -> list[tuple[str, Tally]]:
    """The arm named control first, else the first of the file; of a rule who is held out, whom it is compared with."""
    control = [group for group in expected if group.casefold() == "control"]
    order = list(dict.fromkeys([*control, *expected, HELD_OUT, ALL]))
    return sorted(groups.items(), key=lambda each: (order.index(each[0]) if each[0] in order else len(order), each[0]))


def _lifts(counted: Sequence[str], tally: Tally, base: Tally) -> dict[str, Lift | None]:
    return {**{kind: of_share(kind, tally, base) for kind in counted}, "paid": of_money(tally, base)}


def _notes(
    comparison: Comparison, rule: Rule | None, is_known: bool, days: float, chance: float | None
) -> Iterator[str]:
    tried = rule.experiment if rule else None
    if rule is None and not is_known:
        yield "it is not in the rule folder any more"
    if len(comparison.groups) < 2:
        yield "nobody met anything else, so there is nothing to compare with: give it `holdout: 5%`"
    if tried and days < tried.min_days:
        yield f"it runs for {days:.0f} of at least {tried.min_days} days: too early to judge"
    if tried and tried.split_by:
        yield f"it is split by {tried.split_by}, and visitors are counted: intervals are too narrow"
    if chance is not None and chance < UNEVEN:
        yield "the groups are further from their shares than chance has it: find out why before you believe any of this"
    if comparison.crossed:
        yield f"{comparison.crossed} met more than one of these, and count for the first"


# -- as text


def _text(told: Sequence[Told], visitors: int) -> Iterator[str]:
    if not told:
        yield f"none of the {visitors:,} visitors in the log met a rule yet"
    for one in told:
        width = max(len(row.group) for row in one.rows)
        began = datetime.fromtimestamp(one.since, UTC)
        lines = [f"{one.rule}, since {began:%Y-%m-%d}"]
        for row in one.rows:
            lines.append(f"  {row.group:<{width}}  {row.visitors:>9,} visitors")
            lines += [f"  {'':<{width}}  {line}" for line in _lines(row)]
        yield "\n".join([*lines, *(f"  ! {note}" for note in one.notes)])


def _lines(row: Row) -> Iterator[str]:
    for kind, did in row.did.items():
        lift = row.lifts.get(kind)
        compared = f"  {_percent(lift)}" if lift else "  too few to compare" if row.lifts else ""
        yield f"{did:>9,} {kind}, {did / row.visitors:.2%}{compared}"
    lift = row.lifts.get("paid")
    if not row.paid and not (lift and lift.value):
        return
    compared = f"  {lift.value:+.2f} ({lift.low:+.2f} to {lift.high:+.2f}){_sure(lift)}" if lift else ""
    yield f"{row.paid:>9,.2f} paid by each{compared}"


def _percent(lift: Lift) -> str:
    return f"{lift.value:+.1%} ({lift.low:+.1%} to {lift.high:+.1%}){_sure(lift)}"


def _sure(lift: Lift) -> str:
    return "" if lift.is_sure else ", may be chance"
