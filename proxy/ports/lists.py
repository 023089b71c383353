"""What a store keeps besides visitors: recorded page views, product data from pages, and messages to webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from proxy.model import Delivery, LogProgress, Sighting, Standing, View


class ViewLog(Protocol):
    """The newest recorded page views, in order. Any method may raise `StoreError`."""

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        """Appends views and keeps the newest `most` of all. Views of a visitor who was erased meanwhile are dropped."""

    async def get_views(self, most: int) -> list[View]:
        """The newest `most` views, oldest first, without those that cannot be read."""

    async def erase_views(self, visitor_id: str) -> int:
        """Deletes every view of that visitor; returns how many."""

    async def forget_views(self, before: float) -> int:
        """Deletes every view from before that moment (Unix seconds); returns how many."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""


class Sightings(Protocol):
    """The newest `Sighting` of each product by each source. Any method may raise `StoreError`."""

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        """Replaces earlier ones with the same key, and keeps the newest `most` of all."""

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        """The next `most` in the order they were put, without those that cannot be read, and the number to pass as
        `after` next time: the same if there was nothing new. 0 is before the first."""

    async def aclose(self) -> None:
        """Closes what is open."""


class Failure(NamedTuple):
    """When a webhook did not take a message (Unix seconds), and why, in a few words."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages wait for a webhook, since when the oldest waits (Unix seconds, 0 for none), how many were given
    up, and the last failure since the oldest waits, if any."""

    waiting: int = 0
    since: float = 0.0
    given_up: int = 0
    failure: Failure | None = None


class Outbox(Protocol):
    """The segments that webhooks know of visitors (`Standing`), and the messages still to be sent, in order. One
    process at a time has the lead and writes; all may read. Any method may raise `StoreError`."""

    async def lead(self, name: str, now: float, seconds: float) -> bool:
        """Asks for the lead, or renews it, for `seconds` from `now`; True when the process of this name has it. Once it
        has lapsed, whoever asks next gets it."""

    async def progress(self) -> LogProgress:
        """How far the event log was followed."""

    async def standings(self, visitor_ids: Sequence[str]) -> dict[str, Standing]:
        """The standings of these visitors, by id; without those that are empty and not due."""

    async def due(self, now: float, most: int) -> list[str]:
        """At most `most` visitors whose segments may have changed by `now`, the longest due first."""

    def visitors(self) -> AsyncIterator[str]:
        """The visitors who have a standing, in no order."""

    async def put(
        self,
        name: str,
        standings: Sequence[Standing],
        deliveries: Sequence[Delivery],
        progress: LogProgress | None,
        now: float,
    ) -> None:
        """Replaces the standings (an empty one is deleted), appends the deliveries and stores the progress, all in one
        transaction. Raises `StoreError` unless the process of this `name` has the lead. Nothing is stored of visitors
        who were erased at `now` or later."""

    async def oldest(self, webhook: str, most: int) -> list[Delivery]:
        """The oldest `most` messages that wait for a webhook, in order."""

    async def waiting(self, webhook: str) -> int:
        """How many messages wait for a webhook."""

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        """Deletes messages that were delivered, whether they waited or had been given up."""

    async def give_up(self, delivery: Delivery) -> None:
        """Moves a message to those given up, with its `reason`; the newest 10,000 of these are kept."""

    async def given_up(self) -> list[Delivery]:
        """The messages given up, oldest first."""

    async def requeue(self, deliveries: Sequence[Delivery], now: float) -> None:
        """Appends messages that were given up to the queue again."""

    async def note_failure(self, webhook: str, failure: Failure) -> None:
        """Notes the latest failure of a webhook, for `counts`."""

    async def counts(self) -> Mapping[str, Waiting]:
        """The counts of each webhook, by its name."""

    async def stored_of(self, visitor_ids: Collection[str]) -> tuple[list[Standing], list[Delivery]]:
        """All standings and messages of these visitors."""

    async def erase(self, visitor_ids: Collection[str]) -> int:
        """Deletes all standings and messages of these visitors; returns how many."""

    async def aclose(self) -> None:
        """Lets go of files and sockets; idempotent."""
