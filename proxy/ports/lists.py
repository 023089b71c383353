"""What a store keeps beside visitors: recorded page views, what pages say of products, messages to webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.model import Delivery, Followed, Sighting, Standing, View


class ViewLog(Protocol):
    """The page views recorded last, in order. Any method may raise `StoreError`."""

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        """Appends views and keeps the last `most` of all. Views of a visitor who was erased since are dropped."""

    async def get_views(self, most: int) -> list[View]:
        """The last `most` views, the oldest first. One that cannot be read is left out."""

    async def erase_views(self, visitor_id: str) -> int:
        """Deletes every view of that visitor; returns how many."""

    async def forget_views(self, before: float) -> int:
        """Deletes every view from before that moment (Unix seconds); returns how many."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


class Sightings(Protocol):
    """What pages and changes said of products, the last word on each. Any method may raise `StoreError`."""

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        """Replaces what was said of these products before, and keeps the newest `most` of all."""

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        """The next `most` in the order they were put, and the number to go on after; 0 is before the first. The same
        number when nothing new has come. One that cannot be read is left out."""

    async def aclose(self) -> None:
        """Closes what is open."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages wait for a webhook, since when the oldest does (0 for none), and how many were given up."""

    waiting: int = 0
    since: float = 0.0
    given_up: int = 0


class Outbox(Protocol):
    """What webhooks were told of visitors, and the messages still to be sent, in order. Any method may raise
    `StoreError`. One process at a time has the lead and changes it; all may read."""

    async def lead(self, name: str, now: float, seconds: float) -> bool:
        """Asks for the lead, or renews it, for `seconds` from `now`; True when the process of this name has it. Once it
        has lapsed, whoever asks next gets it."""

    async def followed(self) -> Followed:
        """How far the log was followed."""

    async def standings(self, visitor_ids: Sequence[str]) -> dict[str, Standing]:
        """By visitor id; without those of whom nothing was told and nothing is due."""

    async def due(self, now: float, most: int) -> list[str]:
        """Visitors whose standing may have changed by `now`, the longest due first."""

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
        """In one step: replaces the standings (one that says nothing is deleted), appends the deliveries, and stores
        how far the log was followed. Raises `StoreError` unless the process of this `name` has the lead. Nothing is
        stored of visitors who were erased at `now` or since."""

    async def first(self, webhook: str, most: int) -> list[Delivery]:
        """The oldest `most` messages that wait for a webhook, in order."""

    async def waiting(self, webhook: str) -> int:
        """How many messages wait for a webhook."""

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        """Deletes messages that were delivered, whether they waited or had been given up."""

    async def give_up(self, delivery: Delivery) -> None:
        """Moves a message to those given up, with its `reason`; the newest 10,000 of these are kept."""

    async def given_up(self) -> list[Delivery]:
        """The messages given up, oldest first."""

    async def again(self, deliveries: Sequence[Delivery], now: float) -> None:
        """Queues messages that were given up once more, at the end."""

    async def counts(self) -> Mapping[str, Waiting]:
        """How much waits and was given up, by webhook."""

    async def of(self, visitor_ids: Collection[str]) -> tuple[list[Standing], list[Delivery]]:
        """All standings and messages of these visitors."""

    async def erase(self, visitor_ids: Collection[str]) -> int:
        """Deletes all of that; returns how much it was."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""
