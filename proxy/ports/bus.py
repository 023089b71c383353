"""What processes tell each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Told:
    """What came of telling the others. `live` names the processes that should have heard, the sender among them;
    `answers` has what each that has done it said, by its name. `is_cut_off` when there may be more of whom nothing is
    known just now."""

    live: frozenset[str]
    answers: Mapping[str, bytes]
    is_cut_off: bool = False

    @property
    def is_whole(self) -> bool:
        """True when every live process has done it."""
        return not self.is_cut_off and self.live <= self.answers.keys()


Hear = Callable[[bytes], Awaitable[bytes]]
"""Does what a message asks, and gives the answer to it; b"" when there is none to give."""


class Bus(Protocol):
    """Between the processes that serve one shop: the workers of a machine, and those of other machines. Small messages
    about what happened, each heard by every process, the sender among them; in which order is not promised."""

    name: str
    """This process's, among all of them."""

    is_alone: bool
    """There never are others: what is only for them need not be told."""

    def listen(self, topic: str, hear: Hear) -> None:
        """Has messages on `topic` done by `hear`, the only one for it. Before `open`."""

    async def open(self) -> None:
        """Begins to hear. Does not wait for a server that is away."""

    async def send(self, topic: str, payload: bytes = b"") -> Told:
        """Tells everybody, and waits until all have done it or a second is over. Raises nothing when somebody cannot be
        reached: `Told` says so."""

    async def tell(self, topic: str, payload: bytes = b"") -> None:
        """Tells everybody, and waits for nobody. Who is out of reach just now may never hear of it."""

    async def aclose(self) -> None:
        """Hears no more; idempotent."""
