from __future__ import annotations

from math import inf

from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.ranking import Arrangement, Contrast, Move, Shift, summed_moves, weights
from proxy.catalogue.shopper import Shopper
from proxy.model import Product
from tests.catalogue.worlds import PRODUCTS, asking


def test_what_goes_to_the_end_says_so() -> None:
    arranged = Arrangement((Shift(ProductTest("product", frozenset({"hotdog"})), -inf),), largest=1)
    order, get = ["HOTDOG", "MUSTARD", "TRAIL"], asking().shop.products.get
    assert arranged.explained(order, get, Shopper(), 0.0) == (
        ["MUSTARD", "TRAIL", "HOTDOG"],
        [Move("HOTDOG", 1, 3, ("to the end by product hotdog",))],
    )


def test_what_no_catalogue_has_moves_by_its_id_alone() -> None:
    by_id, in_stock = Shift(ProductTest("product", frozenset({"p2"})), 3.0), Shift(ProductTest("in stock"), 10.0)
    arranged = Arrangement((by_id, in_stock, Shift(ProductTest("out of stock"), -3.0)))
    assert arranged.order(["p1", "p2", "p3"], lambda id: None, Shopper(), 0.0) == ["p2", "p1", "p3"]
    cart = Arrangement((Shift(ProductTest("words", frozenset({"products in cart"})), -inf),))
    assert cart.order(["p1", "p2"], lambda id: None, Shopper(cart=("p1",)), 0.0) == ["p2", "p1"]


def test_affinity_to_a_category_counts_what_lies_below_it_and_the_better_of_both_holds() -> None:
    shopper = Shopper(brands={"northwind": 0.5, "tarnwell": 0.5}, categories={"shoes": 0.5, "shoes/trail": 0.25})
    shift = Shift(ProductTest("affinity", frozenset({"category", "brand"})), 8.0)
    shoe, sock = Product("a", "A", "/a", category="shoes/hiking"), Product("b", "B", "/b", brand="Tarnwell")
    assert shift.over([shoe, sock, Product("c", "C", "/c")], shopper, 0.0) == {"a": 8.0, "b": 8.0}


def test_affinity_and_score_move_by_how_much() -> None:
    shopper = Shopper(brands={"northwind": 0.75, "tarnwell": 0.25})
    by_id = {product.id: product for product in PRODUCTS}
    shifts = [Shift(ProductTest("affinity", frozenset({"brand"})), 9.0), Shift(ProductTest("score"), 9.0)]
    found = weights(shifts, ["TRAIL", "SCREE", "KETCHUP", "HOTDOG", "gone"], by_id.get, shopper, 0.0)
    assert summed_moves(found) == {"TRAIL": 18.0, "SCREE": 3.0, "HOTDOG": 14.0}


def test_every_product_that_is_moved_says_why() -> None:
    order = ["HOTDOG", "MUSTARD", "KETCHUP", "BUN", "TRAIL"]
    own = Shift(ProductTest("brand", frozenset({"southwind"})), 2.5)
    cheap = Shift(ProductTest("price", low=0.0, high=2.2), 1.0)
    arranged = Arrangement((own, cheap), pins=((1, "TRAIL"),))
    shopper, get = Shopper(), asking().shop.products.get
    new, moves = arranged.explained(order, get, shopper, 0.0)
    assert new == arranged.order(order, get, shopper, 0.0) == ["TRAIL", "KETCHUP", "MUSTARD", "HOTDOG", "BUN"]
    assert moves == [
        Move("TRAIL", 5, 1, ("pinned at 1",)),
        Move("KETCHUP", 3, 2, ("+2.5 places by brand southwind", "+1 place by price up to 2.2")),
        Move("MUSTARD", 2, 3, ("+1 place by price up to 2.2", "but others move more")),
        Move("BUN", 4, 5, ("+1 place by price up to 2.2", "but others move more")),
    ]


def test_what_of_a_rule_changes_nothing_in_a_list_is_told() -> None:
    order = ["HOTDOG", "MUSTARD", "KETCHUP"]
    shifts = (
        Shift(ProductTest("brand", frozenset({"tarnwell"})), -3.0),
        Shift(ProductTest("affinity", frozenset({"brand"})), 3.0),
        Shift(ProductTest("brand", frozenset({"southwind"})), 1.0),
    )
    arranged = Arrangement(shifts, pins=((1, "HOTDOG"), (2, "TRAIL")))
    shopper, get = Shopper(), asking().shop.products.get
    new, _ = arranged.explained(order, get, shopper, 0.0)
    assert list(arranged.without_effect(order, new, get, shopper, 0.0)) == [
        "HOTDOG is pinned at 1, where the shop has it",
        "TRAIL is pinned at 2, but not in this list",
        "brand tarnwell moves nothing: nothing in this list is so",
        "affinity brand moves nothing: nothing is known of this visitor",
    ]
    by_score = Arrangement((Shift(ProductTest("score"), 3.0),))
    assert list(by_score.without_effect(["MUSTARD"], ["MUSTARD"], get, shopper, 0.0)) == [
        "score moves nothing: nothing popular is among these"
    ]


def test_what_is_compared_is_seen_only_in_a_list_that_it_changes() -> None:
    new = Arrangement(pins=((1, "TRAIL"), (2, "BUN")))
    get, shopper = asking().shop.products.get, Shopper()
    beside_the_shops_own, beside_the_old = Contrast((None, new)), Contrast((Arrangement(pins=((1, "TRAIL"),)), new))
    for order, is_seen in ((["BUN", "TRAIL"], (True, False)), (["TRAIL", "BUN"], (False, False))):
        seen = [one.is_seen(order, get, shopper, 0.0) for one in (beside_the_shops_own, beside_the_old)]
        assert tuple(seen) == is_seen, order
    assert beside_the_old.is_seen(["MUSTARD", "HOTDOG", "BUN"], get, shopper, 0.0)
