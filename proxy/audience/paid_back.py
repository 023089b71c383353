"""What of orders was paid back or called off: of each no more than was paid, and all of it where no amount is told, as
shops say it of a whole order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from proxy.conditions.behaviours import BOUGHT, PAID_BACK
from proxy.model import Event


class PaidBack(NamedTuple):
    """An event that takes `amount` off what was paid. Its `order` is None where it names none, or one that is not among
    these events: `is_named` tells which."""

    event: Event
    order: Event | None
    amount: float
    is_named: bool


def paid_back(events: Sequence[Event]) -> Iterator[PaidBack]:
    """Everything of these events, in order, that was paid back or called off. Many shops call an order off and pay it
    back, too: of what is gone already nothing is taken again."""
    backs = [event for event in events if event.kind in PAID_BACK]
    if not backs:
        return
    orders = {event.id: event for event in events if event.kind == BOUGHT}
    left = {id: order.value for id, order in orders.items()}
    for event in backs:
        names = _order_named(event)
        order, amount = _longest(names, orders), abs(event.value)  # some write what was paid back below zero
        if order:
            amount = min(amount or order.value, left[order.id])
            left[order.id] -= amount
        yield PaidBack(event, order, amount, bool(names))


def _order_named(event: Event) -> str:
    """The order's id and, of what is paid back in parts, the part's; "" where no order is named. Ids are as
    `events/intake.py` makes them."""
    return event.id.removeprefix(f"{event.kind}:") if event.id.startswith(f"{event.kind}:") else ""


def _longest(names: str, orders: Mapping[str, Event]) -> Event | None:
    """The order whose id this is, or what stands before a colon in it: `1:2` may be the order 1:2, or a part of 1."""
    while names:
        if order := orders.get(f"{BOUGHT}:{names}"):
            return order
        names = names.rpartition(":")[0]
    return None
