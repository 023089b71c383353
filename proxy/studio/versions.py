"""The studio's pages about versions: what is live and who made it so, what is paused, and what the draft would change;
with buttons to go back, to pause and to let go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from proxy.errors import OperatorError, RequestError
from proxy.rulebook.pauses import Pause, What
from proxy.stores.history import GOES_LIVE, Entry
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions
from proxy.studio.forms import author_of, form_of
from proxy.studio.views import Site

MOST = 100

Html = Callable[..., Response]


class EntryView(msgspec.Struct, frozen=True):
    """A line of the history. `is_live` is true of the one that made live what is live now; `goes_back` when one could
    go back to its version."""

    version: int
    when: str
    author: str
    action: str
    said: str
    is_live: bool
    goes_back: bool


class VersionsView(msgspec.Struct, frozen=True):
    """What is live, what is paused, and how it came to be, the latest first."""

    live: int
    is_published: bool
    paused: list[Pause]
    entries: list[EntryView]


def versions_view(versions: Versions, *, is_published: bool) -> VersionsView:
    """Raises `OperatorError`."""
    live, history = versions.live(), versions.history()
    made_live = max((i for i, entry in enumerate(history) if _went_live(entry) and entry.version == live), default=-1)
    entries = [_entry(entry, live, is_live=i == made_live) for i, entry in enumerate(history)]
    return VersionsView(live, is_published, sorted(versions.pauses()), entries[::-1][:MOST])


def _entry(entry: Entry, live: int, *, is_live: bool) -> EntryView:
    when = datetime.fromtimestamp(entry.at, UTC)
    goes_back = _went_live(entry) and entry.version != live
    said = entry.what or entry.message
    return EntryView(
        entry.version, f"{when.day} {when:%b %H:%M} UTC", entry.author, entry.action, said, is_live, goes_back
    )


def _went_live(entry: Entry) -> bool:
    return entry.action in GOES_LIVE


def version_routes(site: Site, html: Html) -> list[Route]:
    """`html(template, **values)` makes a page."""

    async def page(problem: str = "", status: int = 200) -> Response:
        view = await asyncio.to_thread(versions_view, site.versions, is_published=site.is_published)
        return html("versions.html", status, versions=msgspec.to_builtins(view), problem=problem)

    def act(do: Callable[[dict[str, str], str], Awaitable[None]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                await do(await form_of(request), author_of(request))
            except RequestError as error:
                return await page(str(error), error.status)
            except OperatorError as error:
                return await page(str(error), 409)
            return RedirectResponse("/versions", 303)

        return handle

    async def roll_back(fields: dict[str, str], author: str) -> None:
        number = int(fields.get("number", "")) if fields.get("number", "").isdecimal() else 0
        loaded = await site.draft(str(number))
        if loaded.publication is None:
            raise OperatorError(
                f"version {number} has mistakes by now", help=f"`tailorbird diff live {number}` tells them"
            )
        saved = None if site.is_published else await asyncio.to_thread(read_folder, site.versions.rules)
        await asyncio.to_thread(
            lambda: site.versions.roll_back(number, author=author, message="", now=site.now(), saved=saved)
        )

    async def pause(fields: dict[str, str], author: str) -> None:
        await asyncio.to_thread(site.versions.pause, [_pause(fields)], author=author, now=site.now())

    async def resume(fields: dict[str, str], author: str) -> None:
        await asyncio.to_thread(site.versions.resume, [_pause(fields)], author=author, now=site.now())

    async def history(request: Request) -> Response:
        entries = await asyncio.to_thread(site.versions.history)
        return Response(msgspec.json.encode(entries), media_type="application/json")

    async def versions(request: Request) -> Response:
        return await page()

    async def plan(request: Request) -> Response:
        return html("plan.html", text=await site.plan())

    return [
        Route("/versions", versions),
        Route("/versions/live", act(roll_back), methods=["POST"]),
        Route("/plan", plan),
        Route("/pause", act(pause), methods=["POST"]),
        Route("/resume", act(resume), methods=["POST"]),
        Route("/api/history", history),
    ]


def _pause(fields: dict[str, str]) -> Pause:
    what, name = fields.get("what", ""), fields.get("name", "")
    if what not in set(What) or bool(name) == (what == What.EVERYTHING):
        raise RequestError("say what to pause: a rule, a slot or everything")
    return Pause(What(what), name)
