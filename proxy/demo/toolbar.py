"""The demo's toolbar: turns you into one of the seeded visitors, and asks "Why?". In the demo only.

It is shown the way everything is shown: a slot is declared at the end of each page's body, and rules fill it, one for
each visitor, so that it knows whom to mark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from proxy.decide.plan import compile_plan
from proxy.demo.visitors import BY_NAME, VISITORS, DemoVisitor
from proxy.http.message import Handler, Request, Response
from proxy.model import EVERYBODY, Condition, Fact, OneOf, Rule
from proxy.page.fragments import Fragment, trusted_html
from proxy.page.slots import INTERNAL, DeclaredSlot
from proxy.rulebook.compile import Publication
from proxy.visitors.context import device_of, languages_of
from proxy.visitors.visitor import Cookies

SLOT = f"{INTERNAL}toolbar"
STYLESHEET = (Path(__file__).parent / "static" / "toolbar.css").read_bytes()
PRIVATE = (b"cache-control", b"no-store")


def with_toolbar(publication: Publication) -> Publication:
    """The publication, with the toolbar's slot declared and the rules that fill it."""
    bars: list[tuple[DemoVisitor | None, Condition]] = [
        (visitor, Fact("first name", OneOf(frozenset({visitor.name})))) for visitor in VISITORS
    ]
    bars.append((None, EVERYBODY))
    rules = [
        Rule(name, SLOT, condition, variant=name, order=len(publication.rules) + number)
        for number, (visitor, condition) in enumerate(bars)
        for name in [f"Demo toolbar for {visitor.name if visitor else 'strangers'}"]
    ]
    old = publication.plan
    holdouts = [replace(holdout, slots=holdout.slots or old.slots) for holdout in old.holdouts]  # all but the toolbar's
    plan = compile_plan([*old.rules, *rules], old.segments, holdouts, version=old.version)
    fragments = {rule.variant: bar(visitor) for rule, (visitor, _) in zip(rules, bars, strict=True)}
    return replace(
        publication,
        plan=replace(plan, journey=old.journey, inputs={**plan.inputs, **old.inputs}),
        fragments={**publication.fragments, **fragments},
        declared=(*publication.declared, DeclaredSlot(SLOT, selector="body", place="end")),
    )


def bar(current: DemoVisitor | None) -> Fragment:
    """The toolbar with that visitor marked, and the module that tells what they put into their cart."""
    mark = ' aria-current="true"'
    people = "".join(
        f'<li><a href="/_tb/demo/as/{visitor.name}" title="{escape(visitor.says)}"{mark if visitor is current else ""}>'
        f"{visitor.name.title()}</a></li>"
        for visitor in VISITORS
    )
    return trusted_html(
        '<link rel="stylesheet" href="/_tb/demo/toolbar.css">'
        '<nav class="tailorbird-demo" aria-label="Tailorbird demo"><span>You are</span>'
        f'<ul>{people}<li><a href="/_tb/demo/as/nobody"{"" if current else mark}>nobody</a></li></ul>'
        '<a class="tailorbird-demo-why" href="/_tb/demo/why" target="_blank">Why?</a></nav>'
        '<script src="/_tb/t.js" defer></script>'
    )


def routes(cookies: Cookies, studio_url: str, clock: Callable[[], float]) -> Mapping[str, Handler]:
    """What the toolbar needs under `/_tb/demo/`."""

    async def become(request: Request) -> Response:
        name = request.path.rsplit(b"/", 1)[-1].decode("ascii", "replace")
        visitor = BY_NAME.get(name)
        if visitor is None and name != "nobody":
            return Response(404, (PRIVATE, (b"content-type", b"text/plain")), [b"nobody of that name\n"])
        fields = [(b"set-cookie", cookie) for cookie in cookies_of(visitor, cookies, clock())]
        return Response(303, (*fields, PRIVATE, (b"location", page_before(request)), (b"content-length", b"0")))

    async def why(request: Request) -> Response:
        visitor = cookies.read(request.get_list(b"cookie"), clock())
        agent, hint = (request.get(name) or b"" for name in (b"user-agent", b"sec-ch-ua-mobile"))
        asked = {
            "url": page_before(request).decode("latin-1"),
            "visitor": visitor.id,
            "segment": sorted(visitor.segments),
            "language": max(languages_of(request.get(b"accept-language") or b"") or [""], key=len),
            "device": device_of(agent, hint) or "",
        }
        target = f"{studio_url}/why?{urlencode(asked, doseq=True, safe='/')}"
        return Response(303, (PRIVATE, (b"location", target.encode()), (b"content-length", b"0")))

    async def stylesheet(request: Request) -> Response:
        fields = ((b"content-type", b"text/css"), (b"cache-control", b"max-age=3600"))
        return Response(200, (*fields, (b"content-length", b"%d" % len(STYLESHEET))), [STYLESHEET])

    return {"/_tb/demo/as/": become, "/_tb/demo/why": why, "/_tb/demo/toolbar.css": stylesheet}


def cookies_of(visitor: DemoVisitor | None, cookies: Cookies, now: float) -> list[bytes]:
    """What makes a browser that visitor; for None, nobody again. All but Dan were first seen a month ago."""
    if visitor is None:
        gone = b"=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        return [cookies.visitor_name + gone, cookies.segments_name + gone]
    first_seen_at = now if visitor.name == "dan" else now - 30 * 86_400
    return [
        cookies.visitor_cookie(visitor.id, first_seen_at),
        cookies.segment_cookie(visitor.id, visitor.segments, now),
    ]


def page_before(request: Request) -> bytes:
    """The page of ours that the visitor came from, as path and query; the home page when it isn't one of ours."""
    parts = urlsplit((request.get(b"referer") or b"").decode("latin-1"))
    if parts.netloc.encode("latin-1") != request.host or parts.path.startswith("/_tb/"):
        return b"/"
    path = "/" + parts.path.lstrip("/")
    return (f"{path}?{parts.query}" if parts.query else path).encode("latin-1")
