"""A month of made-up visitors, so that the demo's *Results* have an experiment to tell of.

What they do is drawn, by the rates below; results are then counted from their events, as everybody's are. Each is in
the arm that the proxy would have put them into. Every run draws the same visitors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from proxy.audience.results import ARM, DEVICE, SLOT
from proxy.bucketing import BUCKETS, EXPERIMENT, bucket
from proxy.model import Arrival, Event

NAME, PLACE = "Gifts or bestsellers", "home.row"
"""The experiment in `rules/home.rules.yaml`, whose two arms have equal shares, and its slot."""
VISITORS = 4_000
MONTH_SECONDS = 28 * 86_400.0


class Rates(NamedTuple):
    """Of 10,000 visitors of an arm, so many begin to pay, and so many of these order."""

    paying: int
    ordering: int


ARMS: Mapping[str, Rates] = {"gifts": Rates(1_700, 900), "bestsellers": Rates(2_200, 1_400)}


def month_before(now: float) -> Iterator[Arrival]:
    """What the visitors did in the four weeks before `now` (Unix seconds)."""
    for number in range(VISITORS):
        yield from _visit(f"made-up-{number}", now)


def _visit(visitor_id: str, now: float) -> Iterator[Arrival]:
    came = now - MONTH_SECONDS * (_drawn("came", visitor_id) + 1) / (BUCKETS + 1)
    arm = list(ARMS)[bucket(EXPERIMENT + NAME, visitor_id) * len(ARMS) // BUCKETS]
    device = "phone" if _drawn("device", visitor_id) < 6_000 else "desktop"
    seen: dict[str, str | float | bool] = {SLOT + PLACE: NAME + ARM + arm, DEVICE: device}
    yield _arrival(visitor_id, Event(came, "view", "page viewed", "/", shown=(NAME,)), seen)
    goes_on = _drawn("going on", visitor_id)
    if goes_on < ARMS[arm].paying:
        yield _arrival(visitor_id, Event(came + 240, "pay", "checkout started"), {})
    if goes_on < ARMS[arm].ordering:
        value = 20.0 + _drawn("value", visitor_id) / 100
        yield _arrival(visitor_id, Event(came + 600, "order", "order completed", value=value), {"currency": "EUR"})


def _arrival(visitor_id: str, event: Event, details: dict[str, str | float | bool]) -> Arrival:
    event = replace(event, id=f"demo:{visitor_id}:{event.id}")
    return Arrival(visitor_id, event, "demo", event.at, details=details)


def _drawn(what: str, visitor_id: str) -> int:
    return bucket(f"demo {what}:", visitor_id)
