"""A brief exchange: one that is over with a single read.

Most answers are there whole when the first bytes of them are, in a manner that the origin has answered in before. Then
there is nothing to be parsed, kept or waited for, and what does all that (`exchange.py`, `answer.py`) need not be made.
Its law: whatever else the origin does, or does not do in time, is heard by an exchange that takes the place of this, as
if it had been there from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.upstream.connection import Connection
from proxy.upstream.exchange import Exchange
from proxy.upstream.plain import Plain


class Origin(Protocol):
    """Where it was sent."""

    @property
    def known(self) -> Callable[[bytes], Plain | None]:
        """The head that bytes begin with, if the origin's last answers had the like."""

    def settle(self, brief: Brief) -> None:
        """The answer came whole: the connection is free."""


class Brief:
    """A request for GET without a body, on its way since `begun`. Whoever asks says what becomes of it: `came`,
    `exchange`."""

    __slots__ = ("begun", "connection", "deadline", "origin")

    origin: Origin
    connection: Connection
    begun: float
    deadline: float

    def came(self, head: Plain, body: memoryview) -> None:
        """The whole answer; its connection has been let go of."""
        raise NotImplementedError

    def exchange(self) -> Exchange:
        """What hears the connection from now on."""
        raise NotImplementedError

    # -- called by the connection, and by `Patience`

    def received(self, data: bytes) -> None:
        """As `Listener`."""
        head = self.origin.known(data)
        if head is None or len(data) - head.body_at != head.length:
            self.exchange().received(data)
        else:
            self.origin.settle(self)
            self.came(head, memoryview(data)[head.body_at :])

    def ended(self, error: Exception | None) -> None:
        """As `Listener`."""
        self.exchange().ended(error)

    def look(self, now: float) -> None:
        """As `Waiting`."""
        self.exchange().look(now)
