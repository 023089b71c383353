from __future__ import annotations

from proxy.catalogue.shopper import shopper_of
from proxy.conditions.behaviours import ADDED, BOUGHT, VIEWED
from proxy.model import Event, Item
from tests.catalogue.worlds import PRODUCTS, did


def test_the_cart_is_what_was_put_in_less_what_was_taken_out_or_bought() -> None:
    events = [did(ADDED, "BUN", at=1), did(ADDED, "SOCK", at=2), did(ADDED, "TRAIL", at=3)]
    events += [did("product removed", "SOCK", at=4), did(BOUGHT, "BUN", at=5)]
    shopper = shopper_of(events)
    assert shopper.cart == ("TRAIL",)
    assert shopper.bought == {"BUN": 1}


def test_a_visit_ends_with_half_an_hour_of_silence() -> None:
    events = [did(VIEWED, "BUN", at=0), did(VIEWED, "SOCK", at=2_000), did(ADDED, "TRAIL", at=2_100)]
    shopper = shopper_of(events)
    assert shopper.visit == ("SOCK", "TRAIL")
    assert shopper.viewed == ("SOCK", "BUN")


def test_likes_are_shares_of_what_was_done() -> None:
    shopper = shopper_of([did(VIEWED, "SCREE", at=1), did(ADDED, "TRAIL", at=2)])
    assert shopper.brands == {"tarnwell": 0.25, "northwind": 0.75}
    assert shopper.categories == {"shoes/trail": 1.0}


def test_a_shopper_without_history_is_empty() -> None:
    stranger = shopper_of([])
    assert (stranger.visit, stranger.cart, stranger.bought, stranger.brands) == ((), (), {}, {})


def test_what_an_app_or_an_import_leaves_out_of_a_product_is_looked_up() -> None:
    bought = Event(1.0, "1", BOUGHT, items=(Item("TRAIL"), Item("gone")))
    seen = Event(2.0, "2", VIEWED, items=(Item("SCREE", "", "Another"),))
    by_id = {product.id: product for product in PRODUCTS}
    shopper = shopper_of([bought, seen], by_id.get)
    assert shopper.brands == {"northwind": 5 / 6, "another": 1 / 6}
    assert shopper.categories == {"shoes/trail": 1.0}
