from __future__ import annotations

import random

import pytest

from proxy.catalogue.baskets import Baskets, Support, _solved


def learnt(*orders: str) -> Baskets:
    baskets = Baskets()
    for order in orders:
        baskets.add(order.split())
    return baskets


SHOP = learnt(
    *["hotdog mustard milk"] * 6, *["hotdog milk"] * 6, *["mustard"] * 2, *["milk bread"] * 40, *["milk"] * 20
)


def test_what_goes_with_a_product_is_not_what_goes_with_everything() -> None:
    assert SHOP.together(["hotdog"])[0] == "mustard"
    assert SHOP.support(["hotdog"], "mustard") == Support("hotdog", 6, 12)


def test_a_cart_lacks_what_its_owners_most_often_buy() -> None:
    assert SHOP.for_cart(["hotdog"])[:2] == ["milk", "mustard"]
    assert set(SHOP.for_cart(["hotdog"])) == {"milk", "mustard", "bread"}


def test_an_answer_takes_no_longer_in_a_shop_of_many_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each candidate takes a regression, and a cart may have hundreds that nobody asked about before."""
    asked: list[str] = []
    learn = Baskets._learn
    monkeypatch.setattr(Baskets, "_learn", lambda shop, product: (asked.append(product), learn(shop, product))[1])
    shop = learnt(*[f"tea {n} {n + 1}" for n in range(300)], *["tea milk"] * 20)
    assert shop.for_cart(["tea"])[0] == "milk"
    assert len(asked) == 8
    answers = [shop.for_cart(["tea"], 100) for _ in range(40)]
    assert len(asked) == len(set(asked)) <= 300
    assert answers[-1] == answers[-2] and len(answers[-1]) == 100


def test_every_product_of_the_cart_has_a_say() -> None:
    shop = learnt(*["hotdog mustard"] * 5, *["tea lemon"] * 5, *["milk"] * 30)
    assert set(shop.together(["hotdog", "tea"])) == {"mustard", "lemon"}
    assert shop.support(["hotdog", "tea"], "lemon") == Support("tea", 5, 5)
    assert shop.support(["hotdog"], "lemon") is None


def test_an_order_counts_at_once() -> None:
    shop = learnt(*["milk"] * 10, "hotdog milk")
    before = shop.together(["hotdog"])
    for _ in range(3):
        shop.add(["hotdog", "mustard"])
    assert "mustard" not in before and shop.together(["hotdog"])[0] == "mustard"
    assert shop.for_cart(["hotdog"])[0] == "mustard"


def test_unknown_products_and_empty_shops_are_answered() -> None:
    assert Baskets().for_cart(["x"]) == [] and Baskets().together(["x"]) == []
    assert SHOP.for_cart(["never sold"])[0] == "milk"
    assert SHOP.together(["never sold"]) == []


def test_a_product_counts_once_an_order() -> None:
    assert learnt("milk milk milk", "milk").bought("milk") == 2


def test_lift_is_one_for_what_has_nothing_to_do_with_each_other() -> None:
    shop = learnt("a b", "a", "b", "c")
    assert shop.lift("a", "b") == 1.0 and shop.lift("a", "c") == 0.0


def test_memory_is_bounded_by_the_number_of_products() -> None:
    shop = Baskets()
    for number in range(1_000):
        shop.add(["hub", f"{number}"])
    assert len(shop._pairs["hub"]) <= 400


def test_the_solver_solves() -> None:
    dice = random.Random(3)
    base = [[dice.gauss(0, 1) for _ in range(6)] for _ in range(8)]
    matrix = [[sum(row[a] * row[b] for row in base) + (a == b) for b in range(6)] for a in range(6)]
    wanted = [dice.gauss(0, 1) for _ in range(6)]
    right = [sum(matrix[a][b] * wanted[b] for b in range(6)) for a in range(6)]
    assert _solved([row[: n + 1] for n, row in enumerate(matrix)], right) == pytest.approx(wanted)
