from __future__ import annotations

from proxy.demo.catalogue import load
from proxy.demo.sessions import MAX_LINES, MAX_PIECES, cart_of, with_pieces

CATALOGUE = load()


def test_amounts_are_added_to_the_cent() -> None:
    cart = cart_of(CATALOGUE, {"KETCHUP-2": 3, "HOTDOG-6": 1})
    assert [line.total for line in cart.lines] == [6.6, 3.0]
    assert (cart.count, cart.subtotal, cart.delivery, cart.total) == (4, 9.6, 4.95, 14.55)
    assert cart.until_free_delivery == 50.4


def test_delivery_is_free_from_sixty_euros() -> None:
    cart = cart_of(CATALOGUE, {"HOTDOG-6": 20})
    assert (cart.subtotal, cart.delivery, cart.total, cart.until_free_delivery) == (60.0, 0.0, 60.0, 0.0)


def test_an_empty_cart_costs_nothing() -> None:
    cart = cart_of(CATALOGUE, {"GONE": 2})
    assert (cart.lines, cart.count, cart.total) == ((), 0, 0.0)


def test_pieces_are_set_cut_and_taken_out() -> None:
    assert with_pieces({}, "A", 2) == {"A": 2}
    assert with_pieces({"A": 2}, "A", 500) == {"A": MAX_PIECES}
    assert with_pieces({"A": 2, "B": 1}, "A", 0) == {"B": 1}
    assert with_pieces({}, "A", 0) == {}


def test_a_cart_with_its_fill_of_lines_takes_no_more() -> None:
    full = {f"P{number}": 1 for number in range(MAX_LINES)}
    assert with_pieces(full, "ONE-MORE", 1) == full
    assert with_pieces(full, "P0", 3)["P0"] == 3
