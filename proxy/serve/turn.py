"""A turn: the state of an answer that is sent without ASGI, as far as uvicorn and we read it. (So is a `QuickTurn`.)"""

from __future__ import annotations

from typing import Any


class _Nobody:
    """Stands for the event that waits for more of a request body: there is none."""

    def set(self) -> None:
        """Does nothing."""


NOBODY = _Nobody()


class Turn:
    """`keep_alive` is False when the connection ends with the answer; `disconnected` when the client has gone."""

    __slots__ = ("disconnected", "keep_alive", "response_complete", "response_started")

    message_event: Any = NOBODY

    def __init__(self) -> None:
        self.keep_alive = True
        self.disconnected = self.response_started = self.response_complete = False


ANSWERED: Any = Turn()
"""Stands for the last answer on a connection that owes none, so that the answer itself is not kept while the client is
idle: it may have a whole body."""
ANSWERED.response_started = ANSWERED.response_complete = True
