"""What is known not to be for everybody goes straight through: its request is on its way to the origin before the
client's bytes have been left, and its answer is handed to the client's connection by the origin's, without a task.

Everything that has to be waited for is the gateway's, which answers in the ordinary way: a connection or a turn that is
not there, a request to be made again, a page to be cut. The law: what comes out is the same either way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from proxy.errors import OriginError, RequestError
from proxy.http.message import Request, Response, as_lines
from proxy.http.outgoing import detail
from proxy.http.target import Sought, sought
from proxy.httpcache.memory import Marks, Memory
from proxy.metrics import Metrics
from proxy.ports import UpstreamResponse
from proxy.rulebook.policy import PagePolicy
from proxy.serve.own import Own
from proxy.serve.pages import Entry
from proxy.serve.personal import Personal
from proxy.settings import Settings
from proxy.upstream.exchange import Exchange

Give = Callable[[Response | Awaitable[Response] | None], None]
"""Takes what came: an answer whose stream is an exchange, or that is whole; one to be waited for; or None, when the
request has to be made in the ordinary way after all."""


class Straight:
    """The way to `own`. `fill` has the cache filled if an answer looks as if it were for everybody, `policy_of` tells
    the operator's policy for a path."""

    def __init__(
        self,
        own: Own,
        memory: Memory[Entry],
        marks: Marks,
        personal: Personal,
        policy_of: Callable[[bytes], PagePolicy | None],
        fill: Callable[[Sought, UpstreamResponse], None],
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._own = own
        self._memory = memory
        self._marks = marks
        self._personal = personal
        self._policy_of = policy_of
        self._fill = fill
        self._is_off = settings.clients_may_refresh  # then there is more to be read in a request
        self._bypasses = metrics.tally("tailorbird_cache_requests_total", "status", "bypass")
        self._clock = clock

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when the request is on its way: `give` is called once, later."""
        question = request.question
        if question is None or self._is_off or request.get(b"range") is not None:
            return False
        if self._memory.get(question.key, request) is not None or self._policy_of(request.path) is not None:
            return False
        reason = self._marks.reason(question.key, now)
        if not reason and not self._personal.is_personal(request.headers):
            return False
        try:
            return self._own.begins(request, partial(self._take, request, reason or "", give))
        except RequestError:  # raised once more where it is answered
            return False

    def _take(self, request: Request, reason: str, give: Give, answer: UpstreamResponse | OriginError | None) -> None:
        if answer is None:
            give(None)
        elif isinstance(answer, OriginError):
            give(self._own.failed(request, answer))
        else:
            self._bypasses.count += 1
            if not reason:
                self._fill(sought(request, None), answer)
            said = f"fwd=bypass; {detail(reason or 'cookies')}"
            try:
                response = self._at_once(request, answer, said)
            except OriginError as error:
                response = self._own.failed(request, error)
                if isinstance(answer.body, Exchange):
                    answer.body.let_go()
            give(self._waited_for(request, answer, said) if response is None else response)

    def _at_once(self, request: Request, answer: UpstreamResponse, said: str) -> Response | None:
        if self._own.is_streamed(request, answer):
            response: Response | None = self._own.streamed(answer, said)
        else:
            body = answer.body.whole if isinstance(answer.body, Exchange) else None
            response = None if body is None else self._own.at_once(request, answer, body, self._clock(), said)
        if response is not None and not response.lead:
            response.lead = as_lines(response.headers)
        return response

    async def _waited_for(self, request: Request, answer: UpstreamResponse, said: str) -> Response:
        try:
            return await self._own.answer(request, answer, self._clock(), said)
        except OriginError as error:
            return self._own.failed(request, error)
