"""The studio's page of results, and its table as CSV and JSON: the same as `tailorbird results`. Counting is done
elsewhere (`serve/results.py`) and may take long: the page shows the last finished count, and its age."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.audience.compared_groups import PAID_BY_EACH, RETURNED, Row
from proxy.audience.lifts import Lift, in_money, in_percent
from proxy.audience.parts import BY, TOLD_HELP, Part, is_by, notes_on, parts_of
from proxy.audience.report import RuleReport, reports
from proxy.audience.results import GOALS
from proxy.audience.stored_results import ResultsStatus, StoredResults
from proxy.audience.verdicts import Outcome, ReportOptions
from proxy.diagnostics import many
from proxy.errors import RequestError
from proxy.rulebook.compile import Publication
from proxy.studio.results_table import Told, as_csv, as_json
from proxy.studio.rule_list import page_of
from proxy.studio.versions import Html
from proxy.studio.views import Site

PERIODS = {0: "all time", 7: "the last 7 days", 14: "the last 14 days", 30: "the last 30 days", 90: "the last 90 days"}
MATTERS = (1, 2, 5, 10)
PAGE_PATIENCE_SECONDS, PROGRAM_PATIENCE_SECONDS = 1.5, 60.0
MOST = 200
WIDEST, NARROWEST = 1.0, 0.1
"""Intervals are drawn from -100 % to 100 % at most, and from -10 % to 10 % at least."""
COLOURS = {Outcome.BETTER: "live", Outcome.WORSE: "over", Outcome.DISTRUST: "over"}


class Query(NamedTuple):
    """The selection: who met a choice first in the last so many `days`, 0 for all; the goal, "" for the rule's own; the
    difference that matters, in percent; one rule, "" for all; and what visitors are parted `by`, "" for nothing."""

    days: int = 0
    goal: str = ""
    matters: int = 5
    rule: str = ""
    by: str = ""


class BarView(msgspec.Struct, frozen=True):
    """An interval as it is drawn, in hundredths of the width: its start, its width, and the position of the
    difference."""

    low: float
    width: float
    middle: float


class CellView(msgspec.Struct, frozen=True):
    """What a group did, in words, and its comparison with the first group."""

    what: str
    reached: str
    lift: str = ""
    bar: BarView | None = None


class RowView(msgspec.Struct, frozen=True):
    """A group: everything counted of it, the goal first."""

    group: str
    visitors: str
    cells: list[CellView]
    verdict: str


class PartView(msgspec.Struct, frozen=True):
    """A part of the visitors: its groups, of each what was hoped for; and why not to trust it, if so."""

    name: str
    distrust: str
    rows: list[RowView]


class ComparisonView(msgspec.Struct, frozen=True):
    """A rule or experiment. `place` is its position in the list of rules, or 0."""

    name: str
    place: int
    since: str
    verdict: str
    colour: str
    rows: list[RowView]
    notes: list[str]
    parts: list[PartView]


class ResultsView(msgspec.Struct, frozen=True):
    """The page. `compared` have a group to compare with, `alone` have none; for those `left_out` there was no room.
    `scale` is the range of the bars, in percent; `age` is how old the count is; days are those of `timezone`."""

    age: str
    timezone: str
    visitors: str
    scale: int
    compared: list[ComparisonView]
    alone: list[ComparisonView]
    left_out: int


def query_of(said: QueryParams) -> Query:
    """The selection in a request. Raises `RequestError` for one that the page does not offer."""
    days, matters, goal = said.get("days", "0"), said.get("matters", "5"), said.get("goal", "")
    by = said.get("by", "")
    is_goal = goal in ("", *GOALS)
    if days not in map(str, PERIODS) or matters not in map(str, MATTERS) or not is_goal or (by and not is_by(by)):
        raise RequestError(
            "there are no results by this",
            help=f"days: {_or(PERIODS)}; matters, in percent: {_or(MATTERS)}; goal: {_or(GOALS)}; by: {_or(BY)}, "
            + TOLD_HELP,
        )
    return Query(int(days), goal, int(matters), said.get("rule", ""), by)


def _or(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def told_of(kept: StoredResults, publication: Publication, query: Query, now: float) -> list[Told]:
    """The results to show, those met by most visitors first."""
    asked = ReportOptions(now, query.goal or None, relevant_lift=query.matters / 100, steps=bool(query.rule))
    known = publication.rules, publication.plan.holdouts
    told = reports(kept.results.comparisons(query.rule), *known, asked)
    told.sort(key=lambda one: (-sum(row.visitors for row in one.rows), one.rule))
    return [Told(one, parts_of(one.rule, kept.results.parts_of(one.rule), *known, asked)) for one in told]


def results_view(
    kept: StoredResults, told: Sequence[Told], places: Mapping[str, int], now: float, timezone: str
) -> ResultsView:
    """The page's content; `places` are the positions of rules in the list of rules, days are those of `timezone`."""
    reach = max((abs(end) for one in told for lift in _goals(one) for end in (lift.low, lift.high)), default=0.0)
    scale = min(WIDEST, max(NARROWEST, reach))
    shown = [_comparison(one, places.get(one.report.rule, 0), scale, timezone) for one in told[:MOST]]
    alone = {one.report.rule for one in told if one.report.verdict.word is Outcome.ALONE}
    return ResultsView(
        _age(now - kept.at),
        timezone,
        many(kept.results.visitors, "visitor"),
        round(100 * scale),
        [one for one in shown if one.name not in alone],
        [one for one in shown if one.name in alone],
        max(0, len(told) - MOST),
    )


def _goals(told: Told) -> Iterator[Lift]:
    for one in (told.report, *(part.report for part in told.parts)):
        for row in one.rows:
            if lift := row.lifts.get(one.counted[0]):
                yield lift


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{many(max(0, int(seconds)), 'second')} ago"
    return f"{int(seconds / 60)} minutes ago"


def _comparison(one: Told, place: int, scale: float, timezone: str) -> ComparisonView:
    told = one.report
    when = datetime.fromtimestamp(told.since, ZoneInfo(timezone))
    colour = COLOURS.get(told.verdict.word, "")
    since = f"{when.day} {when:%B %Y}"
    notes = [*told.notes, *notes_on(one.parts)]
    rows, parts = [_row(row, told, scale) for row in told.rows], [_part(part, scale) for part in one.parts]
    return ComparisonView(told.rule, place, since, told.verdict.text, colour, rows, notes, parts)


def _part(part: Part, scale: float) -> PartView:
    one, goal = part.report, part.report.counted[0]
    rows = [RowView(row.group, f"{row.visitors:,}", [_cell(goal, row.did[goal], row, scale)], "") for row in one.rows]
    return PartView(part.part, one.verdict.text if one.verdict.word is Outcome.DISTRUST else "", rows)


def _row(row: Row, told: RuleReport, scale: float) -> RowView:
    cells = [_cell(kind, did, row, scale) for kind, did in row.did.items()]
    if row.paid_by_payer:
        lift = row.lifts.get(PAID_BY_EACH)
        money = f"{row.paid:,.2f} {told.currency}".rstrip()
        reached = f"{money} paid by each, {row.paid_by_payer:,.2f} by each who paid"
        base = told.rows[0].paid
        bar = _bar(lift, scale * base) if lift and base > 0 else None  # as parts of what the first group paid
        cells.append(CellView("", reached, in_money(lift, told.cap) if lift else "", bar))
    if row.returned:
        reached = f"{row.returned:,} of {row.ordered:,}, {row.returned / row.ordered:.2%}"
        cells.append(_compared("who ordered gave back", reached, row.lifts.get(RETURNED), scale))
    if row.buyers:
        reached = f"{row.buyers:,}, for {row.sold:,.2f} {told.currency}".rstrip()
        cells.append(CellView("bought what they clicked in it", reached))
    is_told = row.verdict and sum(bool(one.verdict) for one in told.rows) > 1
    return RowView(row.group, f"{row.visitors:,}", cells, row.verdict.text if row.verdict and is_told else "")


def _cell(kind: str, did: int, row: Row, scale: float) -> CellView:
    reached = f"{did:,}, {did / row.visitors:.2%}"
    return _compared(kind, reached, row.lifts.get(kind), scale, row.why_not_compared(kind))


def _compared(what: str, reached: str, lift: Lift | None, scale: float, why_not: str = "") -> CellView:
    return CellView(what, reached, in_percent(lift), _bar(lift, scale)) if lift else CellView(what, reached, why_not)


def _bar(lift: Lift, scale: float) -> BarView:
    """The interval as it is drawn, with these ends of the scale (in percent)."""
    low, middle, high = (50 + 50 * max(-1.0, min(1.0, end / scale)) for end in (lift.low, lift.value, lift.high))
    return BarView(round(low, 1), round(high - low, 1), round(middle, 1))


def results_routes(site: Site, html: Html) -> list[Route]:
    """`html(template, **values)` makes a page."""

    def timezone() -> str:
        return site.publication.timezone if site.publication else "UTC"

    async def told(query: Query, looked: ResultsStatus) -> list[Told]:
        """Runs in a thread: thousands of rules take half a second."""
        if site.publication is None or looked.stored is None:
            return []
        return await asyncio.to_thread(told_of, looked.stored, site.publication, query, site.now())

    async def page(request: Request) -> Response:
        query = query_of(request.query_params)
        looked = await site.results(query.days, query.by, PAGE_PATIENCE_SECONDS)
        rules = site.publication.rules if site.publication else ()
        places = {rule.name: place for place, rule in enumerate(rules, start=1)}
        zones = {rule.name: rule.timezone for rule in rules}
        found = await told(query, looked)
        return html(
            "results.html",
            results=msgspec.to_builtins(results_view(looked.stored, found, places, site.now(), timezone()))
            if looked.stored
            else None,
            is_counting=looked.is_counting,
            problem=looked.problem,
            query=query._asdict(),
            zone=zones.get(query.rule, ""),
            zones=len(set(zones.values())),
            place=places.get(query.rule, 0),
            page=page_of(places.get(query.rule, 1)),
            periods=[[str(days), text] for days, text in PERIODS.items()],
            matters=list(MATTERS),
            goals=list(GOALS),
            by=list(dict.fromkeys((*BY, *filter(None, (query.by,))))),
            asked=str(request.url.query),
        )

    async def counted(request: Request) -> list[Told]:
        query = query_of(request.query_params)
        looked = await site.results(query.days, query.by, PROGRAM_PATIENCE_SECONDS)
        if looked.stored is None:
            why = looked.problem or ("they are being counted" if looked.is_counting else "no rules are being served")
            raise RequestError(f"there are no results yet: {why}", help="ask again a little later", status=503)
        return await told(query, looked)

    async def table(request: Request) -> Response:
        named = {"content-disposition": 'attachment; filename="results.csv"'}
        return Response(
            await asyncio.to_thread(as_csv, await counted(request), timezone()),
            headers=named,
            media_type="text/csv; charset=utf-8",
        )

    async def api(request: Request) -> Response:
        return Response(msgspec.json.encode(as_json(await counted(request))), media_type="application/json")

    return [Route("/results", page), Route("/results.csv", table), Route("/api/results", api)]
