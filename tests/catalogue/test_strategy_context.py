from __future__ import annotations

import pytest

from tests.catalogue.worlds import asking

WHO = {"viewed": ["TRAIL", "SOCK"], "cart": ["HOTDOG"], "bought": ["BUN"]}


@pytest.mark.parametrize(
    ("words", "means"),
    [
        (["products in cart"], ["HOTDOG"]),
        (["this product"], ["KETCHUP"]),
        (["products viewed"], ["HOTDOG", "SOCK", "TRAIL"]),
        (["products bought"], ["BUN"]),
        (["MUSTARD", "products in cart", "MUSTARD"], ["MUSTARD", "HOTDOG"]),
    ],
)
def test_words_of_products(words: list[str], means: list[str]) -> None:
    assert asking(**WHO, here="KETCHUP").products(words) == means


@pytest.mark.parametrize(
    ("words", "means"),
    [
        (["categories in cart"], ["food/sausages"]),
        (["this category"], ["food/sauces"]),
        (["categories viewed"], ["food/sausages", "clothes/socks", "shoes/trail"]),
        (["shoes"], ["shoes"]),
        ([], ["everything"]),
    ],
)
def test_words_of_categories(words: list[str], means: list[str]) -> None:
    assert asking(**WHO, here="KETCHUP").categories(words) == means


def test_a_stranger_on_the_home_page_means_nothing_by_them() -> None:
    assert asking().products(["products in cart", "this product"]) == []
    assert asking().categories(["categories in cart", "this category"]) == []


def test_a_product_has_its_title_else_its_id() -> None:
    assert (asking().title("HOTDOG"), asking().title("GONE")) == ("Hot dogs", "GONE")
