"""Whether what must follow an event did follow, or what must not did not: `then:` and `then not:` of an action."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from math import inf
from operator import attrgetter

from proxy.audience.impressions import matches_kinds
from proxy.model import Event, Then

AT = attrgetter("at")


class Followers:
    """The events of a history, in order (`at`, then `id`), that may follow others: found by product if it must be the
    same, so that each event is looked at once, however many are asked about."""

    def __init__(self, then: Then, past: Sequence[Event]) -> None:
        self._then = then
        self._events: dict[str, list[Event]] = {}
        for event in past:
            if matches_kinds(event, then.kinds):
                for product in {item.product for item in event.items} if then.same_product else ("",):
                    self._events.setdefault(product, []).append(event)

    def count(self, event: Event, products: Collection[str], now: float) -> tuple[bool, float]:
        """Whether they make this event count, which is about these products; and when time alone changes that."""
        then, over_at = self._then, event.at + self._then.within_seconds
        follows = any(self._is_followed(event, over_at, each) for each in (products if then.same_product else ("",)))
        if then.wanted or follows:
            return follows == then.wanted, inf
        return now >= over_at, over_at if now < over_at else inf

    def _is_followed(self, event: Event, over_at: float, product: str) -> bool:
        events = self._events.get(product, ())
        first = bisect_left(events, event.at, key=AT)
        return any(one.at < over_at and one.id != event.id for one in events[first : first + 2])  # one may be itself
