"""OFREP, the OpenFeature Remote Evaluation Protocol 0.3: slots as flags, for any OpenFeature SDK.

A flag is a slot by its name, its value what the slot says as an object; no `value` means the program's own default. A
server names the visitor by `targetingKey`, an app who uses it; without a key, as from a page of the shop, it is the
cookies' visitor, whatever `targetingKey` the SDK sends. One flag, or all with an ETag to ask again by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from proxy.errors import UNDECODABLE, RequestError
from proxy.http.body import read_body
from proxy.http.message import NOT_STORED, Request, Response, in_json
from proxy.metrics import Metrics
from proxy.model import Headers, chosen_name
from proxy.serve.decide_api import MAX_BYTES
from proxy.serve.decisions import Cors, Decisions, Shown, Wanted
from proxy.serve.showing_as import Shows
from proxy.settings import Settings
from proxy.visitors.callers import Caller, Callers, StatedContext, stated_context

ONE_FLAG = "/_tb/ofrep/v1/evaluate/flags/"
MOST_FLAGS = 200
"""At once: some two milliseconds of a worker, who shows nobody a page meanwhile."""
DEFAULT = "default"
"""What the variant is called where nothing is decided: SDKs want one with every answer."""
KEY = "targetingKey"
_CODES = {400: "INVALID_CONTEXT", 404: "FLAG_NOT_FOUND"}


class Flag(msgspec.Struct, omit_defaults=True):
    """An evaluated flag."""

    key: str
    reason: str
    variant: str
    metadata: dict[str, str]
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Flags(msgspec.Struct):
    """All of them."""

    flags: list[Flag]
    metadata: dict[str, str]


class Failure(msgspec.Struct, omit_defaults=True):
    """Why there is no evaluation."""

    errorDetails: str  # the protocol's names
    errorCode: str = ""
    key: str = ""


class _NotEvaluated(Exception):
    def __init__(self, status: int, code: str, details: str) -> None:
        self.status, self.code, self.details = status, code, details


class Ofrep:
    """Answers for flags."""

    def __init__(self, showing: Shows, metrics: Metrics, settings: Settings, clock: Callable[[], float]) -> None:
        self._decisions = Decisions(showing, metrics, clock, "ofrep")
        self._callers = Callers(settings)
        self._others = Cors(settings)

    async def answer(self, request: Request) -> Response:
        """The flag that the path names, or all."""
        key, fields = unquote(request.path.decode("latin-1")[len(ONE_FLAG) :]), self._others.fields(request)
        if request.method == b"OPTIONS":
            return self._others.preflight(request)
        try:
            response = await (self._one(request, key) if key else self._all(request))
            return Response(response.status, (*response.headers, *fields), response.chunks)
        except _NotEvaluated as error:
            return in_json(error.status, Failure(error.details, error.code, key), *fields)
        except RequestError as error:
            return in_json(error.status, Failure(str(error), _CODES.get(error.status, "GENERAL"), key), *fields)

    async def _one(self, request: Request, key: str) -> Response:
        caller, stated = await self._asked(request)
        if key not in self._decisions.slots:
            raise _NotEvaluated(404, "FLAG_NOT_FOUND", f"there is no slot `{key}`")
        flags, cookies = await self._flags(Wanted([key], request, caller, stated))
        flags[0].metadata |= _ignored(stated)
        return in_json(200, flags[0], *cookies)

    async def _all(self, request: Request) -> Response:
        caller, stated = await self._asked(request)
        slots = self._decisions.slots
        if len(slots) > MOST_FLAGS:
            raise _NotEvaluated(400, "GENERAL", f"there are more than {MOST_FLAGS} slots: ask for one at a time")
        flags, cookies = await self._flags(Wanted(slots, request, caller, stated))
        told = {"rules": self._decisions.version, **_ignored(stated)}
        answer = in_json(200, Flags(flags, told))
        etag = b'"%b"' % hashlib.sha256(b"".join(answer.chunks)).hexdigest()[:32].encode()
        known = (request.get(b"if-none-match") or b"").removeprefix(b"W/")
        if known == etag:
            return Response(304, (*NOT_STORED, (b"etag", etag), *cookies))
        return Response(200, (*answer.headers, (b"etag", etag), *cookies), answer.chunks)

    async def _asked(self, request: Request) -> tuple[Caller, StatedContext]:
        """Who calls, and what they say. Raises `RequestError` or `_NotEvaluated`."""
        if request.method != b"POST":
            raise RequestError("flags are evaluated by POST", status=405)
        context = _context_in(await read_body(request, MAX_BYTES))
        named = context.pop(KEY, "")
        if not isinstance(named, str):
            raise _NotEvaluated(400, "INVALID_CONTEXT", f"`{KEY}` is not a text")
        has_key = request.get(b"authorization") is not None or request.get(b"x-api-key") is not None
        if has_key and not named:
            raise _NotEvaluated(400, "TARGETING_KEY_MISSING", f"`{KEY}` names the visitor")
        caller = self._callers.of(request, named if has_key else "")
        stated = stated_context(context, by_server=caller.is_server)
        return caller, stated if has_key or not named else stated._replace(ignored=(KEY, *stated.ignored))

    async def _flags(self, wanted: Wanted) -> tuple[list[Flag], Headers]:
        """All that is wanted, evaluated, and the cookie of a new visitor."""
        decided = await self._decisions.of(wanted)
        if decided.shown is None:
            raise _NotEvaluated(500, "", "deciding failed; the log says why")
        cookies = ((b"set-cookie", decided.set_cookie),) if decided.set_cookie else ()
        return [_flag(one, self._decisions.version) for one in decided.shown], cookies


def _ignored(stated: StatedContext) -> dict[str, str]:
    """What did not count, for all flags of an answer: with each of a thousand it would be a thousand times as long."""
    return {"ignored": ", ".join(stated.ignored)} if stated.ignored else {}


def _flag(shown: Shown, version: str) -> Flag:
    decision, has_value = shown.decision, bool(shown.content)
    told = {
        "rule": decision.rule,
        "detail": decision.detail,
        "withheld": decision.withheld,
        "rules": version,
    }
    value = msgspec.Raw(shown.content) if has_value else msgspec.UNSET
    variant = chosen_name(decision) or DEFAULT
    return Flag(decision.slot, decision.reason, variant, {name: text for name, text in told.items() if text}, value)


def _context_in(body: bytes) -> dict[str, Any]:
    """The evaluation context of a request's body."""
    try:
        told = msgspec.json.decode(body)
    except UNDECODABLE as error:
        raise _NotEvaluated(400, "PARSE_ERROR", f"the body is no JSON: {error}") from None
    context = told.get("context") if isinstance(told, dict) else None
    if not isinstance(context, dict):
        raise _NotEvaluated(400, "INVALID_CONTEXT", f'send {{"context": {{"{KEY}": "7f3a...", "page": "/"}}}}')
    return context
