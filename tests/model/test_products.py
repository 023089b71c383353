"""The nouns keep the promises others rest on: those that say what is sold."""

from __future__ import annotations

import pytest

from proxy.model import Product


@pytest.mark.parametrize(("now", "price"), [(99.0, 20.0), (100.0, 15.0), (199.0, 15.0), (200.0, 20.0)])
def test_a_sale_price_counts_from_its_first_second_until_before_its_last(now: float, price: float) -> None:
    shirt = Product("1", "Shirt", "/1", price=20.0, sale_price=15.0, sale_from=100.0, sale_until=200.0)
    assert shirt.price_at(now) == price


def test_without_a_sale_price_it_costs_its_price() -> None:
    assert Product("1", "Shirt", "/1", price=20.0).price_at(0.0) == 20.0
