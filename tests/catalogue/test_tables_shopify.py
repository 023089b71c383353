from __future__ import annotations

import pytest

from proxy.catalogue.products import Problem
from proxy.catalogue.tables import shopify_rows

SHARED = {"handle": "shoe", "title": "Shoe", "vendor": "Northwind", "image_src": "/shoe.jpg", "variant_price": "5"}


def words(**cells: str) -> dict[str, object]:
    (row,) = shopify_rows([(2, {**SHARED, **cells})])
    assert not isinstance(row, Problem)
    return dict(row[1])


@pytest.mark.parametrize(
    ("cells", "id"),
    [({}, "shoe"), ({"variant_sku": "S-1"}, "S-1"), ({"variant_sku": "'0042"}, "0042")],
)
def test_a_variant_is_named_by_its_sku_else_its_handle(cells: dict[str, str], id: str) -> None:
    assert words(**cells)["id"] == id


def test_the_default_title_is_nobodys_name() -> None:
    assert words(option1_value="Default Title")["title"] == "Shoe"
    assert words(option1_value="41", option2_value="red")["title"] == "Shoe / 41 / red"


def test_stock_counts_only_where_it_is_tracked_and_may_run_out() -> None:
    assert words(variant_inventory_tracker="shopify", variant_inventory_qty="0")["quantity"] == "0"
    assert "quantity" not in words(variant_inventory_qty="0")
    assert "quantity" not in words(variant_inventory_tracker="shopify", variant_inventory_policy="continue")


def test_a_price_to_compare_with_makes_the_other_a_sale() -> None:
    assert words(variant_compare_at_price="8")["sale_price"] == 5.0
    assert words(variant_compare_at_price="8")["price"] == 8.0
    assert "sale_price" not in words(variant_compare_at_price="5")


@pytest.mark.parametrize("cells", [{"status": "draft"}, {"status": "archived"}, {"published": "FALSE"}])
def test_what_is_not_published_is_no_product(cells: dict[str, str]) -> None:
    assert list(shopify_rows([(2, {**SHARED, **cells})])) == []
