"""`POST /_tb/decide`: what slots show a visitor of another channel, and why: the same decision as on the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from proxy.errors import UNDECODABLE, RequestError
from proxy.http.body import read_body
from proxy.http.message import Request, Response, in_json
from proxy.metrics import Metrics
from proxy.model import Reason, chosen_name
from proxy.serve.decisions import Cors, Decisions, Shown, Wanted
from proxy.serve.showing_as import Shows
from proxy.settings import Settings
from proxy.visitors.callers import Callers, stated_context

MOST_SLOTS = 50
MAX_BYTES = 64 * 1024
EXAMPLE = 'send {"slots": ["home.hero"], "visitor": "7f3a...", "context": {"page": "/", "device": "phone"}}'

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body: which slots, for whom ("": the visitor of the cookies), and what is known of them."""

    slots: Annotated[list[_Name], msgspec.Meta(min_length=1, max_length=MOST_SLOTS)]
    visitor: Annotated[str, msgspec.Meta(max_length=200)] = ""
    context: dict[str, Any] = {}


class SlotDecision(msgspec.Struct):
    """What a slot shows; `value` None: the channel's own default. A channel that shows it tells the rule's name in an
    event."""

    value: msgspec.Raw | None
    reason: str
    detail: str
    rule: str = ""
    variant: str = ""

    @classmethod
    def of(cls, shown: Shown) -> SlotDecision:
        decision = shown.decision
        value = msgspec.Raw(shown.content) if shown.content else None
        detail = (decision.withheld and f"{decision.detail}: {decision.withheld}") or decision.detail
        return cls(value, decision.reason, detail, decision.rule, chosen_name(decision))


FAILED = SlotDecision(None, Reason.UNKNOWN, "error")


class Answer(msgspec.Struct):
    """What each slot shows that there is, the version of the rules, and what of the context did not count."""

    decisions: dict[str, SlotDecision]
    rules: str
    ignored: tuple[str, ...] = ()


class DecideApi:
    """Answers `POST /_tb/decide`."""

    def __init__(self, showing: Shows, metrics: Metrics, settings: Settings, clock: Callable[[], float]) -> None:
        self._decisions = Decisions(showing, metrics, clock, "decide")
        self._callers = Callers(settings)
        self._others = Cors(settings)

    async def answer(self, request: Request) -> Response:
        """The decisions, as JSON."""
        fields = self._others.fields(request)
        if request.method == b"OPTIONS":
            return self._others.preflight(request)
        try:
            answer, cookie = await self._asked(request)
        except RequestError as error:
            return in_json(error.status, {"error": error.args[0], "help": error.help}, *fields)
        return in_json(200, answer, *fields, *([(b"set-cookie", cookie)] if cookie else []))

    async def _asked(self, request: Request) -> tuple[Answer, bytes | None]:
        if request.method != b"POST":
            raise RequestError("decisions are asked for by POST", status=405, help=EXAMPLE)
        asked = _asked_in(await read_body(request, MAX_BYTES))
        caller = self._callers.of(request, asked.visitor)
        stated = stated_context(asked.context, by_server=caller.is_server)
        there = set(self._decisions.slots)
        slots = [slot for slot in dict.fromkeys(asked.slots) if slot in there]
        if not slots:
            return Answer({}, self._decisions.version, stated.ignored), None
        decided = await self._decisions.of(Wanted(slots, request, caller, stated))
        told = [FAILED] * len(slots) if decided.shown is None else map(SlotDecision.of, decided.shown)
        return Answer(dict(zip(slots, told, strict=True)), self._decisions.version, stated.ignored), decided.set_cookie


def _asked_in(body: bytes) -> Asked:
    try:
        return msgspec.json.decode(body, type=Asked)
    except UNDECODABLE as error:
        raise RequestError(f"the body cannot be read: {error}", help=EXAMPLE) from None
