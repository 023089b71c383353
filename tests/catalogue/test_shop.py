from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.catalogue.covisits import DAY
from proxy.catalogue.shop import Shop
from proxy.conditions.behaviours import ADDED, BOUGHT, VIEWED
from proxy.model import Event, Item, Product
from tests.catalogue.worlds import ORDERS, PRODUCTS, VISITS, did, shop


def test_what_visitors_do_is_learnt_at_once() -> None:
    made = Shop(PRODUCTS)
    for number in range(3):
        made.learn(f"visitor {number}", did(VIEWED, "TRAIL", at=10.0))
        made.learn(f"visitor {number}", did(ADDED, "SOCK", at=20.0))
        made.learn(f"visitor {number}", did(BOUGHT, "TRAIL", "SOCK", at=30.0))
    assert made.covisits.row("TRAIL")[0] == ("SOCK",)
    assert made.baskets.bought("SOCK") == 3
    assert made.covisits.visits_with(["TRAIL", "SOCK"]) == 3


def test_half_an_hour_parts_two_visits_and_visitors_are_apart() -> None:
    made = Shop(PRODUCTS)
    made.learn("a", did(VIEWED, "TRAIL", at=0.0))
    made.learn("b", did(VIEWED, "SOCK", at=1.0))
    made.learn("a", did(VIEWED, "SCREE", at=2_000.0))
    assert made.covisits.row("TRAIL")[0] == ()


@pytest.mark.parametrize(
    "at_of",
    [
        lambda number: number * 1.0,
        lambda number: -4_000.0 * (number % 2),
        lambda number: number * 2_000.0 % (7 * DAY),
    ],
    ids=["second by second", "of two visits in turn", "of all visits of the last week"],
)
def test_a_program_that_opens_one_product_ten_thousand_times_makes_no_trend(at_of: Callable[[int], float]) -> None:
    """Nor is what it opens in between viewed with it, whatever times it claims: a browser may be a week late."""
    made, now = Shop(PRODUCTS), 30 * DAY
    for person in range(20):
        made.learn(f"person {person}", did(VIEWED, "TRAIL", at=now))
        made.learn(f"person {person}", did(VIEWED, "SCREE", at=now + 1))
    for number in range(10_000):
        made.learn("a program", did(VIEWED, "HOTDOG" if number % 3 else "TRAIL", at=now - 8 * DAY + at_of(number)))
    assert made.covisits.clicks("HOTDOG") <= 8
    assert list(made.trending())[:2] == ["TRAIL", "SCREE"]
    assert made.covisits.row("TRAIL").products[0] == "SCREE"


def test_of_a_visitor_200_products_are_learnt_a_day() -> None:
    made = Shop()
    for number in range(1_000):
        made.learn("a program", Event(float(number), str(number), VIEWED, items=(Item(f"SKU-{number}"),)))
    assert len(made.covisits) == 200
    made.learn("a program", Event(2 * DAY, "next", VIEWED, items=(Item("SKU-7"),)))
    assert made.covisits.clicks("SKU-7") == 2


def test_what_somebody_comes_back_to_within_a_day_counts_once_and_leads_on() -> None:
    made = Shop(PRODUCTS)
    for at, product in enumerate(("TRAIL", "SOCK", "TRAIL", "SCREE")):
        made.learn("a", did(VIEWED, product, at=float(at)))
    assert made.covisits.clicks("TRAIL") == 1
    assert made.covisits.row("SCREE").products[0] == "TRAIL", "the nearest before it, looked at again"


def test_what_is_not_sold_here_is_not_learnt() -> None:
    made = Shop(PRODUCTS[:2])
    made.learn("a", did(BOUGHT, "HOTDOG", "TRAIL"))
    made.learn("a", did(VIEWED, "TRAIL"))
    assert "TRAIL" not in made.baskets and "TRAIL" not in made.covisits


def test_a_past_from_files_is_learnt_once_and_what_is_new_of_it() -> None:
    made = shop()
    made.seed(ORDERS, VISITS)
    assert made.baskets.bought("HOTDOG") == 5
    made.seed([*ORDERS, ["HOTDOG"]], VISITS)
    assert made.baskets.bought("HOTDOG") == 6


def test_a_past_without_times_is_not_forgotten_with_the_first_click() -> None:
    made = Shop(PRODUCTS)
    made.seed((), [["TRAIL", "SOCK"]])
    assert made.covisits.row("TRAIL").products == ("SOCK",)
    for at in (1_795_435_200.0, 1_795_435_210.0):
        made.learn("a", did(VIEWED, "TRAIL" if at % 100 == 0 else "SCREE", at=at))
    assert set(made.covisits.row("TRAIL").products) == {"SOCK", "SCREE"}


def test_lists_follow_the_catalogue() -> None:
    made = shop()
    assert "TRAIL" in made.popular("shoes")
    made.products.replace([product for product in PRODUCTS if product.id != "TRAIL"])
    assert "TRAIL" not in made.popular("shoes")


def test_what_sold_well_long_ago_makes_room_for_what_sells_now() -> None:
    made, month = Shop(PRODUCTS), 30 * 86_400.0
    for number in range(5):
        made.learn("a", did(BOUGHT, "TRAIL", at=float(number)))
    assert made.popular("shoes")[0] == "TRAIL"
    for number in range(3):
        made.learn("b", did(BOUGHT, "SCREE", at=3 * month + number))
    assert made.popular("shoes")[0] == "SCREE"
    assert made.baskets.bought("TRAIL") == 5


def test_what_visitors_make_up_takes_no_more_than_some_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.catalogue.shop.MOST_UNLISTED", 3)
    made = Shop()
    for number, product in enumerate(("a", "b", "c", "made-up", "a", "sold", "d")):
        if product == "sold":
            made.products.learn_page(Product("sold", "Sold here", "/p/sold"))
        made.learn("anna", Event(float(number), str(number), VIEWED, items=(Item(product),)))
    assert [made.covisits.clicks(product) for product in ("a", "made-up", "sold", "d")] == [1, 0, 1, 0]
