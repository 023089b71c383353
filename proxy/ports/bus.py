"""Messages between the processes that serve one shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Replies:
    """What came of a message: `live` names the processes that should have received it, the sender among them; `answers`
    has the answer of each that has handled it, by its name. `is_cut_off`: there may be processes that could not be
    reached."""

    live: frozenset[str]
    answers: Mapping[str, bytes]
    is_cut_off: bool = False

    @property
    def is_whole(self) -> bool:
        """True when every live process has done it."""
        return not self.is_cut_off and self.live <= self.answers.keys()


OnMessage = Callable[[bytes], Awaitable[bytes]]
"""Handles a message's payload and returns the answer; b"" when there is none to give."""

MISSED = "missed"
"""The topic on which a bus itself says that messages may have passed this process by, whose senders did not count on
it."""


class Bus(Protocol):
    """Small messages about what happened, between the workers of a machine and those of other machines. Every process
    receives each of them, the sender too; the order is not promised."""

    name: str
    """This process's, among all of them."""

    is_alone: bool
    """True when there never are other processes, so that what is only for them need not be sent."""

    def listen(self, topic: str, on_message: OnMessage) -> None:
        """Has messages on `topic` handled by `on_message`, of which there is one a topic. To be called before
        `open`."""

    async def open(self) -> None:
        """Begins to receive messages. Does not wait for a server that is away."""

    async def send(self, topic: str, payload: bytes = b"") -> Replies:
        """Sends to every process and waits until all have handled it, or a second is over. Raises nothing when a
        process cannot be reached: `Replies` says so."""

    async def tell(self, topic: str, payload: bytes = b"") -> None:
        """Sends to every process and waits for none. One that is out of reach may never receive it."""

    async def aclose(self) -> None:
        """Receives no more; idempotent."""
