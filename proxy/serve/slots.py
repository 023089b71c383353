"""Slots without their page: what stands in one of them, as HTML for a CDN that puts pages together itself; and in
several, as JSON for a page that was swapped in the browser.

The visitor is that of our cookies, the page the one named by `path`, and all is decided, counted and limited as in a
page view. What is answered is one visitor's alone, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import parse_qs

import msgspec

from proxy.errors import RequestError
from proxy.http.message import Request, Response, in_words
from proxy.model import Decision, Headers
from proxy.serve.decisions import Cors, apart, contents_of, known_slots, page_at
from proxy.serve.pages import Entry
from proxy.serve.showing_as import Shows
from proxy.settings import Settings

MOST_NAMES = 50
ONE_SLOT = "/_tb/slot/"

_PRIVATE = ((b"cache-control", b"private, no-cache"), (b"vary", b"Cookie"), (b"x-content-type-options", b"nosniff"))


class SlotAnswer(msgspec.Struct):
    """What a slot shows: `html` is None when nothing was decided, and the page keeps its own."""

    html: str | None
    rule: str = ""
    variant: str = ""


class Slots:
    """Answers for slots. `kept` returns the stored page that a request is for, if any."""

    def __init__(
        self,
        showing: Shows,
        kept: Callable[[Request], Entry | None],
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._showing = showing
        self._kept = kept
        self._others = Cors(settings)
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """A slot's HTML, or that of several. What cannot be answered is no reason to end the connection: a CDN sends
        all it asks through one."""
        try:
            return await (self._one if request.path.startswith(ONE_SLOT.encode()) else self._several)(request)
        except RequestError as error:
            return in_words(error.status, str(error), *_PRIVATE)

    async def _one(self, request: Request) -> Response:
        """`GET /_tb/slot/{name}?path=/sale`: the slot's HTML."""
        name = request.path.decode("latin-1").removeprefix(ONE_SLOT)
        page = self._page(request)
        if name not in self._known():
            raise RequestError(f"there is no slot `{name}`", status=404)
        (shown,), cookies = await self._shown(page, [name])
        html = self._default(page, name) if shown.html is None else shown.html.encode()
        return self._answer(request, b"text/html; charset=utf-8", html, cookies)

    async def _several(self, request: Request) -> Response:
        """`GET /_tb/slots?names=home.hero,all.topbar&path=/sale`: HTML, rule and variant of each slot that there is."""
        page = self._page(request)
        asked = {name for value in _query(request, "names") for name in value.split(",") if name}
        if not 0 < len(asked) <= MOST_NAMES:
            raise RequestError(f"`names` are 1 to {MOST_NAMES} slots", help="write ?names=home.hero,all.topbar&path=/")
        names = sorted(asked & self._known())
        shown, cookies = await self._shown(as_opened(page), names)
        body = msgspec.json.encode(dict(zip(names, shown, strict=True)))
        return self._answer(request, b"application/json", body, cookies)

    def _default(self, page: Request, name: str) -> bytes:
        """What the page itself has in the slot, as far as that is known."""
        entry = self._kept(page)
        return (entry and entry.template and entry.template.default(name)) or b""

    def _known(self) -> frozenset[str]:
        return known_slots(self._showing.publication)

    def _page(self, request: Request) -> Request:
        """The request as if it were for the page. Raises `RequestError`."""
        if request.method not in (b"GET", b"HEAD"):
            raise RequestError("slots are asked for by GET", status=405)
        (written,) = _query(request, "path") or ["/"]
        return page_at(request, written)

    async def _shown(self, page: Request, names: Sequence[str]) -> tuple[list[SlotAnswer], Headers]:
        """What each slot shows, and the cookie of a new visitor."""
        template, now = apart(names), self._clock()
        if not names:
            self._showing.passed(template, page, now)
            return [], ()
        who = await self._showing.recognise_waiting(template, page, now)
        done = self._showing.show(template, page, who, now, "identity")
        cookies = ((b"set-cookie", who.set_cookie),) if who.set_cookie else ()
        if not done.decisions:  # deciding failed
            return [SlotAnswer(None) for _ in names], cookies
        return list(map(_slot_answer, done.decisions, contents_of(done))), cookies

    def _answer(self, request: Request, kind: bytes, body: bytes, more: Headers) -> Response:
        fields = (b"content-type", kind), (b"content-length", b"%d" % len(body))
        headers = (*fields, *_PRIVATE, *self._others.fields(request), *more)
        return Response(200, headers, () if request.method == b"HEAD" else (body,))


def as_opened(page: Request) -> Request:
    """The page as a browser asks for one that it opens: a router that swaps pages opens it too, by its own call."""
    kept = tuple(field for field in page.headers if field[0] not in (b"accept", b"sec-fetch-dest"))
    return replace(page, headers=(*kept, (b"accept", b"text/html")))


def _slot_answer(decision: Decision, content: bytes) -> SlotAnswer:
    if not decision.variant:
        return SlotAnswer(None, decision.rule)
    return SlotAnswer(content.decode(), decision.rule, decision.variant)


def _query(request: Request, name: str) -> list[str]:
    try:
        found = parse_qs(request.query.decode("latin-1"), max_num_fields=100, encoding="utf-8")
    except ValueError:
        raise RequestError("the address has too many parameters") from None
    return found.get(name, [])[:1] if name == "path" else found.get(name, [])
