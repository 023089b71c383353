"""The studio's pages of versions: what is live and who published it, what is paused, and what the draft would change;
with buttons to publish, approve, roll back, pause and resume."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from proxy.errors import OperatorError, RequestError
from proxy.rulebook.pauses import Pause, What
from proxy.stores.history import GOES_LIVE, Action, Entry, made_live
from proxy.stores.versions import Versions
from proxy.studio.forms import author_of, form_of
from proxy.studio.views import Site, problems_view

MOST = 100

Html = Callable[..., Response]
Do = Callable[[dict[str, str], str], Awaitable[None]]
Page = Callable[..., Awaitable[Response]]
Handle = Callable[[Request], Awaitable[Response]]


class EntryView(msgspec.Struct, frozen=True):
    """A line of the history. `is_live`: it made the live version live; `goes_back`: one can roll back to its version;
    `waits`: it waits for approval by somebody else."""

    version: int
    when: str
    author: str
    action: str
    said: str
    is_live: bool
    goes_back: bool
    waits: bool


class VersionsView(msgspec.Struct, frozen=True):
    """What is live, what is paused, and the history, the latest first."""

    live: int
    is_published: bool
    paused: list[Pause]
    entries: list[EntryView]


def versions_view(versions: Versions, *, is_published: bool) -> VersionsView:
    """Raises `OperatorError`."""
    live, history = versions.live(), versions.history()
    newest = made_live(history, live)
    entries = [
        _entry(entry, live, is_live=i == newest, waits=i > newest and entry.action is Action.REQUESTED)
        for i, entry in enumerate(history)
    ]
    return VersionsView(live, is_published, sorted(versions.pauses()), entries[::-1][:MOST])


def _entry(entry: Entry, live: int, *, is_live: bool, waits: bool) -> EntryView:
    when = datetime.fromtimestamp(entry.at, UTC)
    goes_back = entry.action in GOES_LIVE and entry.version != live
    said = entry.what or entry.message
    return EntryView(
        entry.version, f"{when.day} {when:%b %H:%M} UTC", entry.author, entry.action, said, is_live, goes_back, waits
    )


def version_routes(site: Site, html: Html) -> list[Route]:
    """`html(template, **values)` makes a page."""

    async def versions(problem: str = "", status: int = 200, **_: str) -> Response:
        view = await asyncio.to_thread(versions_view, site.versions, is_published=site.is_published)
        return html("versions.html", status, versions=msgspec.to_builtins(view), problem=problem)

    async def plan(problem: str = "", status: int = 200, *, message: str = "") -> Response:
        outlook = await site.plan()
        problems = msgspec.to_builtins(problems_view(outlook.findings))
        shown = asdict(replace(outlook, findings=()))
        return html("plan.html", status, plan=shown, problems=problems, problem=problem, message=message)

    async def publish(fields: dict[str, str], author: str) -> None:
        message = fields.get("message", "").strip()
        if not message:
            raise RequestError("say what this changes, for the history")
        await site.publish(author, message, fields.get("compared", ""))

    async def approve(fields: dict[str, str], author: str) -> None:
        await site.approve(_number(fields), author)

    async def roll_back(fields: dict[str, str], author: str) -> None:
        await site.roll_back(_number(fields), author)

    async def pause(fields: dict[str, str], author: str) -> None:
        await asyncio.to_thread(site.versions.pause, [_pause(fields)], author=author, now=site.now())

    async def resume(fields: dict[str, str], author: str) -> None:
        await asyncio.to_thread(site.versions.resume, [_pause(fields)], author=author, now=site.now())

    async def history(request: Request) -> Response:
        entries = await asyncio.to_thread(site.versions.history)
        return Response(msgspec.json.encode(entries), media_type="application/json")

    return [
        Route("/versions", _shown(versions)),
        Route("/versions/live", _button(roll_back, versions), methods=["POST"]),
        Route("/versions/approved", _button(approve, versions), methods=["POST"]),
        Route("/plan", _shown(plan)),
        Route("/plan", _button(publish, plan), methods=["POST"]),
        Route("/pause", _button(pause, versions), methods=["POST"]),
        Route("/resume", _button(resume, versions), methods=["POST"]),
        Route("/api/history", history),
    ]


def _shown(page: Page) -> Handle:
    async def handle(request: Request) -> Response:
        return await page()

    return handle


def _button(do: Do, page: Page) -> Handle:
    """The route of a button. Done, it redirects to the list of rules if it is there, to its row if it stands in one, or
    else to the versions; an error is shown on its page, with the message that was written."""

    async def handle(request: Request) -> Response:
        fields: dict[str, str] = {}
        try:
            fields = await form_of(request)
            await do(fields, author_of(request))
        except (RequestError, OperatorError) as error:
            status = error.status if isinstance(error, RequestError) else 409
            return await page(error.in_sentences, status, message=fields.get("message", ""))
        before = urlsplit(request.headers.get("referer", ""))
        row = f"#rule-{row}" if (row := fields.get("row", "")).isdecimal() else ""
        return RedirectResponse(f"/?{before.query}".rstrip("?") + row if before.path == "/" else "/versions", 303)

    return handle


def _number(fields: dict[str, str]) -> int:
    said = fields.get("number", "")
    return int(said) if said.isdecimal() and len(said) < 10 else 0


def _pause(fields: dict[str, str]) -> Pause:
    what, name = fields.get("what", ""), fields.get("name", "")
    if what not in set(What) or bool(name) == (what == What.EVERYTHING):
        raise RequestError("say what to pause: a rule, a slot or everything")
    return Pause(What(what), name)
