"""Decisions without a page, and who may read them in a browser (CORS): what slots show a visitor of an app, a mail or a
kiosk, decided and filled by the very function that does it for pages, each as a JSON object of what it says.

Its law is that of pages: whatever fails in deciding, the answer is the channel's own default, and it is counted. What
is asked here is no view: it counts for no limit and no experiment until the channel tells that it was shown.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from string import punctuation
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from proxy.http.authority import address_of
from proxy.http.incoming import origin_form
from proxy.http.message import Request, Response
from proxy.httpcache.key import normalised
from proxy.metrics import Metrics
from proxy.model import Decision, EvaluationContext, Headers
from proxy.page.json_fills import JsonForm
from proxy.page.piece import Piece
from proxy.page.slots import LISTING
from proxy.page.template import Template
from proxy.personalise import Personalised, personalise
from proxy.rulebook.compile import Publication
from proxy.serve.showing import Who
from proxy.serve.showing_as import Shows
from proxy.settings import Settings
from proxy.visitors.callers import Caller, StatedContext

log = logging.getLogger("tailorbird.decisions")

# Between the contents of two slots while they are joined; no content can hold it, since nobody knows it.
_BETWEEN = Piece(secrets.token_hex(16).encode())
_NOTHING = Piece(b"")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: slots, in a `request` of this caller, and what is said of the visitor and the page."""

    slots: Sequence[str]
    request: Request
    caller: Caller
    stated: StatedContext

    def page(self) -> Request:
        """The request as if it were for that page. Raises `RequestError`."""
        page = page_at(self.request, self.stated.page)
        # The fields of a server's request say nothing of the visitor whom it names.
        return replace(page, headers=()) if self.caller.is_server and self.caller.visitor_id else page


class Shown(NamedTuple):
    """What a slot shows: `content` is a JSON object, b"" for the channel's own default."""

    decision: Decision
    content: bytes


class Decided(NamedTuple):
    """What all slots show, in their order; None when deciding failed. `set_cookie` makes a new visitor come back."""

    shown: Sequence[Shown] | None
    set_cookie: bytes | None = None


class Decisions:
    """Decides by `showing`. `way` is what the metric calls whoever asks."""

    def __init__(self, showing: Shows, metrics: Metrics, clock: Callable[[], float], way: str) -> None:
        self._showing = showing
        self._metrics = metrics
        self._clock = clock
        self._way = way

    @property
    def version(self) -> str:
        """Of the rules."""
        return self._showing.publication.plan.version

    @property
    def slots(self) -> Sequence[str]:
        """All that something may be decided for; lists are put in order elsewhere (`rank.py`)."""
        return sorted(slot for slot in known_slots(self._showing.publication) if not slot.startswith(LISTING))

    async def of(self, wanted: Wanted) -> Decided:
        """What the wanted slots show. Raises `RequestError` when the page is none."""
        page, now, template = wanted.page(), self._clock(), apart(wanted.slots, [JsonForm.OBJECT] * len(wanted.slots))
        self._metrics.count("tailorbird_decisions_asked_total", "way", self._way, len(wanted.slots))
        try:
            who = await visitor_of_caller(self._showing, template, page, wanted.caller, now)
            context = _with_stated(self._showing.context_of(template, page, who, now), wanted.stated)
            plan, stock = self._showing.publication.plan, self._showing.stock
            fragments = self._showing.publication.fragments
            done = personalise(template, plan, fragments, context, coding="identity", key=b"", stock=stock)
        except Exception:  # whatever fault of ours it is, the channel has a default of its own: the law above
            log.exception("the slots %s are decided for nobody", ", ".join(wanted.slots))
            self._metrics.count("tailorbird_decide_errors_total")
            return Decided(None)
        shown = list(map(Shown, done.decisions, contents_of(done)))
        return Decided(shown, None if wanted.request.withholds_cookies else who.set_cookie)


async def visitor_of_caller(showing: Shows, template: Template, page: Request, caller: Caller, now: float) -> Who:
    """The visitor whom the caller asks for."""
    if not caller.visitor_id:
        return await showing.recognise_waiting(template, page, now)
    return await showing.recognise_named(caller.visitor_id, now, None if caller.is_server else page)


def _with_stated(context: EvaluationContext, stated: StatedContext) -> EvaluationContext:
    """The context with what is said of the visitor."""
    attributes = {**context.attributes, **stated.attributes}
    if stated.segments:
        known = attributes.get("segment")
        attributes["segment"] = stated.segments | known if isinstance(known, frozenset) else stated.segments
    return msgspec.structs.replace(context, attributes=attributes, unverified=context.unverified - stated.segments)


def known_slots(publication: Publication) -> frozenset[str]:
    """The slots that rules name, and those that are declared."""
    return publication.plan.slots | {slot.name for slot in publication.declared}


def page_at(request: Request, written: str) -> Request:
    """The request as if it were for the page at this address, as people write it. Raises `RequestError`."""
    path, _, query = origin_form(quote(written, safe=punctuation).encode(), request.host).partition(b"?")
    return replace(request, method=b"GET", path=normalised(path), query=query, body=None, content_length=None)


def apart(names: Sequence[str], forms: Sequence[JsonForm] = ()) -> Template:
    """A page of nothing but slots, from which `contents_of` takes each."""
    between = [_BETWEEN] * (len(names) - 1)
    end = [_NOTHING] if names else []
    return Template(tuple(names), (_NOTHING, *between, *end), (_NOTHING,) * len(names), forms=tuple(forms))


def contents_of(done: Personalised) -> list[bytes]:
    """What each slot shows; b"" for the default."""
    return b"".join(done.page.chunks).split(_BETWEEN.plain)


# -- Who else may read, in a browser, what is decided for one visitor: the pages that the setting `slot_origins` names.

_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"content-type, authorization, x-api-key, if-none-match"),
    (b"access-control-max-age", b"86400"),
)


class Cors:
    """Those that an operator named."""

    def __init__(self, settings: Settings) -> None:
        self._may_read = frozenset(str(address_of(origin, "slot_origins")).encode() for origin in settings.slot_origins)

    def fields(self, request: Request) -> Headers:
        """What tells a browser so."""
        if not self._may_read:
            return ()
        origin, vary = request.get(b"origin"), (b"vary", b"Origin")
        if origin not in self._may_read:
            return (vary,)
        return (
            (b"access-control-allow-origin", origin or b""),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", b"etag"),
            vary,
        )

    def preflight(self, request: Request) -> Response:
        """The answer to a browser that asks whether such a page may ask."""
        return Response(204, (*self.fields(request), *_PREFLIGHT))
