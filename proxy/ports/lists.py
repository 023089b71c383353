"""What a store keeps beside visitors: page views, what pages told of products, what webhooks are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.model import Delivery, Followed, Sighting, Standing, View


class ViewLog(Protocol):
    """The page views recorded last, in order. Any method may raise `StoreError`."""

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        """Adds views to the end; of all that are kept, only the last `most` stay. One of who was erased since does not
        come in."""

    async def get_views(self, most: int) -> list[View]:
        """The last `most` views, the oldest first. One that cannot be read is left out."""

    async def erase_views(self, visitor_id: str) -> int:
        """Forgets every view of that visitor; how many those were."""

    async def forget_views(self, before: float) -> int:
        """Forgets every view from before that moment (Unix seconds); how many those were."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


class Sightings(Protocol):
    """What pages and changes told of products, the last word on each. Any method may raise `StoreError`."""

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        """Takes the place of what was told of these products before; of all, only the `most` told of last stay."""

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        """The next in the order they were put, at most so many, and the number to go on after; 0 is before the first.
        One that cannot be read is left out. The same number, when nothing new has come."""

    async def aclose(self) -> None:
        """Closes what is open."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for a webhook, since when the first of it does (0 for nothing), and how much was given up."""

    waiting: int = 0
    since: float = 0.0
    given_up: int = 0


class Outbox(Protocol):
    """What webhooks were told of visitors and what they are still to hear, in order. Any method may raise
    `StoreError`. One process at a time has the lead and works on it; the others may look."""

    async def lead(self, name: str, now: float, seconds: float) -> bool:
        """Whether the process of this name has the lead, for so long from now on. It has it for as long as it asks in
        time; then whoever asks next."""

    async def followed(self) -> Followed:
        """How far the log was followed."""

    async def standings(self, visitor_ids: Sequence[str]) -> dict[str, Standing]:
        """Of those of these visitors of whom anything was told, or is to be looked at later."""

    async def due(self, now: float, most: int) -> list[str]:
        """The visitors whose standing may have changed by now, those due first."""

    def standing(self) -> AsyncIterator[str]:
        """The visitors who have a standing, in no order."""

    async def put(
        self,
        name: str,
        standings: Sequence[Standing],
        deliveries: Sequence[Delivery],
        followed: Followed | None,
        now: float,
    ) -> None:
        """In one step, by the process of this name, which must have the lead (else `StoreError`): takes the standings
        in place of those before (none for one that says nothing), adds the deliveries to the end, and says how far the
        log was followed. What was found out at `now` does not come in of who was erased then or since."""

    async def first(self, webhook: str, most: int) -> list[Delivery]:
        """What has waited longest for a webhook, in order."""

    async def waiting(self, webhook: str) -> int:
        """How much waits for a webhook."""

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        """They have arrived: they wait no longer, nor are they among those given up."""

    async def give_up(self, delivery: Delivery) -> None:
        """It waits no longer, and is kept with its `reason`, among the newest 10,000."""

    async def given_up(self) -> list[Delivery]:
        """Those given up, oldest first."""

    async def again(self, deliveries: Sequence[Delivery], now: float) -> None:
        """Those given up wait again, at the end."""

    async def counts(self) -> Mapping[str, Waiting]:
        """By webhook."""

    async def of(self, visitor_ids: Collection[str]) -> tuple[list[Standing], list[Delivery]]:
        """All that is kept of these visitors."""

    async def erase(self, visitor_ids: Collection[str]) -> int:
        """Forgets all of that; how much it was."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""
