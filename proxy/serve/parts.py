"""Parts of a page at addresses of their own: fetched in parallel for the visitor, with one deadline.

The gateway itself is asked for a part, as for any page of the shop: a shareable part is fetched anonymously and stored;
one that is not is the visitor's own request. Parts within parts are not looked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from proxy.errors import OriginError, RequestError
from proxy.http.forwarding import OUR_COOKIES
from proxy.http.message import Request, Response
from proxy.httpcache.coding import decoded
from proxy.httpcache.cookies import pair_set_by, pairs_in
from proxy.httpcache.key import normalised
from proxy.metrics import Metrics
from proxy.page.holes import Fill, FillKind
from proxy.page.includes import substituted
from proxy.page.piece import Piece
from proxy.serve.shared_fetch import level_of
from proxy.serve.slow_parts import SlowParts
from proxy.settings import Settings

log = logging.getLogger("tailorbird.parts")

FAILED, LATE, LEFT_ALONE, FAULT = "failed", "late", "left alone", "error"
_OF_THE_PAGE = frozenset(
    b"accept accept-encoding if-match if-none-match if-modified-since if-unmodified-since if-range range".split()
)
_ACCEPT = ((b"accept", b"text/html,*/*;q=0.8"), (b"accept-encoding", b"identity"))


@dataclass(frozen=True, slots=True)
class Part:
    """The answer of an address: its content (a `Piece` when the page is kept), and the cookies it set."""

    content: bytes | Piece
    set_cookies: tuple[bytes, ...] = ()


class Ask(Protocol):
    """How the gateway is asked for a part."""

    def __call__(self, request: Request, /, *, is_own: bool) -> Awaitable[Response | Piece]: ...


class Parts:
    """Fetches parts by `ask`, all of a page within the setting `parts_timeout_ms`."""

    def __init__(self, ask: Ask, settings: Settings, metrics: Metrics) -> None:
        self._ask = ask
        self._metrics = metrics
        self._seconds = settings.parts_timeout_ms / 1_000
        self._most_bytes = settings.max_part_bytes
        self._slow_parts = SlowParts(settings)
        self._beside: set[asyncio.Task[None]] = set()

    async def get(
        self, request: Request, fills: Sequence[Fill], set_cookies: Sequence[bytes] = ()
    ) -> list[Part | None]:
        """The part of each fill for the visitor who sent `request` and gets `set_cookies` from the page; None where
        nothing came in time."""
        until = self._slow_parts.now() + self._seconds
        asked = with_cookies(request, set_by(set_cookies))
        found = await self._all(asked, fills, until)
        told = [set_by(part.set_cookies) if part else {} for part in found]
        counted, others = agreed(asked, told) if any(told) else ({}, [])
        if others:
            anew = await self._all(with_cookies(asked, counted), [fills[number] for number in others], until)
            for number, part in zip(others, anew, strict=True):
                found[number] = part
        return found

    async def _all(self, request: Request, fills: Sequence[Fill], until: float) -> list[Part | None]:
        tasks = [asyncio.create_task(self._one(request, fill)) for fill in fills]
        try:
            await asyncio.wait(tasks, timeout=max(0.0, until - self._slow_parts.now()))
        finally:
            for task in tasks:
                task.cancel()
        return [self._counted_part(*each) for each in zip(tasks, fills, strict=True)]

    def _counted_part(self, task: asyncio.Task[Part | str], fill: Fill) -> Part | None:
        found: Part | str = LATE
        if task.done() and not task.cancelled():
            error = task.exception()
            if error is not None:  # a fault of ours must not cost the visitor the page
                log.error("the part `%s` met with a fault of ours", fill.source, exc_info=error)
            found = FAULT if error is not None else task.result()
        part = None if isinstance(found, str) else found
        self._metrics.count("tailorbird_parts_total", "outcome", "ok" if part else str(found))
        return part

    async def _one(self, request: Request, fill: Fill) -> Part | str:
        """The part, or why there is none (of the first address, if the alternate failed, too)."""
        why = ""
        for written in filter(None, (fill.source, fill.alternate)):
            is_include = fill.kind is FillKind.INCLUDE
            address = substituted(written, request.host, request.query) if is_include else written
            found = await self._at(request, address, is_own=not is_include) if address else FAILED
            if isinstance(found, Part):
                return found
            why = why or found
        return why or FAILED

    async def _at(self, request: Request, address: str, *, is_own: bool) -> Part | str:
        asked = part_request(request, address)
        if asked is None:
            return FAILED
        if not self._slow_parts.is_slow(asked.host + asked.target):
            return await self._timed(asked, is_own=is_own) or FAILED
        if self._slow_parts.may_try(asked.host + asked.target):
            trying = asyncio.create_task(self._try_beside(asked, is_own=is_own))
            self._beside.add(trying)
            trying.add_done_callback(self._beside.discard)
        return LEFT_ALONE

    async def _try_beside(self, asked: Request, *, is_own: bool) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._timed(asked, is_own=is_own)

    async def _timed(self, asked: Request, *, is_own: bool) -> Part | None:
        address, began = asked.host + asked.target, self._slow_parts.now()
        try:
            part = await self._brought(asked, is_own=is_own)
        except asyncio.CancelledError:
            self._slow_parts.gave_up(address, began)
            raise
        self._slow_parts.came(address)
        return part

    async def _brought(self, asked: Request, *, is_own: bool) -> Part | None:
        try:
            answer = await self._ask(asked, is_own=is_own)
            return Part(answer) if isinstance(answer, Piece) else await _read(answer, self._most_bytes)
        except (OriginError, RequestError) as error:
            level = level_of(error) if isinstance(error, OriginError) else logging.INFO
            log.log(level, "the part `%s` could not be fetched: %s", asked.path.decode("latin-1"), error)
            return None


def part_request(request: Request, address: str) -> Request | None:
    """The request for a part of the page that `request` asks for; None for one on another host, or among our own
    paths."""
    target = _target(request, address.encode("utf-8", "surrogateescape"))
    if target is None:
        return None
    path, _, query = target.partition(b"?")
    path = normalised(path)
    if path.startswith(b"/_tb/"):
        return None
    kept = tuple(field for field in request.headers if field[0] not in _OF_THE_PAGE)
    return replace(request, method=b"GET", path=path, query=query, headers=(*kept, *_ACCEPT), body=None,
                   content_length=None, depth=request.depth + 1)  # fmt: skip


def _target(request: Request, address: bytes) -> bytes | None:
    """Path and query on the page's own host; relative ones count from the page."""
    address = address.partition(b"#")[0]
    ours = (b"http://" + request.host, b"https://" + request.host)
    for prefix in ours:
        if address.lower().startswith(prefix + b"/"):
            address = address[len(prefix) :]
    if not address.startswith(b"/"):
        if not address or b":" in address.partition(b"/")[0]:
            return None
        address = request.path.rpartition(b"/")[0] + b"/" + address
    is_plain = all(0x20 < byte < 0x7F for byte in address) and b"\\" not in address
    return address if is_plain and not address.startswith(b"//") else None


async def _read(response: Response, most_bytes: int) -> Part | None:
    """The part, when the answer is one: found, whole and not too large."""
    body = b"".join(response.chunks)
    if response.stream is not None:
        try:
            async for chunk in response.stream:
                body += chunk
                if len(body) > most_bytes:
                    return None
        finally:
            close: Callable[[], Awaitable[None]] | None = getattr(response.stream, "aclose", None)
            if close is not None:
                with suppress(OriginError):
                    await close()
    plain = decoded(body, (response.get(b"content-encoding") or b"").lower(), most_bytes)
    if response.status != 200 or plain is None or len(plain) > most_bytes:
        return None
    set_cookies = [value for name, value in response.headers if name == b"set-cookie"]
    return Part(plain, tuple(value for value in set_cookies if pair_set_by(value)[0].lower() not in OUR_COOKIES))


# -- the cookies that a page and its parts set
#
# A visitor without a session gets one from whichever request is answered first, and the shop gives a different one to
# each request made at the same time. Only one can be the visitor's; what the others answered (a form's token, say)
# belongs to sessions that nobody has. So the first cookie counts, and whoever answered with another is asked again with
# that one. A cookie that the visitor sent is left to the shop, which may change it with each answer.

Cookies = Mapping[bytes, bytes]
"""By name."""


def set_by(set_cookies: Iterable[bytes]) -> dict[bytes, bytes]:
    """The cookies that these `Set-Cookie` fields set."""
    return dict(map(pair_set_by, set_cookies))


def with_cookies(request: Request, cookies: Cookies) -> Request:
    """The request with these cookies, in place of others of the same name."""
    if not cookies:
        return request
    old = [pair.strip() for pair in request.cookies.split(b";") if pair_set_by(pair)[0] not in cookies]
    new = [b"%b=%b" % pair for pair in cookies.items() if pair[1]]
    others = tuple(field for field in request.headers if field[0] != b"cookie")
    return replace(request, headers=(*others, (b"cookie", b"; ".join(filter(None, [*old, *new])))))


def agreed(request: Request, told: Sequence[Cookies]) -> tuple[dict[bytes, bytes], list[int]]:
    """The cookies that the visitor is to have, of all that the answers to this request set; and the numbers of the
    answers that set another."""
    sent = dict(pairs_in(request.cookies))
    counted: dict[bytes, bytes] = {}
    others: list[int] = []
    for number, cookies in enumerate(told):
        new = {name: value for name, value in cookies.items() if name not in sent}
        if any(counted.get(name, value) != value for name, value in new.items()):
            others.append(number)
        else:
            counted |= new
    return counted, others
