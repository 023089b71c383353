"""A brief exchange: one that is over with a single read.

Most answers are there whole when the first bytes of them are, in a manner that the origin has answered in before. Then
there is nothing to be parsed, kept or waited for, and what does all that (`exchange.py`, `answer.py`) need not be made.
Its law: whatever else the origin does, or does not do in time, is heard by an exchange that takes the place of this, as
if it had been there from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.errors import Fault
from proxy.upstream.connection import Connection, heard
from proxy.upstream.exchange import Exchange
from proxy.upstream.plain import Plain


class Origin(Protocol):
    """Where it was sent."""

    @property
    def known(self) -> Callable[[bytes], Plain | None]:
        """The head that bytes begin with, if the origin's last answers had the like."""

    def settle(self, brief: Brief) -> None:
        """The answer came whole: the connection is free."""

    def give_up(self, brief: Brief) -> None:
        """The connection is of no use any more."""


class Brief:
    """A request for GET without a body, on its way since `begun`. Whoever asks says what becomes of it: `came`,
    `exchange`."""

    __slots__ = ("begun", "connection", "deadline", "origin")

    origin: Origin
    connection: Connection
    begun: float
    deadline: float

    def came(self, head: Plain, body: memoryview) -> None:
        """The whole answer."""
        raise NotImplementedError

    def exchange(self) -> Exchange:
        """What hears the connection from now on."""
        raise NotImplementedError

    def failed(self) -> None:
        """There will be no answer; but it may have come already."""
        raise NotImplementedError

    # -- called by the connection, and by `Patience`

    def received(self, data: bytes) -> None:
        """As `Listener`."""
        head = self.origin.known(data)
        if head is None or len(data) - head.body_at != head.length:
            heard(exchange := self.exchange(), exchange.received, data)
        else:
            self.came(head, memoryview(data)[head.body_at :])
            self.origin.settle(self)

    def ended(self, error: Exception | None) -> None:
        """As `Listener`."""
        heard(exchange := self.exchange(), exchange.ended, error)

    def look(self, now: float) -> None:
        """As `Waiting`."""
        heard(exchange := self.exchange(), exchange.look, now)

    def broke(self, fault: Fault) -> None:
        """As `Listener`."""
        self.origin.give_up(self)
        self.failed()
