"""A shared fetch of a page or an asset, and its possible outcomes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, field

from proxy.errors import OriginError
from proxy.http.message import Response
from proxy.http.target import Sought
from proxy.httpcache.policy import may_serve_on_error
from proxy.httpcache.stored import StoredResponse
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.ports import UpstreamResponse
from proxy.serve.pages import DAMAGED, Entry
from proxy.upstream.exchange import UNANSWERED
from proxy.upstream.limiter import SHARE
from proxy.upstream.tee import Tee

log = logging.getLogger("tailorbird.fetching")

_NOT_SENT = frozenset({"overload", SHARE, "left-alone"})
"""Reasons why an origin was not asked at all."""

_EXPECTED = _NOT_SENT | {UNANSWERED}
"""Reasons that may come with each request: they follow from earlier failures, which were logged, or there was just no
news."""


Ask = Callable[[], Awaitable[Response]]
"""Asks for a visitor's own answer."""


class Trial:
    """After a shared fetch that the origin answered by an error: whether visitors' own requests fail as well. The first
    finds out, and the others wait for that: a failing origin is not asked by each of them. `on_failure` is told the
    status of an answer that is an error."""

    def __init__(self, on_failure: Callable[[int], None] = lambda status: None) -> None:
        self._fails: asyncio.Future[bool] | None = None
        self._on_failure = on_failure

    async def answer(self, ask: Ask, most_seconds: float) -> Response | None:
        """The visitor's answer by `ask`; None when the first one's, for which they wait no longer than `most_seconds`,
        was an error. Raises `OriginError`."""
        if self._fails is not None:
            await asyncio.wait((self._fails,), timeout=most_seconds)
            return None if self._fails.done() and self._fails.result() else await ask()
        self._fails, fails = asyncio.get_running_loop().create_future(), False
        try:
            answer = await ask()
            if fails := answer.status >= 500:
                self._on_failure(answer.status)
        except OriginError:
            fails = True
            raise
        finally:
            self._fails.set_result(fails)
        return answer


class Patience:
    """Of those who have waited long for a fetch one asks on their own, and the others go on waiting: all at once would
    make a slow origin slower, and none would have the page sooner. For each who is answered before the fetch is, two
    more may."""

    def __init__(self) -> None:
        self._may_ask = 1
        self._one_is_back: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def answer(self, ask: Ask, fetch: asyncio.Task[Outcome]) -> Response | None:
        """The visitor's own answer by `ask`; None once the fetch is over. Raises `OriginError`."""
        while not (self._may_ask or fetch.done()):
            await asyncio.wait((self._one_is_back, fetch), return_when=asyncio.FIRST_COMPLETED)
        if fetch.done():
            return None
        self._may_ask -= 1
        is_answered = False
        try:
            answer = await ask()
            is_answered = answer.status < 500
            return answer
        finally:
            self._may_ask += 2 if is_answered else 1
            self._one_is_back.set_result(None)
            self._one_is_back = asyncio.get_running_loop().create_future()


class Failures:
    """Which errors origins answer visitors as well as us: found out by a trial, and believed for `seconds`. The answer
    to a shared fetch that fails like this is its client's: a failing origin is not asked twice for each."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._found: dict[tuple[object, int], float] = {}

    def trial(self, origin: object, status: int) -> Trial:
        """The trial of whether this status is what a visitor's own request is answered, too."""

        def note(found: int) -> None:
            if found == status:
                self._found[origin, status] = self._clock()

        return Trial(note)

    def are_for_all(self, origin: object, status: int) -> bool:
        """Whether it was, a moment ago."""
        found_at = self._found.get((origin, status))
        return found_at is not None and 0 <= self._clock() - found_at < self._seconds


@dataclass(frozen=True, slots=True)
class NotShared:
    """The answer may not be shared, and was dropped. `reason` is one word, `status` the origin's."""

    reason: str
    status: int
    trial: Trial = field(default_factory=Trial, compare=False)

    @property
    def error(self) -> OriginError:
        """The same for those who do not ask themselves, for a status of 5xx."""
        status = self.status if self.status in (503, 504) else 502
        return OriginError(f"the origin answered {self.status}", reason="origin-error", status=status)


@dataclass(frozen=True, slots=True)
class Flowing:
    """An asset that is still coming: its head, and its body to be read once, by the client that asked first."""

    head: StoredResponse
    body: Tee


@dataclass(frozen=True, slots=True)
class Passed:
    """The answer may not be shared, but the client that asked first gets it: whoever receives this closes it."""

    reason: str
    answer: UpstreamResponse


Outcome = Entry | NotShared | OriginError


class SharedFetch:
    """One fetch under way for `key`, on behalf of `request`, by the `policy` of its page.

    * `stale`: the stored entry it may confirm; `needless`: cookies of its answer that the policy drops.
    * `told`: the fields that the origin chooses by, and was told; `unnamed`: those that its answer does not name;
      `plainly`: why not, and the status, where it was told none at first.
    * `is_led`: the client that asked first still waits. `flowing` is resolved for it when the body comes piece by
      piece, `passed` when the answer is its own.
    * `is_plain`: its client's own request would carry neither cookies nor credentials.
    * `requested_at`: Unix seconds. `is_void`: the key was forgotten meanwhile. `is_handed_over`: the answer is its
      client's, who closes it.
    """

    def __init__(self, sought: Sought, stale: Entry | None, *, is_led: bool, is_plain: bool = False) -> None:
        self.key = sought.key
        self.request = sought.shared
        self.policy = sought.policy
        self.stale = stale
        self.needless: tuple[bytes, ...] = ()
        self.told: Set[bytes] = frozenset()
        self.unnamed: Set[bytes] = frozenset()
        self.plainly: tuple[str, int] | None = None
        self.patience = Patience()
        self.is_led = is_led
        self.is_plain = is_plain
        self.is_void = self.is_handed_over = False
        self.requested_at = 0.0
        self.passed: Passed | None = None
        self.flowing: asyncio.Future[Flowing] = asyncio.get_running_loop().create_future()

    def hint(self, fields: Headers) -> None:
        """Tells the client that asked first of early hints, while it waits: the answer may be its own."""
        if self.is_led and self.request.on_hints is not None:
            self.request.on_hints(fields)

    def why_not_replaced(self, status: int, now: float, default_seconds: float) -> str:
        """Why an answer with this status does not replace the stored entry; "" when it may. An error of the origin does
        not while the entry may be shown in its place (RFC 9111 4.3.3), whatever lifetime the origin gives to all it
        says."""
        if status < 500 or self.stale is None:
            return ""
        return "origin-error" if may_serve_on_error(self.stale.stored, now, default_seconds=default_seconds) else ""

    async def leader_left(self) -> None:
        """The client that asked first has left: a body that will not be stored is not read on."""
        self.is_led = False
        if self.flowing.done():
            await self.flowing.result().body.aclose()
        if self.passed is not None:
            await self.passed.answer.aclose()


def is_down(outcome: NotShared | Passed | OriginError | None) -> bool:
    """True when the origin failed, or wants us to ask less, or its page broke off, or it was too slow for those who
    waited."""
    if isinstance(outcome, Passed):
        return _is_failure(outcome.answer.status)
    return not isinstance(outcome, NotShared) or _is_failure(outcome.status) or outcome.reason == DAMAGED


def _is_failure(status: int) -> bool:
    return status >= 500 or status == 429


def said_of_vain(outcome: NotShared | Passed | OriginError | None, forwarded: str) -> str:
    """What Cache-Status says of how a stale page came to stand in for `outcome`: a hit if nothing was `forwarded`
    (RFC 9211 2.1); else that, and the status of the origin's answer, if there was one."""
    if isinstance(outcome, OriginError) and outcome.reason in _NOT_SENT:
        return "hit"
    if outcome is None or isinstance(outcome, OriginError):
        return forwarded
    return f"{forwarded}; fwd-status={outcome.answer.status if isinstance(outcome, Passed) else outcome.status}"


async def let_go(outcome: NotShared | Passed | OriginError | None) -> None:
    """Closes what was passed on, if anything."""
    if isinstance(outcome, Passed):
        await outcome.answer.aclose()


def level_of(error: OriginError) -> int:
    """How loudly a failed request is logged: not at all where each request meets with the same."""
    return logging.DEBUG if error.reason in _EXPECTED else logging.WARNING


def tell_failure(metrics: Metrics, path: bytes, error: OriginError) -> None:
    """Counts and logs a failed request to the origin."""
    metrics.count("tailorbird_origin_errors_total", "reason", error.reason)
    log.log(level_of(error), "`%s` could not be fetched: %s", path.decode("latin-1"), error)
