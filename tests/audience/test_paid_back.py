"""What of orders was paid back or called off."""

from __future__ import annotations

import pytest

from proxy.audience.paid_back import paid_back
from proxy.model import Event

Back = tuple[str, float]
"""Its id and what it says was paid back."""


def order(id: str, value: float) -> Event:
    return Event(1, f"order completed:{id}", "order completed", value=value)


def back(number: int, id: str, value: float) -> Event:
    kind = id.partition(":")[0]
    return Event(2 + number, id, kind if kind.startswith("order ") else "order refunded", value=value)


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        ([("order refunded:7", 30.0)], [30.0]),
        ([("order refunded:7:a", 30.0), ("order refunded:7:b", 20.0)], [30.0, 20.0]),
        ([("order refunded:7", 0.0)], [100.0]),
        ([("order cancelled:7", 0.0)], [100.0]),
        ([("order refunded:7", -30.0)], [30.0]),
        ([("order cancelled:7", 100.0), ("order refunded:7:a", 100.0)], [100.0, 0.0]),
        ([("order refunded:7:a", 30.0), ("order cancelled:7", 0.0)], [30.0, 70.0]),
        ([("order refunded:7:a", 60.0), ("order refunded:7:b", 60.0)], [60.0, 40.0]),
        ([("shop:m-1", 120.0)], [120.0]),
        ([("order refunded:8", 120.0)], [120.0]),
        ([("order refunded:8", 0.0)], [0.0]),
        ([], []),
    ],
)
def test_no_more_is_taken_off_an_order_than_was_paid_and_all_where_no_amount_is_told(
    told: list[Back], taken: list[float]
) -> None:
    events = [order("7", 100.0), *(back(number, *one) for number, one in enumerate(told))]
    assert [one.amount for one in paid_back(events)] == taken


@pytest.mark.parametrize(
    ("id", "named", "is_named"),
    [
        ("order refunded:1", "1", True),
        ("order refunded:1:a", "1", True),
        ("order refunded:1:2", "1:2", True),
        ("order refunded:1:2:a", "1:2", True),
        ("order cancelled:12", None, True),
        ("shop:1", None, False),
    ],
)
def test_it_is_taken_off_the_order_it_names(id: str, named: str | None, is_named: bool) -> None:
    (one,) = paid_back([order("1", 9.0), order("1:2", 9.0), back(0, id, 1.0)])
    assert one.order == (order(named, 9.0) if named else None) and one.is_named is is_named
