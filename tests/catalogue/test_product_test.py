from __future__ import annotations

from math import inf

import pytest

from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.shopper import Shopper, shopper_of
from proxy.conditions.behaviours import VIEWED
from proxy.model import Event, Item, Product
from tests.catalogue.worlds import PRODUCTS, asking


@pytest.mark.parametrize(
    ("fit", "holding"),
    [
        (ProductTest("in stock"), {"HOTDOG", "MUSTARD", "KETCHUP", "TRAIL", "SCREE", "SOCK"}),
        (ProductTest("out of stock"), {"BUN"}),
        (ProductTest("product", frozenset({"bun"})), {"BUN"}),
        (ProductTest("category", frozenset({"food"})), {"HOTDOG", "MUSTARD", "KETCHUP", "BUN"}),
        (ProductTest("tag", frozenset({"new"})), {"SCREE"}),
        (ProductTest("brand", frozenset({"southwind"})), {"KETCHUP"}),
        (ProductTest("discount", high=50.0), {product.id for product in PRODUCTS}),
        (ProductTest("cheaper since viewed"), set()),
        (ProductTest("back in stock since viewed"), set()),
        (ProductTest("price", low=100.0, high=130.0), {"TRAIL"}),
        (ProductTest("words", frozenset({"products in cart"})), {"SOCK"}),
        (ProductTest("words", frozenset({"products viewed", "products bought"})), {"TRAIL", "BUN"}),
    ],
)
def test_what_fits(fit: ProductTest, holding: set[str]) -> None:
    shopper = asking(viewed=["TRAIL"], cart=["SOCK"], bought=["BUN"]).shopper
    assert {product.id for product in PRODUCTS if fit.test(shopper, 0.0)(product)} == holding


def test_what_is_on_sale_is_so_from_its_beginning_until_before_its_end() -> None:
    product = Product("a", "A", "/a", price=20.0, sale_price=5.0, sale_from=10.0, sale_until=20.0)
    of_moment = {now: ProductTest("on sale").test(asking().shopper, now)(product) for now in (9.0, 10.0, 19.0, 20.0)}
    assert of_moment == {9.0: False, 10.0: True, 19.0: True, 20.0: False}
    assert not ProductTest("on sale").test(asking().shopper, 15.0)(Product("b", "B", "/b", price=20.0))


def test_a_sale_price_is_what_counts_while_it_does() -> None:
    product = Product("a", "A", "/a", price=20.0, sale_price=5.0, sale_from=10.0, sale_until=20.0)
    cheap = ProductTest("price", high=10.0)
    assert [cheap.test(Shopper(), at)(product) for at in (9.0, 10.0, 20.0)] == [False, True, False]


def test_a_discount_is_in_percent_of_the_price_while_the_sale_lasts() -> None:
    product = Product("a", "A", "/a", price=19.99, sale_price=15.99, sale_from=10.0, sale_until=20.0)
    fifth, more = ProductTest("discount", low=20.0), ProductTest("discount", low=20.02)
    assert product.discount_at(15.0) == 20.01
    assert [fifth.test(Shopper(), at)(product) for at in (9.0, 10.0, 20.0)] == [False, True, False]
    assert not more.test(Shopper(), 15.0)(product)
    assert not fifth.test(Shopper(), 15.0)(Product("b", "B", "/b", sale_price=5.0))


@pytest.mark.parametrize(
    ("prices", "is_cheaper"),
    [
        ([20.0], True),
        ([20.0, 15.0], False),
        ([15.0, 20.0], True),
        ([15.004], False),
        ([0.0], False),
        ([20.0, 0.0], False),
        ([], False),
    ],
)
def test_cheaper_is_what_costs_less_than_when_it_was_looked_at_last(prices: list[float], is_cheaper: bool) -> None:
    looks = [Event(float(at), str(at), VIEWED, items=(Item("a", price=price),)) for at, price in enumerate(prices)]
    product = Product("a", "A", "/a", price=20.0, sale_price=15.0)
    assert ProductTest("cheaper since viewed").test(shopper_of(looks), 9.0)(product) is is_cheaper
    assert ProductTest("cheaper since viewed").reads_history


@pytest.mark.parametrize(
    ("fit", "text"),
    [
        (ProductTest("brand", frozenset({"northwind", "tarnwell"})), "brand northwind, tarnwell"),
        (ProductTest("affinity", frozenset({"brand"})), "affinity brand"),
        (ProductTest("words", frozenset({"products in cart"})), "products in cart"),
        (ProductTest("in stock"), "in stock"),
        (ProductTest("price", low=5.0, high=10.0), "price 5 to 10"),
        (ProductTest("price", low=5.0), "price from 5"),
        (ProductTest("price", low=-inf, high=10.0), "price up to 10"),
        (ProductTest("out of stock"), "out of stock"),
        (ProductTest("discount", low=20.0), "discount from 20"),
        (ProductTest("discount", low=20.0, high=20.0), "discount 20"),
        (ProductTest("cheaper since viewed"), "cheaper since viewed"),
    ],
)
def test_what_fits_is_told_as_editors_write_it(fit: ProductTest, text: str) -> None:
    assert str(fit) == text


@pytest.mark.parametrize(
    ("quantities", "is_back"), [([0.0], True), ([0.0, 1.0], False), ([1.0, 0.0], True), ([1.0], False), ([], False)]
)
def test_back_in_stock_is_what_was_sold_out_when_it_was_looked_at_last(quantities: list[float], is_back: bool) -> None:
    looks = [Event(float(at), str(at), VIEWED, items=(Item("a", quantity=many),)) for at, many in enumerate(quantities)]
    test = ProductTest("back in stock since viewed")
    assert test.test(shopper_of(looks), 9.0)(Product("a", "A", "/a")) is is_back
    assert not test.test(shopper_of(looks), 9.0)(Product("a", "A", "/a", in_stock=False)) and test.reads_history
