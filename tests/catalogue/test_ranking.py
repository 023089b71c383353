from __future__ import annotations

import random
from math import inf

import pytest

from proxy.catalogue.ranking import MADE_ROOM, Arrangement, Fit, Move, Shift, moved, shifts_of
from proxy.catalogue.shopper import Shopper
from proxy.model import Product
from tests.catalogue.worlds import PRODUCTS, asking

ORDER = [f"{n}" for n in range(20)]


def test_shifts_move_and_pins_stand() -> None:
    assert moved(["a", "b", "c", "d"], {"c": 1.0}, {}) == ["a", "c", "b", "d"]
    assert moved(["a", "b", "c", "d"], {"c": 2.0}, {}) == ["c", "a", "b", "d"]
    assert moved(["a", "b", "c", "d"], {"a": -2.0}, {}) == ["b", "c", "a", "d"]
    assert moved(["a", "b", "c", "d"], {"a": -9.0}, {}) == ["b", "c", "d", "a"]
    assert moved(["a", "b", "c", "d"], {"c": 9.0}, {1: "d", 3: "a"}) == ["d", "c", "a", "b"]
    assert moved(["a", "b"], {}, {1: "gone", 9: "a"}) == ["b", "a"]


def test_what_goes_to_the_end_stands_behind_all_others_in_its_order_however_far_and_pins_hold() -> None:
    assert moved(["a", "b", "c", "d"], {"a": -inf, "b": -inf, "d": -9.0}, {}, largest=1) == ["c", "d", "a", "b"]
    assert moved(["a", "b", "c", "d"], {"a": 3.0 - inf}, {2: "a"}) == ["b", "a", "c", "d"]
    arranged = Arrangement((Shift(Fit("product", frozenset({"hotdog"})), -inf),), largest=1)
    order, get = ["HOTDOG", "MUSTARD", "TRAIL"], asking().shop.hub.get
    (first, *_, last) = arranged.moves(order, arranged.order(order, get, Shopper(), 0.0), get, Shopper(), 0.0)
    assert (last, first.why) == (Move("HOTDOG", 1, 3, ("to the end by product hotdog",)), MADE_ROOM)


def test_what_no_catalogue_has_moves_by_its_id_alone() -> None:
    by_id, in_stock = Shift(Fit("product", frozenset({"p2"})), 3.0), Shift(Fit("in stock"), 10.0)
    arranged = Arrangement((by_id, in_stock, Shift(Fit("out of stock"), -3.0)))
    assert arranged.order(["p1", "p2", "p3"], lambda id: None, Shopper(), 0.0) == ["p2", "p1", "p3"]
    cart = Arrangement((Shift(Fit("words", frozenset({"products in cart"})), -inf),))
    assert cart.order(["p1", "p2"], lambda id: None, Shopper(cart=("p1",)), 0.0) == ["p2", "p1"]


def test_a_card_moves_as_far_as_it_is_told_up_to_the_largest_move() -> None:
    for by, largest, place in ((10.0, 10, 5), (15.0, 20, 0), (15.0, 7, 8), (-4.0, 4, 19), (-3.0, 20, 18)):
        order = moved(ORDER, {"15": by}, {}, largest=largest)
        assert order.index("15") == place
        assert [id for id in order if id != "15"] == [id for id in ORDER if id != "15"]


@pytest.mark.parametrize("largest", [0, 1, 4, 10])
def test_no_card_moves_further_than_is_allowed(largest: int) -> None:
    dice = random.Random(largest)
    for _ in range(300):
        places = {id: dice.uniform(-60, 60) for id in dice.sample(ORDER, 12)}
        order = moved(ORDER, places, {}, largest=largest)
        assert sorted(order) == sorted(ORDER)
        assert all(abs(order.index(id) - place) <= largest for place, id in enumerate(ORDER))


@pytest.mark.parametrize(
    ("fit", "holding"),
    [
        (Fit("in stock"), {"HOTDOG", "MUSTARD", "KETCHUP", "TRAIL", "SCREE", "SOCK"}),
        (Fit("out of stock"), {"BUN"}),
        (Fit("product", frozenset({"bun"})), {"BUN"}),
        (Fit("category", frozenset({"food"})), {"HOTDOG", "MUSTARD", "KETCHUP", "BUN"}),
        (Fit("tag", frozenset({"new"})), {"SCREE"}),
        (Fit("brand", frozenset({"southwind"})), {"KETCHUP"}),
        (Fit("price", low=100.0, high=130.0), {"TRAIL"}),
        (Fit("words", frozenset({"products in cart"})), {"SOCK"}),
        (Fit("words", frozenset({"products viewed", "products bought"})), {"TRAIL", "BUN"}),
    ],
)
def test_what_fits(fit: Fit, holding: set[str]) -> None:
    shopper = asking(viewed=["TRAIL"], cart=["SOCK"], bought=["BUN"]).shopper
    assert {product.id for product in PRODUCTS if fit.holds(product, shopper, 0.0)} == holding


def test_a_sale_price_is_what_counts_while_it_does() -> None:
    product = Product("a", "A", "/a", price=20.0, sale_price=5.0, sale_from=10.0, sale_until=20.0)
    cheap = Fit("price", high=10.0)
    assert [cheap.holds(product, Shopper(), at) for at in (9.0, 10.0, 20.0)] == [False, True, False]


def test_affinity_and_score_move_by_how_much() -> None:
    shopper = Shopper(brands={"northwind": 0.75, "tarnwell": 0.25})
    by_id = {product.id: product for product in PRODUCTS}
    shifts = [Shift(Fit("affinity", frozenset({"brand"})), 9.0), Shift(Fit("score"), 9.0)]
    found = shifts_of(shifts, ["TRAIL", "SCREE", "KETCHUP", "HOTDOG", "gone"], by_id.get, shopper, 0.0)
    assert found == {"TRAIL": 18.0, "SCREE": 3.0, "HOTDOG": 14.0}


def test_every_product_that_moved_says_why() -> None:
    order = ["HOTDOG", "MUSTARD", "KETCHUP", "BUN", "TRAIL"]
    own = Shift(Fit("brand", frozenset({"southwind"})), 2.5)
    cheap = Shift(Fit("price", low=0.0, high=2.2), 1.0)
    arranged = Arrangement((own, cheap), pins=((1, "TRAIL"),))
    shopper, get = Shopper(), asking().shop.hub.get
    new = arranged.order(order, get, shopper, 0.0)
    assert new == ["TRAIL", "KETCHUP", "MUSTARD", "HOTDOG", "BUN"]
    assert arranged.moves(order, new, get, shopper, 0.0) == [
        Move("TRAIL", 5, 1, ("pinned at 1",)),
        Move("KETCHUP", 3, 2, ("+2.5 places by brand southwind", "+1 place by price up to 2.2")),
        Move("MUSTARD", 2, 3, ("+1 place by price up to 2.2",)),
        Move("HOTDOG", 1, 4, MADE_ROOM),
        Move("BUN", 4, 5, ("+1 place by price up to 2.2",)),
    ]


@pytest.mark.parametrize(
    ("fit", "text"),
    [
        (Fit("brand", frozenset({"northwind", "tarnwell"})), "brand northwind, tarnwell"),
        (Fit("affinity", frozenset({"brand"})), "affinity brand"),
        (Fit("words", frozenset({"products in cart"})), "products in cart"),
        (Fit("in stock"), "in stock"),
        (Fit("price", low=5.0, high=10.0), "price 5 to 10"),
        (Fit("price", low=5.0), "price from 5"),
        (Fit("price", low=-inf, high=10.0), "price up to 10"),
        (Fit("out of stock"), "out of stock"),
    ],
)
def test_what_fits_is_told_as_editors_write_it(fit: Fit, text: str) -> None:
    assert str(fit) == text
