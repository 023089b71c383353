"""Messages between the processes that serve one shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies to a message. `live` names the processes that should have received it, the sender among them;
    `answers` has, by its name, the answer of each process that has handled it. `is_cut_off`: there may be other
    processes that could not be reached."""

    live: frozenset[str]
    answers: Mapping[str, bytes]
    is_cut_off: bool = False

    @property
    def is_whole(self) -> bool:
        """True if every live process has handled the message and no other may exist."""
        return not self.is_cut_off and self.live <= self.answers.keys()


OnMessage = Callable[[bytes], Awaitable[bytes]]
"""Handles a message's payload and returns the answer, b"" for none."""

ID_BYTES = 12
"""The length of a message's random id, which stands before its payload."""

PROFILES = "profiles"
"""The topic of all messages that name visitors."""

MISSED = "missed"
"""The topic of a message that the bus itself sends to its own process: it was cut off for a while, and messages may be
lost whose senders did not wait for it."""


class Bus(Protocol):
    """Sends small messages to all processes that serve one shop. Every process receives each message, the sender too;
    the order is not guaranteed."""

    name: str
    """The unique name of this process."""

    is_alone: bool
    """True if there never are other processes, so that a message only for others need not be sent."""

    def listen(self, topic: str, on_message: OnMessage) -> None:
        """Sets the handler of a topic, one at most. To be called before `open`."""

    async def open(self) -> None:
        """Begins to receive messages. Does not wait for a server that cannot be reached."""

    async def request(self, topic: str, payload: bytes = b"") -> Replies:
        """Sends to every process and waits until all have handled it, a second at most. Does not raise if a process
        cannot be reached: see `Replies`."""

    async def publish(self, topic: str, payload: bytes = b"") -> None:
        """Sends to every process without waiting. A process that cannot be reached may never receive it."""

    async def aclose(self) -> None:
        """Stops receiving; idempotent."""
