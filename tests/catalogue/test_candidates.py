from __future__ import annotations

from proxy.catalogue.candidates import also_viewed, for_you, goes_with, in_turn, instead_of, together
from tests.catalogue.worlds import asking


def test_several_lists_are_read_in_turn() -> None:
    assert in_turn([["a", "b"], ["c"], []]) == ["a", "c", "b"]
    assert in_turn([]) == []


def test_a_pair_bought_together_once_is_chance() -> None:
    ask = asking(cart=["HOTDOG"])
    ask.shop.baskets.add(["HOTDOG", "SCREE"])
    assert "SCREE" not in together(ask, ["products in cart"])
    ask.shop.baskets.add(["HOTDOG", "SCREE"])
    assert "SCREE" in together(ask, ["products in cart"])


def test_what_is_looked_at_instead_is_not_what_is_bought_beside_it() -> None:
    ask = asking(here="TRAIL")
    assert set(instead_of(ask, ["this product"])).isdisjoint(goes_with(ask, ["this product"]))


def test_what_is_looked_at_too_goes_on_to_what_is_looked_at_beside_that() -> None:
    ask = asking(here="TRAIL")
    assert "PILLOW" not in also_viewed(ask, ["this product"])
    ask.shop.covisits.add_visit(["SCREE", "PILLOW"], 1_000.0, 99)
    beside = also_viewed(ask, ["this product"])
    assert "PILLOW" not in ask.shop.covisits.row("TRAIL").products
    assert beside.index("SCREE") < beside.index("PILLOW") and "TRAIL" not in beside


def test_products_of_a_liked_brand_are_candidates() -> None:
    ask = asking(viewed=["SCREE", "SOCK"])
    assert for_you(ask, [])[0] in ("SCREE", "SOCK")
