from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.ranking import Shift
from proxy.catalogue.rows import RowSpec, choose
from proxy.catalogue.shop import Shop
from proxy.catalogue.shopper import Shopper
from proxy.catalogue.strategies import Source, source
from proxy.catalogue.strategy_context import StrategyContext
from proxy.model import Product
from tests.catalogue.worlds import asking

IN_STOCK = ProductTest("in stock")
TOGETHER = source("bought together with", ["products in cart"])
POPULAR = source("popular in", ["everything"])
NOW = source("for you now", [])


def ids(spec: RowSpec, ask: StrategyContext, **more: Any) -> list[str]:
    return [product.id for product in choose(spec, ask, **more).products]


def test_strategies_are_asked_in_turn_until_the_row_is_full_and_nothing_comes_twice() -> None:
    spec = RowSpec((TOGETHER, POPULAR), count=3, never=(ProductTest("words", frozenset({"products in cart"})),))
    row = choose(spec, asking(cart=["HOTDOG"]))
    assert [product.id for product in row.products] == ["MUSTARD", "BUN", "SOCK"]
    assert [str(found) for found in row.sources] == [str(TOGETHER), str(TOGETHER), str(POPULAR)]
    assert [(step.found, step.gave) for step in row.steps] == [(2, 2), (7, 1)]


def test_what_is_sold_out_is_left_out_the_moment_it_is() -> None:
    spec, ask = RowSpec((TOGETHER,), only=(IN_STOCK,)), asking(cart=["HOTDOG"])
    assert ids(spec, ask) == ["MUSTARD"]
    ask.shop.products.change({"id": "MUSTARD", "availability": "out_of_stock"}, lambda *told: None)
    assert "MUSTARD" not in ids(spec, ask)


def test_a_strategy_that_knows_nothing_falls_to_the_next_and_says_so() -> None:
    row = choose(RowSpec((NOW, TOGETHER, POPULAR), count=1), asking())
    assert [str(step) for step in row.steps] == [
        '"for you now" found 0 and gave 0',
        '"bought together with: products in cart" found 0 and gave 0',
        '"popular in: everything" found 7 and gave 1',
    ]


def test_a_stranger_is_shown_what_is_popular_and_that_is_labelled() -> None:
    row = choose(RowSpec((NOW,)), asking())
    assert len(row.products) == 4
    assert str(row.steps[-1]).endswith("(nothing was known for the others)")


def test_nothing_stands_in_for_what_is_the_visitors_own_or_the_editors_choice() -> None:
    assert ids(RowSpec((source("buy again", []),)), asking()) == []
    assert ids(RowSpec((source("chosen", ["GONE"]),)), asking()) == []


def test_what_was_bought_before_comes_only_to_be_bought_again() -> None:
    who = asking(bought=["TRAIL"], viewed=["SCREE"])
    assert "TRAIL" not in ids(RowSpec((NOW, POPULAR), count=7), who)
    assert ids(RowSpec((source("buy again", []),)), who) == ["TRAIL"]


def test_nothing_stands_twice_on_a_page_nor_on_its_own() -> None:
    assert "HOTDOG" not in ids(RowSpec((POPULAR,), count=7), asking(), shown=["HOTDOG"])
    assert "TRAIL" not in ids(RowSpec((POPULAR,), count=7), asking(here="TRAIL"))


def test_filters_hold_for_every_strategy() -> None:
    cheap = ProductTest("price", high=10.0)
    assert ids(RowSpec((POPULAR,), count=7, only=(cheap, IN_STOCK)), asking()) == ["HOTDOG", "MUSTARD", "KETCHUP"]
    shoes = ProductTest("category", frozenset({"shoes"}))
    assert ids(RowSpec((POPULAR,), count=7, only=(shoes,)), asking()) == ["TRAIL", "SCREE"]
    never = (ProductTest("brand", frozenset({"northwind"})), ProductTest("tag", frozenset({"new"})))
    assert ids(RowSpec((POPULAR,), count=7, never=never), asking()) == ["SOCK", "KETCHUP"]


def test_of_one_brand_there_are_only_so_many() -> None:
    assert ids(RowSpec((POPULAR,), count=7, most_per_brand=1), asking()) == ["HOTDOG", "SOCK", "KETCHUP"]
    assert ids(RowSpec((POPULAR,), count=7, most_per_category=1, only=(IN_STOCK,)), asking()) == [
        "HOTDOG", "SOCK", "MUSTARD", "TRAIL",
    ]  # fmt: skip


def test_boosted_come_up_buried_go_down_and_pinned_stand_where_they_are_put() -> None:
    up = Shift(ProductTest("brand", frozenset({"tarnwell"})), 10.0)
    down = Shift(ProductTest("category", frozenset({"food"})), -10.0)
    assert ids(RowSpec((POPULAR,), count=3, shifts=(up,)), asking())[0] == "SOCK"
    assert ids(RowSpec((POPULAR,), count=3, shifts=(down,)), asking()) == ["SOCK", "TRAIL", "SCREE"]
    row = choose(RowSpec((POPULAR,), count=3, pins=((2, "KETCHUP"),)), asking())
    assert [product.id for product in row.products] == ["HOTDOG", "KETCHUP", "SOCK"]
    assert row.sources[1] is None


def test_every_products_place_is_explained() -> None:
    ask = asking(cart=["HOTDOG"])
    told = list(choose(RowSpec((TOGETHER,), pins=((1, "SOCK"),)), ask).explanations(ask))
    assert told[0] == "SOCK  Socks: pinned by the rule"
    assert told[1] == (
        'MUSTARD  Mustard: 3 of 5 buyers of Hot dogs also bought it ("bought together with: products in cart")'
    )


def test_candidates_are_worked_out_once_and_again_with_the_next_order() -> None:
    ask = asking(cart=["HOTDOG"])
    spec = RowSpec((TOGETHER,), count=7)
    ids(spec, ask)
    assert len(ask.shopper.memo) == 1
    ids(spec, ask)
    assert len(ask.shopper.memo) == 1
    for _ in range(3):
        ask.shop.baskets.add(["HOTDOG", "KETCHUP"])
    assert "KETCHUP" in ids(spec, ask)


SHIRTS = [Product(f"SHIRT-{size}", "Shirt", f"/p/SHIRT-{size}", "clothes", "Ours", group="SHIRT") for size in "SML"]
HAT = Product("HAT", "Hat", "/p/HAT", "clothes", "Ours", popularity=-1.0)


def of_shirts(here: str = "", bought: Sequence[str] = ()) -> StrategyContext:
    return StrategyContext(Shop([*SHIRTS, HAT]), Shopper(bought=dict.fromkeys(bought, 1)), here, 0.0)


@pytest.mark.parametrize(
    "found",
    [source("recently viewed", []), NOW, source("bought together with", ["this product", "products in cart"])],
    ids=str,
)
def test_what_was_given_on_a_products_own_page_makes_no_difference_elsewhere(found: Source) -> None:
    for pages in (("TRAIL", ""), ("", "TRAIL"), ("SCREE", "TRAIL", "SCREE")):
        one = asking(viewed=["SCREE", "TRAIL"])
        alone = [ids(RowSpec((found,)), asking(viewed=["SCREE", "TRAIL"], here=here)) for here in pages]
        assert [ids(RowSpec((found,)), replace(one, here=here)) for here in pages] == alone


def test_variants_of_one_thing_are_not_shown_beside_one_another_unless_chosen() -> None:
    assert ids(RowSpec((POPULAR,), count=4), of_shirts()) == ["SHIRT-S", "HAT"]
    assert ids(RowSpec((POPULAR,), count=4), of_shirts(), shown=["SHIRT-L"]) == ["HAT"]
    assert ids(RowSpec((POPULAR,), count=4), of_shirts(here="SHIRT-M")) == ["HAT"]
    assert ids(RowSpec((POPULAR,), count=4), of_shirts(bought=["SHIRT-M"])) == ["HAT"]
    assert ids(RowSpec((source("chosen", ["SHIRT-S", "SHIRT-L"]),), count=4), of_shirts()) == ["SHIRT-S", "SHIRT-L"]
    assert ids(RowSpec((source("buy again", []),), count=4), of_shirts(bought=["SHIRT-M"])) == ["SHIRT-M"]


def test_a_strategy_says_why_it_left_products_out_when_asked() -> None:
    never = (ProductTest("product", frozenset({"sock"})),)
    spec = RowSpec((POPULAR,), count=7, only=(IN_STOCK,), never=never, most_per_brand=1)
    (step,) = choose(spec, asking(bought=["TRAIL"]), ["HOTDOG"], explains=True).steps
    assert str(step) == (
        '"popular in: everything" found 7 and gave 3; left out: 1 on the page already, 1 never: product sock, '
        "1 bought before, 1 not in stock"
    )
    assert choose(spec, asking()).steps[0].left_out == ()
    (step,) = choose(RowSpec((POPULAR,), count=4), of_shirts(), explains=True).steps
    assert step.left_out == (("another variant of what is there or was bought", 2),)


def test_what_has_no_brand_is_not_one_more_of_a_brand() -> None:
    nameless = StrategyContext(Shop([Product(id, id, f"/p/{id}") for id in "abc"]), Shopper())
    assert len(ids(RowSpec((POPULAR,), most_per_brand=1, most_per_category=1), nameless)) == 3


def test_what_stands_where_no_product_is_left_is_told() -> None:
    ask = asking(viewed=["HOTDOG"])
    row = choose(RowSpec((source("recently viewed", []),), only=(ProductTest("on sale"),)), ask, explains=True)
    assert list(row.explanations(ask)) == [
        '"recently viewed" found 1 and gave 0; left out: 1 not on sale',
        "no product is left",
    ]


def test_with_too_few_products_there_is_no_row() -> None:
    ask = asking(viewed=["HOTDOG", "SOCK"])
    spec = RowSpec((source("recently viewed", []),), at_least=2)
    assert len(choose(spec, ask).products) == 2
    row = choose(replace(spec, at_least=3), ask, explains=True)
    assert row.products == row.sources == () and row.looked_up is not None
    assert list(row.explanations(ask))[-1] == "only 2 products: not enough"


@pytest.mark.parametrize(
    ("phrase", "words", "at_least", "may_be_empty"),
    [
        ("recently viewed", [], 0, True),
        ("for you", [], 0, False),
        ("popular in", ["everything"], 0, False),
        ("popular in", ["everything"], 3, True),
        ("chosen", ["HOTDOG"], 0, True),
        ("popular in", ["food"], 0, True),
    ],
)
def test_a_row_may_be_empty_if_nothing_stands_in_for_the_visitors_own(
    phrase: str, words: list[str], at_least: int, may_be_empty: bool
) -> None:
    assert RowSpec((source(phrase, words),), at_least=at_least).may_be_empty is may_be_empty


def test_why_a_pinned_product_is_not_there_is_told() -> None:
    spec = RowSpec((POPULAR,), count=1, pins=((1, "BUN"), (1, "GONE"), (1, "SOCK"), (2, "TRAIL"), (3, "KETCHUP")))
    ask = asking()
    assert list(choose(spec, ask, ["SOCK"], explains=True).explanations(ask)) == [
        "TRAIL  Trail shoe: pinned by the rule",
        "BUN is pinned at 1, but not in stock",
        "GONE is pinned at 1, but not in the catalogue",
        "SOCK is pinned at 1, but on the page already",
        "KETCHUP is pinned at 3, but more than there is room for",
    ]


def test_a_filter_may_leave_nothing_but_that_of_stock_hardly_does() -> None:
    spec = RowSpec((POPULAR,), only=(ProductTest("in stock"),), never=(ProductTest("out of stock"),))
    assert not spec.may_be_empty and replace(spec, never=(ProductTest("on sale"),)).may_be_empty
