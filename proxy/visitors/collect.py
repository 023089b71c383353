"""Events sent by others: Segment's HTTP API and GA4's, as routes below `/_tb/`. A request is answered with 200 when
what was accepted of it is durable; 503 means that it should be sent again.

The sender is known by a write key. A page of the shop needs none: its visitor is that of our cookie, and gets one if
there is none. A page of another site sends no cookie (SameSite), so nobody can send events for another site's visitors.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import parse_qs

import msgspec
from msgspec.structs import replace

from proxy.catalogue.product_index import ProductIndex
from proxy.errors import RequestError, StoreError
from proxy.events import ga4, lists, segment
from proxy.events.intake import Access, Receipt, Rejected, Sender
from proxy.events.segment import Verdict
from proxy.http.body import read_body
from proxy.http.client import client_of, customer_of, is_shared, networks
from proxy.http.message import Handler, Request, Response
from proxy.metrics import Metrics
from proxy.model import Arrival, Consent, Headers, Visitor
from proxy.ports import Refused
from proxy.settings import Settings
from proxy.visitors.consent import Consents
from proxy.visitors.consent_changes import ConsentChanges
from proxy.visitors.joiner import Joiner
from proxy.visitors.journal import Journal
from proxy.visitors.rate_limiter import RateLimiter
from proxy.visitors.view_content import is_told, why_not_counted
from proxy.visitors.visitor import ANONYMOUS, Cookies
from proxy.visitors.writekeys import BROWSER, Source, WriteKeys, key_in

CALLS = ("identify", "track", "page", "screen", "group", "alias", "batch")
LETTERS = {"i": "identify", "t": "track", "p": "page"}  # the browser build's
THREAD_BYTES, THREAD_PARTS = 16_384, 500
"""Reading a body of more bytes, or more commas and line ends, takes longer than the others should wait."""
MAX_KEPT_BYTES = 32_768
WHILE_AWAY = 8
"""So many requests at once try a store that did not take the last events; the others are sent back without waiting."""
_KEY = re.compile(rb'((?:^|&)(?:writeKey|api_secret)=)[^&"\s]+|("writeKey"\s*:\s*)"(?:[^"\\]|\\.)*"')


class Collect:
    """The routes of one worker."""

    def __init__(
        self,
        keys: WriteKeys,
        cookies: Cookies,
        journal: Journal,
        joiner: Joiner,
        metrics: Metrics,
        settings: Settings,
        consent_changes: ConsentChanges,
        clock: Callable[[], float] = time.time,
        hub: Callable[[], ProductIndex] = ProductIndex,
    ) -> None:
        self._keys = keys
        self._cookies = cookies
        self._journal = journal
        self._joiner = joiner
        self._metrics = metrics
        self._clock, self._hub = clock, hub
        self._consents = Consents(settings)
        self._consent_changes = consent_changes
        self._name = secrets.token_hex(8)
        self._numbers = itertools.count()
        self._max_bytes = settings.max_event_bytes
        self._rate_limiter = RateLimiter(settings.event_bytes_per_address)
        self._trusted = networks(settings.trusted_proxies)
        self._most = settings.max_events
        self._most_waiting = max(1, settings.max_clients // 2)
        self._waiting = 0
        self._late_seconds = settings.late_event_days * 86_400
        self._gives_cookies = settings.visitor_cookie != "off"
        self._hosts = {host.encode().lower() for host in settings.allowed_hosts}
        self._stranger_key = stranger_key(settings)
        self._user_key = user_key(settings)

    @property
    def routes(self) -> Mapping[str, Handler]:
        """Handlers by path."""
        named = {**{call: call for call in CALLS}, **LETTERS}
        calls: dict[str, Handler] = {
            f"/_tb/v1/{name}": partial(self._collected, call=call) for name, call in named.items()
        }
        calls["/_tb/v1/audience"] = partial(self._collected, call="audience")
        return {**calls, "/_tb/g/collect": partial(self._collected, call="ga4")}

    async def _collected(self, request: Request, *, call: str) -> Response:
        if request.method == b"OPTIONS":
            return Response(204, (*self._cross_origin(request), (b"access-control-max-age", b"86400")))
        if request.method != b"POST" and call != "ga4":
            return self._failed(request, 405, "events are sent by POST")
        try:
            return await self._taken(request, call, await read_body(request, self._max_bytes))
        except StoreError:
            return self._failed(request, 503, "the store is away; send it again")
        except RequestError as error:
            return self._failed(request, error.status, str(error))

    async def _taken(self, request: Request, call: str, body: bytes) -> Response:
        now = self._clock()
        if call == "audience" and body.lstrip().startswith(b"["):  # as Segment's webhooks send several at once
            body = b'{"batch":%b}' % body
        batch = segment.Batch() if call == "ga4" else segment.batch_of(body)
        if isinstance(batch, Rejected):
            raise RequestError(batch.what)
        sender, cookie = self._sender(request, self._source(request, batch.write_key or ""), now)
        if sender.access is not Access.SERVER and (why := why_not_counted(request, self._consents)):
            self._metrics.count("tailorbird_events_total", "outcome", why)
            if withdrawn := self._consent_changes.news(request, None, now) if why == "unwanted" else ():
                await self._store(withdrawn, len(body), now)
            said = {"accepted": 0, "reason": why} if _query(request, "strict") == "1" else {}
            return self._answer(request, 200, {"success": True, **said})
        if sender.access is not Access.SERVER:
            self._limit_rate(request, len(body) + len(request.query), now)
        moment = Receipt(now, f"{self._name}{next(self._numbers):x}", self._late_seconds)
        judge = partial(_judged_and_refused, call, body, request.query, batch, sender, moment, self._most)
        verdicts, refused = await asyncio.to_thread(judge) if _takes_long(body, request.query) else judge()
        for one in refused:
            self._journal.refuse(one)
        arrivals = [one for _, one in verdicts if isinstance(one, Arrival) and not is_told(one, self._hub())]
        is_server = sender.access is Access.SERVER
        arrivals = [self._completed(arrival, keeps_prices=is_server) for arrival in arrivals]
        if not is_server:  # which answers for the consent of its visitors, as for prices
            ids = dict.fromkeys(arrival.visitor_id for arrival in arrivals)
            arrivals += [one for id in ids for one in self._consent_changes.news(request, Visitor(id), now)]
        await self._store(arrivals, len(body), now)
        return self._judged(request, [verdict for _, verdict in verdicts], cookie)

    async def _store(self, arrivals: Sequence[Arrival], size: int, now: float) -> None:
        """Returns when the events are durable and their visitors joined. Half of the places for clients are for
        requests that wait for this, and few while the store is away: or a store that hangs would take them all, from
        pages too. Raises `RequestError` beyond, or `StoreError`."""
        why_not = self._journal.why_not
        if self._waiting >= (WHILE_AWAY if why_not else self._most_waiting):
            self._metrics.count("tailorbird_events_total", "outcome", "failed" if why_not else "busy", len(arrivals))
            raise RequestError("too many events wait for the store; send them again", status=503)
        self._waiting += 1
        try:
            await self._journal.record(arrivals, size)
            await self._joiner.join(dict.fromkeys(arrival.joins for arrival in arrivals), now)
        finally:
            self._waiting -= 1

    def _completed(self, arrival: Arrival, *, keeps_prices: bool) -> Arrival:
        """The arrival with what the shop knows of its products: a button tells no price, a server no category."""
        at, hub = arrival.event.at, self._hub()
        items = tuple(hub.completed(item, at, keeps_price=keeps_prices) for item in arrival.event.items)
        return replace(arrival, event=replace(arrival.event, items=items)) if items else arrival

    def _limit_rate(self, request: Request, size: int, now: float) -> None:
        """Raises `RequestError` for an address that sends very much: all of it is kept, and may fill the disk."""
        address = client_of(request.client, request.headers, self._trusted)[0]
        if not is_shared(address, self._trusted) and not self._rate_limiter.spend(customer_of(address), size, now):
            self._metrics.count("tailorbird_events_total", "outcome", "too much")
            raise RequestError("this address sends more events than one may; send it again later", status=429)

    # -- who sends

    def _source(self, request: Request, key_in_body: str) -> Source:
        asked = (_query(request, name) for name in ("writeKey", "api_secret"))  # the latter is GA4's word
        key = key_in(request.get(b"authorization") or b"") or key_in_body or next(filter(None, asked), "")
        source = self._keys.source(key) if key else BROWSER if self._is_from_ourselves(request) else None
        if source is None:
            what = "this write key is nobody's" if key else "no write key came with this"
            raise RequestError(
                what, status=401, help="send one of TAILORBIRD_WRITE_KEYS as `Authorization: Bearer KEY`"
            )
        return source

    def _sender(self, request: Request, source: Source, now: float) -> tuple[Sender, bytes | None]:
        """The sender; and the cookie for a visitor who had none."""
        if source.access is Access.SERVER:
            return Sender(source.name, source.access), None
        # A link on a foreign site does bring the cookie along, to what is asked by GET.
        is_foreign = request.get(b"sec-fetch-site") == b"cross-site"
        visitor = ANONYMOUS if is_foreign else self._cookies.read(request.get_list(b"cookie", b"; "), now)
        is_for_session = self._consents.of(request) is Consent.SESSION
        user_key = b"" if is_for_session else self._user_key  # a join would outlast the session
        if visitor.id or not self._gives_cookies or not self._is_from_ourselves(request):
            return Sender(source.name, source.access, visitor.id, self._stranger_key, user_key), None
        new, cookie = self._cookies.new_visitor(now, is_for_session=is_for_session)
        return Sender(source.name, source.access, new.id, self._stranger_key, user_key), cookie

    def _is_from_ourselves(self, request: Request) -> bool:
        """Whether the browser says that a page of this host sends it, which other pages cannot forge."""
        site = request.get(b"sec-fetch-site")
        origin = request.get(b"origin")
        if site is not None:
            return site == b"same-origin"
        return origin is not None and _host(origin) == request.host

    # -- out

    def _judged(self, request: Request, verdicts: Sequence[Arrival | Rejected], cookie: bytes | None) -> Response:
        """Segment's answer for success; with `strict=1` it lists the events that were refused, and why."""
        more = ((b"set-cookie", cookie),) if cookie else ()
        refused = [
            {"index": index, "reason": verdict.reason, "message": verdict.what}
            for index, verdict in enumerate(verdicts)
            if isinstance(verdict, Rejected)
        ]
        if not refused or _query(request, "strict") != "1":
            return self._answer(request, 200, {"success": True}, *more)
        accepted = len(verdicts) - len(refused)
        said = {"success": False, "code": "400", "accepted": accepted, "errors": refused}
        return self._answer(request, 400, said, *more)

    def _failed(self, request: Request, status: int, why: str) -> Response:
        """The answer for a failure. SDKs look for a `code`; RudderStack's retries for ever without one."""
        return self._answer(request, status, {"success": False, "code": str(status), "message": why})

    def _answer(self, request: Request, status: int, what: object, *more: tuple[bytes, bytes]) -> Response:
        body = msgspec.json.encode(what)
        later = ((b"retry-after", b"1"),) if status in (429, 503) else ()
        head = ((b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)))
        never = (b"cache-control", b"no-store")
        return Response(status, (*head, never, *later, *more, *self._cross_origin(request)), (body,))

    def _cross_origin(self, request: Request) -> Headers:
        """The CORS fields: the shop's other hosts may send with cookies, any other site without."""
        origin = request.get(b"origin")
        if origin is None:
            return ()
        is_ours = _host(origin) == request.host or _host(origin) in self._hosts
        allowed = (b"access-control-allow-origin", origin if is_ours else b"*")
        fields = (b"access-control-allow-headers", b"content-type, authorization")
        with_cookies = ((b"access-control-allow-credentials", b"true"),) if is_ours else ()
        return (allowed, fields, (b"vary", b"origin"), *with_cookies)


def judged(
    call: str, body: bytes, query: bytes, batch: segment.Batch, sender: Sender, moment: Receipt, most: int
) -> list[Verdict]:
    """The outcome of each event of a request to the route `call`."""
    found: Iterator[Verdict]
    if call == "ga4":
        found = ga4.arrivals_in(body, query, sender, moment, most=most)
    elif call == "audience" and (listed := lists.list_in(body)):
        found = lists.arrivals_in(body, listed, sender, moment, most=most)
    else:
        call = "batch" if call == "audience" else call
        found = segment.arrivals_in(body, batch, call, sender, moment, most=most)
    return list(found)


def _judged_and_refused(
    call: str, body: bytes, query: bytes, batch: segment.Batch, sender: Sender, moment: Receipt, most: int
) -> tuple[list[Verdict], list[Refused]]:
    """The outcomes, and what is kept of the events that were refused."""
    verdicts = judged(call, body, query, batch, sender, moment, most)
    refused = []
    for payload, verdict in verdicts:
        if isinstance(verdict, Rejected):
            kept, whose = without_key(bytes(payload))[:MAX_KEPT_BYTES], verdict.visitor_id or sender.visitor_id
            refused.append(Refused(moment.received_at, sender.source, verdict.reason, kept, whose, call))
    return verdicts, refused


def _takes_long(body: bytes, query: bytes) -> bool:
    lines = body.count(b"\n")
    return len(body) > THREAD_BYTES or body.count(b",") + lines + lines * query.count(b"&") > THREAD_PARTS


def without_key(payload: bytes) -> bytes:
    """The event without the write key that may stand in it: what was not taken is listed, and given to whom it is about
    with all that is kept of them."""
    return _KEY.sub(lambda found: found[1] + b"..." if found[1] else found[2] + b'""', payload)


def user_key(settings: Settings) -> bytes:
    """The key for the hashes of user ids (`events/intake.py`)."""
    return hashlib.sha256(b"tailorbird user v1\n" + settings.secret.partition(",")[0].encode()).hexdigest().encode()


def stranger_key(settings: Settings) -> bytes:
    """The key for the ids of visitors without a cookie."""
    return b"tailorbird stranger v1\n" + settings.secret.encode()


def _query(request: Request, name: str) -> str:
    return parse_qs(request.query.decode("latin-1")).get(name, [""])[0] if request.query else ""


def _host(origin: bytes) -> bytes:
    return origin.partition(b"://")[2].lower()
