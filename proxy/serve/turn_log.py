"""What is noted of the answers of a connection while they are owed: counted for `/metrics` when they end, and logged if
there is an access log."""

from __future__ import annotations

from time import monotonic
from typing import NamedTuple

from proxy.http.message import OriginWait, Request
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.serve.accesslog import AccessLog
from proxy.serve.logline import LoggedRequest
from proxy.serve.quick_turn import QuickTurn
from proxy.upstream.relay import OwedAnswer

GONE = 499
"""The status logged when the client left before the answer, as nginx has it."""


class TurnLog:
    """The answers of one connection, but for those that the fast lane gives to repeated requests."""

    def __init__(self, metrics: Metrics, log: AccessLog | None) -> None:
        self._metrics = metrics
        self._log = log
        self._asked: dict[OwedAnswer, _Asked] = {}
        self._began: dict[OwedAnswer, _Began] = {}

    def asked(self, turn: OwedAnswer, asked: LoggedRequest, *, instead_of: OwedAnswer | None = None) -> None:
        """Notes that an answer is owed from now on, or in place of another."""
        before = None if instead_of is None else self._asked.pop(instead_of, None)
        if before is not None:
            self._asked[turn] = before._replace(request=asked)
        else:
            self._asked[turn] = _Asked(monotonic(), 0.0 if self._log is None else self._log.clock(), asked)
        if self._log is not None and isinstance(asked, Request) and asked.wait is None:
            asked.wait = OriginWait()

    def answer_began(self, turn: OwedAnswer, status: int, head: Headers | bytes, at: float | None = None) -> None:
        """Notes the status and the head of an answer, which began now or `at` (monotonic)."""
        waited = turn.waited() if self._log is not None and isinstance(turn, QuickTurn) else 0.0
        self._began[turn] = _Began(monotonic() if at is None else at, status, head, waited)

    def turn_ended(self, turn: OwedAnswer, *, is_whole: bool) -> None:
        """Notes that an answer is complete, or broke off; counts and logs it."""
        began, asked = self._began.pop(turn, None), self._asked.pop(turn, None)
        if asked is None:
            return
        if began is None:
            self._metrics.count("tailorbird_answers_total", "status", "gone")
        else:
            self._metrics.answered(began.status, began.at - asked.at)
        if self._log is None:
            return
        _, status, head, waited = began or _Began(0.0, GONE, b"", 0.0)
        if isinstance(asked.request, Request) and asked.request.wait is not None:
            waited = asked.request.wait.seconds
        seconds = self._log.clock() - asked.time
        line = self._log.lines.of(asked.time, asked.request, status, head, seconds, waited, is_whole=is_whole)
        self._log.add([(asked.time, line)])

    def forget(self, turn: OwedAnswer) -> None:
        """Neither counts nor logs an answer that is not owed after all."""
        self._asked.pop(turn, None)

    def answered(self, asked: LoggedRequest, status: int, head: Headers | bytes, seconds: float = 0.0) -> None:
        """Counts and logs a request that was answered at once, or after some time."""
        self._metrics.answered(status, seconds)
        if self._log is not None:
            at = self._log.clock()
            self._log.add([(at, self._log.lines.of(at, asked, status, head))])


class _Asked(NamedTuple):
    at: float  # monotonic
    time: float  # Unix seconds, for the log
    request: LoggedRequest


class _Began(NamedTuple):
    at: float  # monotonic
    status: int
    head: Headers | bytes
    waited: float  # for the origin, in seconds
