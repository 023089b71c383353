"""The catalogue that rules are checked against."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.model import Product
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.compile import load
from tests.catalogue.worlds import PRODUCTS


def test_names_are_found_in_any_case_and_categories_with_those_above_them() -> None:
    names = Assortment(PRODUCTS).names
    assert names["product"]["hotdog"] == "HOTDOG"
    assert {"food", "food/sauces"} <= names["category"].keys()
    assert names["brand"]["northwind"] == "Northwind" and names["tag"]["new"] == "New"


def test_a_product_without_a_brand_or_category_brings_no_name() -> None:
    names = Assortment([Product("A", "A", "/p/A")]).names
    assert (names["brand"], names["category"], names["tag"]) == ({}, {}, {})


def test_a_product_is_looked_up_and_without_any_it_is_false() -> None:
    assert Assortment(PRODUCTS).get("SOCK") is PRODUCTS[-1] and Assortment(PRODUCTS).get("none") is None
    assert Assortment(PRODUCTS) and not Assortment(())


class Counted(tuple[Product, ...]):
    """Products that count how often somebody goes through all of them."""

    times = 0

    def __iter__(self) -> Iterator[Product]:
        type(self).times += 1
        return super().__iter__()


SHOW = "{title: x, strategy: {popular in: food}, only: {brand: Northwind}, pin: {product: HOTDOG}}"


def passes(rules: int) -> int:
    """How often a catalogue is gone through to check so many rules with products."""
    lines = (f"- {{name: r{n}, slot: home.row, show: {{products: {SHOW}}}}}\n" for n in range(rules))
    text = f"rules:\n{''.join(lines)}"
    before = Counted.times
    loaded = load({"slots.yaml": b"slots: {home.row: {}}", "a.rules.yaml": text.encode()}, catalogue=Counted(PRODUCTS))
    assert loaded.publication and len(loaded.publication.asks) == rules
    return Counted.times - before


def test_many_rules_with_products_do_not_go_through_the_catalogue_for_each() -> None:
    assert passes(50) == passes(2)
