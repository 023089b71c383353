"""A request that goes to the origin as earlier ones did: one object is both the client's turn and the listener of the
origin's connection, which for most answers is all that is needed.

Its law: the request and its answer are what `Straight.begins` would make of them. As soon as the origin does anything
but answer whole with a known head, `Straight` takes over.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Protocol

from proxy.errors import Fault
from proxy.http.forwarding import Common
from proxy.http.message import Own, Question, Request, Response
from proxy.model import HeadShape
from proxy.upstream.brief import Brief
from proxy.upstream.exchange import Exchange
from proxy.upstream.origin import OriginTransport
from proxy.upstream.plain import Plain
from proxy.upstream.relay import Owed


class _Nobody:
    """Who would wait for more of the request: it was whole."""

    def set(self) -> None:
        """Nobody is told."""


NOBODY = _Nobody()


class Client(Protocol):
    """The connection that a request came on."""

    @property
    def address(self) -> str: ...

    def given(self, turn: Owed, status: int, lead: bytes, *body: bytes | memoryview) -> None:
        """Takes the whole answer, whose length is told in `lead`."""

    def went_straight(
        self, turn: Owed, request: Request, answer: Response | Awaitable[Response] | Fault | None
    ) -> None:
        """Takes any other, as `Give`."""

    def failed(self, turn: Owed) -> None:
        """There will be none: we failed over it."""

    def may_hint(self, request: Request) -> None:
        """Has the client told of early hints, if it may expect any."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What requests for one question have in common: the origin they go to, the common part of their head, `ours` (our
    own address, which takes the place of the origin's in its answers), whether credentials make each somebody's own,
    and whether JSON at the path may have slots. `ways` remembers how answers of a shape are handed on."""

    origin: OriginTransport
    common: Common
    ours: bytes
    is_personal: bool
    may_have_slots: bool
    ways: dict[HeadShape | None, tuple[Any, HeadShape]] = field(default_factory=dict)


class Straight(Protocol):
    """What knows the way, and what its answers mean."""

    def waits_for(self, passage: Passage, head: Plain) -> float:
        """As `Brief`."""

    def came(self, passage: Passage, head: Plain, body: memoryview) -> None:
        """The whole answer."""

    def go_on(self, passage: Passage) -> Exchange:
        """An exchange for it."""


class Passage(Brief):
    """`reason` is why nothing but the visitor's own request will do, "" where it is for the answer to say. What a turn
    has is as `Turn` has it."""

    __slots__ = (
        "client", "course", "disconnected", "keep_alive", "own", "question", "reason", "response_complete",
        "response_started", "straight",
    )  # fmt: skip

    message_event: Any = NOBODY

    def __init__(
        self, straight: Straight, course: Course, question: Question, own: Own, client: Client, reason: str
    ) -> None:
        self.straight = straight
        self.course = course
        self.question = question
        self.own = own
        self.client = client
        self.reason = reason
        self.keep_alive = True
        self.disconnected = self.response_started = self.response_complete = False

    def waits_for(self, head: Plain) -> float:
        return self.straight.waits_for(self, head)

    def came(self, head: Plain, body: memoryview) -> None:
        self.straight.came(self, head, body)

    def exchange(self) -> Exchange:
        return self.straight.go_on(self)

    def failed(self) -> None:
        self.client.failed(self)

    def request(self) -> Request:
        """The request, where more is to be read in it."""
        request = self.question.request(self.own, self.client.address)
        self.client.may_hint(request)
        return request
