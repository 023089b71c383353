"""The studio's page of segments: the size of each, what distinguishes it and its overlaps; and how many visitors match
a condition while it is typed."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.audience.segments import Size
from proxy.audience.survey import ConditionSize, SegmentSurvey, SurveyedSegment
from proxy.diagnostics import Finding, many
from proxy.studio.forms import body_of
from proxy.studio.rule_list import opened
from proxy.studio.versions import Html
from proxy.studio.views import Site

MAX_BYTES = 8_192
SIZE_PATH = "/api/segments/size"


class GroupView(msgspec.Struct, frozen=True):
    """A segment as the page shows it. `share` and its bounds are in percent, `apart` is in words. `where` is its `line`
    of its `file`, which is "" when the studio cannot open it."""

    name: str
    description: str
    where: str
    file: str
    line: str
    members: int
    share: str
    between: str
    width: int
    apart: list[str]


class GroupsView(msgspec.Struct, frozen=True):
    """All segments; `of` says which visitors were counted, `overlaps` lists segments that share members, `stages` how
    many are in each stage of the journey."""

    of: str
    segments: list[GroupView]
    overlaps: list[str]
    stages: list[str]


class ProblemView(msgspec.Struct, frozen=True):
    """A problem of a condition, and how to mend it."""

    line: int
    what: str
    help: str


class TypedView(msgspec.Struct, frozen=True):
    """How many visitors match a condition, in words; with its problems and warnings."""

    said: str
    width: int
    problems: list[ProblemView]


def groups_view(groups: SegmentSurvey) -> GroupsView:
    """The page's content."""
    overlaps = [f"{one.part:.0%} of {one.one} and {one.other} together are in both" for one in groups.overlaps]
    stages = [_stage(size) for size in groups.stages]
    return GroupsView(_of(groups.visitors, groups.sampled), [_group(one) for one in groups.segments], overlaps, stages)


def typed_view(typed: ConditionSize) -> TypedView:
    """What the page shows about a condition."""
    problems = [_problem(finding) for finding in typed.problems]
    if typed.size is None:
        return TypedView("", 0, problems)
    size = typed.size
    said = f"{_about(typed.visitors, typed.sampled)}{many(size.members, 'visitor')}, {size.share:.1%}"
    between = _between(size.low, size.high)
    return TypedView(f"{said} ({between})" if between else said, round(100 * size.share), problems)


def segment_routes(site: Site, html: Html) -> list[Route]:
    """`html(template, **values)` makes a page."""

    async def page(request: Request) -> Response:
        return html("segments.html", groups=msgspec.to_builtins(groups_view(await site.groups())))

    async def size(request: Request) -> Response:
        typed = await site.typed((await body_of(request, MAX_BYTES)).decode("utf-8", "replace"))
        return Response(msgspec.json.encode(typed_view(typed)), media_type="application/json")

    return [Route("/segments", page), Route(SIZE_PATH, size, methods=["POST"])]


def _stage(size: Size) -> str:
    between = _between(size.low, size.high)
    return f"{size.name}: {many(size.members, 'visitor')}, {size.share:.1%}" + (f" ({between})" if between else "")


def _of(visitors: int, looked_at: int) -> str:
    if not looked_at:
        return "Nobody is known yet."
    return f"Of {many(visitors, 'visitor')}" + (
        "" if looked_at == visitors else f", from {looked_at:,} drawn at random"
    )


def _about(visitors: int, looked_at: int) -> str:
    return "" if looked_at == visitors else "about "


def _between(low: float, high: float) -> str:
    return f"between {low:.1%} and {high:.1%}" if low < high else ""


def _group(group: SurveyedSegment) -> GroupView:
    size = group.size
    file, _, line = group.where.rpartition(":")
    apart = [f"{one.feature}, {one.lift:.1f} times as often" for one in group.drivers]
    return GroupView(
        size.name,
        group.description,
        group.where,
        opened(file),
        line,
        size.members,
        f"{size.share:.1%}",
        _between(size.low, size.high),
        round(100 * size.share),
        apart,
    )


def _problem(finding: Finding) -> ProblemView:
    return ProblemView(finding.place.line, finding.what, str(finding.help))
