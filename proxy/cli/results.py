"""`tailorbird results`: what visitors did after an experiment showed them an arm, or after they saw a rule's content or
were held out of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from math import inf
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from proxy.audience.compared_groups import PAID_BY_EACH, RETURNED, Row
from proxy.audience.lifts import in_money, in_percent
from proxy.audience.parts import BY, TOLD_HELP, Part, is_by, notes_on, parts_of
from proxy.audience.report import RuleReport, reports
from proxy.audience.results import GOALS, Results
from proxy.audience.verdicts import Outcome, ReportOptions
from proxy.cli import options
from proxy.cli.existing_store import STORE, asked
from proxy.cli.options import as_json, form_option
from proxy.cli.rulefolder import CATALOGUE, good, read_rules, rules_option
from proxy.conditions.localtime import iso_time
from proxy.diagnostics import did_you_mean
from proxy.errors import EditorError
from proxy.serve.results import counted


def _by(_: click.Context, __: click.Parameter, said: str | None) -> str | None:
    if said and not is_by(said):
        raise click.BadParameter(f"visitors cannot be parted by `{said}`; write {', '.join(BY)}, or {TOLD_HELP}")
    return said


@click.command("results")
@rules_option()
@CATALOGUE
@STORE
@click.option("--rule", default="", help="only this rule or experiment, with each step on the way to an order")
@click.option(
    "--goal", type=click.Choice(GOALS), help="what is hoped for  (default: as the experiment says, or orders)"
)
@click.option(
    "--matters",
    type=click.FloatRange(0.1, 100.0),
    default=5.0,
    show_default=True,
    help="a difference that matters is at least so large, in percent",
)
@click.option(
    "--since", type=options.moment, help="only who met it first from then on, as 2026-11-25, in the rules' time zone"
)
@click.option("--until", type=options.moment, help="only who met it first before then")
@click.option(
    "--by",
    metavar=f"[{'|'.join(BY)}|...]",
    callback=_by,
    help=f"part visitors by the week they met it in, what they did before, device or campaign; or by {TOLD_HELP}",
)
@form_option()
def command(
    rules: Path,
    catalogue: Path | None,
    store: str,
    rule: str,
    goal: str | None,
    matters: float,
    since: datetime | None,
    until: datetime | None,
    by: str | None,
    form: str,
) -> None:
    """Show what visitors did after they met an experiment, or a rule with a holdout: each arm is compared with the
    first, and those who saw the rule with those who were held out. Each visitor counts once, from the moment they first
    met it, for the arm they were given then. It reads all of the log."""
    publication = good(read_rules(rules, catalogue, None))
    holdouts = publication.plan.holdouts
    zone = ZoneInfo(publication.timezone)
    start, end = options.seconds(since, zone) if since else -inf, options.seconds(until, zone) if until else inf
    results = asked(store, lambda places: counted(places.store, holdouts, start, end, by or "", publication.timezone))
    if rule in results.first and rule not in results.comparisons:
        met = iso_time(results.first[rule])
        raise EditorError(
            f"nobody met `{rule}` for the first time in that time",
            help=f"it was first met at {met}; who met it before `--since` is not counted, nor who did after `--until`",
        )
    if rule and rule not in results.comparisons:
        raise EditorError(f"no visitor in the log met `{rule}`", help=did_you_mean(rule, sorted(results.comparisons)))
    found = {name: comparison for name, comparison in results.comparisons.items() if rule in ("", name)}
    judged_by = ReportOptions(time.time(), goal, end, matters / 100, steps=bool(rule))
    if by and found:
        each = {name: of for name, of in sorted(results.parts.items()) if name in found}
        as_parts({name: parts_of(name, of, publication.rules, holdouts, judged_by) for name, of in each.items()}, form)
        return
    told = reports(found, publication.rules, holdouts, judged_by)
    as_text = _text(told, results, zone)
    click.echo(as_json([asdict(one) for one in told]) if form == "json" else "\n\n".join(as_text))


def _text(told: Sequence[RuleReport], results: Results, zone: ZoneInfo) -> Iterator[str]:
    if not told:
        when = "for the first time in that time" if results.first else "yet"
        yield f"none of the {results.visitors:,} visitors in the log met a rule {when}"
    for one in told:
        width = max(len(row.group) for row in one.rows)
        began = datetime.fromtimestamp(one.since, zone)
        lines = [f"{one.rule}, since {began:%Y-%m-%d}: {one.verdict.text}"]
        for row in one.rows:
            noun = "visitor" if row.visitors == 1 else "visitors"
            lines.append(f"  {row.group:<{width}}  {row.visitors:>9,} {noun}")
            lines += [f"  {'':<{width}}  {line}" for line in _lines(row, one)]
        yield "\n".join([*lines, *(f"  ! {note}" for note in one.notes)])


# -- in parts


def as_parts(told: Mapping[str, Sequence[Part]], form: str) -> None:
    """Prints each part of each comparison. There is no verdict of a part."""
    if form == "json":
        click.echo(as_json([one.as_json() for parts in told.values() for one in parts]))
    else:
        click.echo("\n\n".join("\n".join(_part_lines(name, parts)) for name, parts in told.items()))


def _part_lines(name: str, parts: Sequence[Part]) -> Iterator[str]:
    yield f"{name}: {parts[0].report.counted[0]}"
    for part in parts:
        yield f"  {part.part}"
        one = part.report
        width, goal = max(len(row.group) for row in one.rows), one.counted[0]
        for row in one.rows:
            lift = row.lifts.get(goal)
            compared = in_percent(lift) if lift else row.why_not_compared(goal)
            share = f"{row.did[goal]:,} of {row.visitors:,}, {row.did[goal] / row.visitors:.2%}"
            yield f"    {row.group:<{width}}  {share}  {compared}".rstrip()
        if one.verdict.word is Outcome.DISTRUST:
            yield f"    ! {one.verdict.text}"
    yield from (f"  ! {note}" for note in notes_on(parts))


def _lines(row: Row, told: RuleReport) -> Iterator[str]:
    for kind, did in row.did.items():
        lift = row.lifts.get(kind)
        compared = in_percent(lift) if lift else row.why_not_compared(kind)
        yield f"{did:>9,} {kind}, {did / row.visitors:.2%}  {compared}".rstrip()
    if row.paid_by_payer:
        lift = row.lifts.get(PAID_BY_EACH)
        compared = f"  {in_money(lift, told.cap)}" if lift else ""
        paid = f"{row.paid:>9,.2f} {told.currency}".rstrip()
        yield f"{paid} paid by each, {row.paid_by_payer:,.2f} by each who paid{compared}"
    if row.returned:
        lift = row.lifts.get(RETURNED)
        compared = f"  {in_percent(lift)}" if lift else ""
        yield f"{row.returned:>9,} of {row.ordered:,} who ordered gave back, {row.returned / row.ordered:.2%}{compared}"
    if row.buyers:
        yield f"{row.buyers:>9,} bought what they clicked in it, for {row.sold:,.2f} {told.currency}".rstrip()
