"""The studio's page *Why?*: what a visitor sees on a page and why, and links that preview it on the real site."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.conditions.amounts import amount
from proxy.conditions.corrections import better_amount, better_value
from proxy.conditions.phrase import Kind, Phrase
from proxy.conditions.vocabulary import COUNTRIES, PHRASES
from proxy.decide.rule_facts import moment
from proxy.decide.why import MARKS, Verdict
from proxy.diagnostics import nearest
from proxy.errors import OperatorError, RequestError, StoreError
from proxy.model import AttributeValue, View
from proxy.page.slots import INTERNAL
from proxy.rulebook.compile import Publication
from proxy.rulebook.pauses import paused, pauses_in
from proxy.stores.history import GOES_LIVE, as_it_was
from proxy.stores.ruledir import read_folder
from proxy.studio.roles import ROLE, Role
from proxy.studio.rule_list import opened
from proxy.studio.versions import Html
from proxy.studio.views import Site
from proxy.visitors.context import languages_of
from proxy.visitors.inputs import Inputs
from proxy.visitors.persona import ACTION_WORDS, Persona, did_of, moment_of, must_be_segments, must_be_sold
from proxy.visitors.preview import LONGEST_SECONDS, Preview, Tokens

DRAFT = "draft"
DEEPEST = 4
MOST_NAMED = 8
_A_NUMBER = Phrase("", "", Kind.NUMBER, "")
NUMBERS = {phrase.key for phrase in PHRASES if phrase.kind is Kind.NUMBER}
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}
FIELDS = ("url", "visitor", "country", "language", "device", "at", "as", "state", "facts")


PLACED = re.compile(r"(?P<text>.*  priority \S+)  (?P<where>(?P<file>.+):(?P<line>\d+))")
"""The line of a rule, and where it stands in the files."""
MOST_VERSIONS = 20
MOST_SEEN = 50


class LineView(msgspec.Struct, frozen=True):
    """A line of a story, and how deep it stands in it, up to `DEEPEST`. That of a rule tells `where` it stands: its
    `line` of its `file`, which is "" when the studio cannot open it."""

    text: str
    depth: int
    is_heading: bool
    where: str = ""
    file: str = ""
    line: int = 0


def looking_routes(site: Site, html: Html, tokens: Tokens | None) -> list[Route]:
    """`html(template, **values)` makes a page. Without `tokens` it makes no links."""

    async def page(request: Request) -> Response:
        asked = {field: request.query_params.get(field, "").strip() for field in FIELDS}
        asked["url"] = asked["url"] or "/"
        segments = _listed(request.query_params.getlist("segment"))
        story = link = wrong = state = ""
        is_past, publication = False, site.publication
        try:
            _must_be_allowed(asked)
            publication, state = await _rules_of(site, asked)
            persona = _persona(asked, segments, publication)
            is_past = 0 < persona.at < site.now()
            if "preview" in request.query_params:
                link = _link(asked["url"], state, persona, tokens, site.now())
            story = await site.why(asked["url"], persona, publication)
        except (RequestError, OperatorError) as error:
            wrong = error.in_sentences
        told, seen = story_view(story), await _seen(site, asked["visitor"])
        return html(
            "why.html",
            is_draft=site.is_published,
            may_preview=tokens is not None,
            must_say_where=tokens is not None and not tokens.shop_url,
            asked=asked,
            segments=segments,
            cases=[case.name for case in publication.cases] if publication else [],
            story=msgspec.to_builtins(told),
            shown=msgspec.to_builtins(shown_view(told)),
            link=link,
            wrong=wrong,
            seen=seen or [],
            is_searched=seen is not None,
            is_past=is_past,
            version=state if state != DRAFT else "",
            versions=await asyncio.to_thread(_versions, site),
        )

    return [Route("/why", page)]


async def _seen(site: Site, visitor: str) -> object:
    """What was recorded of a visitor, for who may export it, too; None where nobody looked."""
    if not visitor or site.publication is None or ROLE.get() is not Role.OWNER:
        return None
    try:
        views = (await site.seen(visitor))[:MOST_SEEN]
    except StoreError:
        return None
    return msgspec.to_builtins([seen_view(view, site.publication.timezone) for view in views])


def _must_be_allowed(asked: Mapping[str, str]) -> None:
    """Raises `RequestError` for a visitor's id and rules that were never live from anybody but the owner: who writes a
    draft chooses what it asks of the visitor, and would be told all that is stored."""
    if asked["visitor"] and asked["state"] and ROLE.get() is not Role.OWNER:
        help = "ask by the rules that are live, or say what the visitor is like, as by one of the tests"
        raise RequestError("with this token no draft or version is asked about a visitor's own data", help=help)


async def _rules_of(site: Site, asked: Mapping[str, str]) -> tuple[Publication, str]:
    """The rules that the form asks for: of a past moment those that were live then; and their name among
    previews: `draft`, the number of a version, "" for what is live. Raises `RequestError` and `OperatorError`."""
    versions = site.versions
    if asked["state"] == DRAFT:
        files = await asyncio.to_thread(read_folder, versions.rules)
        return await _loaded(site, files, "the draft has mistakes"), DRAFT
    if site.publication is None:
        raise RequestError("no rules are being served")
    if asked["state"].isdecimal():
        number = int(asked["state"][:9])
        return await _loaded(site, await asyncio.to_thread(versions.files_now, number)), str(number)
    at = moment_of(asked["at"], site.publication) if asked["at"] else site.now()
    number, what = as_it_was(await asyncio.to_thread(versions.history), at)
    off = pauses_in("\n".join(what))
    if at >= site.now() or not number or (number, off) == (versions.live(), versions.pauses()):
        return site.publication, ""
    return paused(await _loaded(site, await asyncio.to_thread(versions.files_now, number)), off), str(number)


async def _loaded(site: Site, files: dict[str, bytes], what: str = "these rules have mistakes") -> Publication:
    publication = (await site.load(files)).publication
    if publication is None:
        raise RequestError(what, help="open their file: it tells each, and how to mend it")
    return publication


class SeenView(msgspec.Struct, frozen=True):
    """A recorded view: what each slot showed, "" for the page's own, and the form that explains it."""

    when: str
    page: str
    shown: dict[str, str]
    asked: str


def seen_view(view: View, timezone: str) -> SeenView:
    """The view on the clocks of this time zone, without what is ours."""
    at = datetime.fromtimestamp(view.at, ZoneInfo(timezone))
    page = str(view.attributes.get("page", "/"))
    asked = {"url": page, "visitor": view.visitor, "at": f"{at:%Y-%m-%dT%H:%M:%S}"}
    asked |= {name: str(value) for name in ("country", "device") if (value := view.attributes.get(name))}
    shown = {slot: rule for slot, rule in view.shown.items() if not slot.startswith(INTERNAL)}
    return SeenView(f"{at.day} {at:%b %H:%M:%S}", page, shown, urlencode(asked))


class ShownView(msgspec.Struct, frozen=True):
    """What a slot shows: a rule, or "the page's own default"; `place` is that of its heading among those of the page,
    from 1."""

    slot: str
    rule: str
    place: int


def shown_view(lines: Sequence[LineView]) -> list[ShownView]:
    """What each slot of a story shows."""
    shown: list[ShownView] = []
    slot, place = "", 0
    for line in lines:
        if line.is_heading:
            slot, place = line.text.partition(" on ")[0], place + 1
        elif line.text.startswith(MARKS[Verdict.SHOWN]) and not line.depth:
            said = line.text.removeprefix(MARKS[Verdict.SHOWN]).rpartition("  priority ")
            shown.append(ShownView(slot, (said[0] or said[2]).strip(), place))
    return shown


def story_view(story: str) -> list[LineView]:
    """The lines of a story, as the command prints it: the first of each slot is its heading."""
    lines, is_first = [], True
    for line in story.splitlines():
        if line.strip():
            inner = line.lstrip(" ")
            depth, placed = min(DEEPEST, (len(line) - len(inner) + 4) // 5), PLACED.fullmatch(line)
            if placed and not is_first:
                lines.append(
                    LineView(placed["text"], depth, False, placed["where"], opened(placed["file"]), int(placed["line"]))
                )
            else:
                lines.append(LineView(inner, depth, is_first))
        is_first = not line.strip()
    return lines


def _versions(site: Site) -> list[list[str]]:
    """The latest versions that went live, each as its number and a line about it."""
    told = {entry.version: entry for entry in site.versions.history() if entry.action in GOES_LIVE}
    return [
        [str(number), f"version {number}: {moment(told[number].at, 'UTC')} UTC {told[number].message}".strip()]
        for number in sorted(told, reverse=True)[:MOST_VERSIONS]
    ]


def _persona(asked: Mapping[str, str], segments: Sequence[str], publication: Publication) -> Persona:
    """Who is asked about. Raises `RequestError` for a name that would make no difference."""
    must_be_segments(segments, publication)
    country = asked["country"].upper()
    if country and country not in COUNTRIES:
        help = better_value(asked["country"], "write them like NO", COUNTRIES.__contains__, COUNTRIES)
        raise RequestError(f"`{asked['country']}` is not the two letters of a country", help=help)
    languages = languages_of(asked["language"].encode())
    said: dict[str, AttributeValue | None] = {"country": country, "device": asked["device"], "language": languages}
    at = moment_of(asked["at"], publication) if asked["at"] else 0.0
    facts = _said(asked["facts"])
    did = did_of(facts)
    must_be_sold(did, {product.id: product for product in publication.catalogue} if did else {})
    known_of = {name: value for name, value in said.items() if value} | _facts(facts, publication)
    return Persona(asked["visitor"], tuple(segments), at, known_of, asked["as"], did=did)


def _said(text: str) -> dict[str, str]:
    """`orders: 3; location: Utrecht` by name. Raises `RequestError`."""
    facts: dict[str, str] = {}
    for line in filter(str.strip, text.split(";")):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not value:
            raise RequestError(
                f"`{line.strip()}` is not `word: value`", help="write it like orders: 3; cart: SKU-1042, BUN-4"
            )
        facts[name] = value
    return facts


def _facts(said: Mapping[str, str], publication: Publication) -> dict[str, AttributeValue]:
    """The attributes among them. Raises `RequestError`."""
    asked_for = Inputs.of(publication, tuple(publication.plan.slots)).attributes
    facts: dict[str, AttributeValue] = {}
    for name, value in said.items():
        if name in ACTION_WORDS:
            continue
        if name not in asked_for:
            close = nearest(name, [*asked_for, *ACTION_WORDS])
            asked = "rules ask for: " + ", ".join(sorted(asked_for)[:MOST_NAMED])
            raise RequestError(f"no rule asks for `{name}`", help=f'did you mean "{close}"?' if close else asked)
        number = amount(_A_NUMBER, value)
        if name in NUMBERS and (not number or number.low != number.high):
            help = better_amount(value, "write it like 3", lambda text: amount(_A_NUMBER, text) is not None)
            raise RequestError(f"`{value}` is not a number, and `{name}` is one", help=help)
        facts[name] = number.low if number and number.low == number.high else _TRUTHS.get(value.casefold(), value)
    return facts


def _link(url: str, state: str, persona: Persona, tokens: Tokens | None, now: float) -> str:
    """The address of the preview. Raises `RequestError`."""
    if tokens is None:
        raise RequestError("no links are made here")
    return tokens.link(url, Preview(int(now) + LONGEST_SECONDS, state, persona))


def _listed(said: list[str]) -> list[str]:
    return [name.strip() for name in ",".join(said).split(",") if name.strip()]
