from __future__ import annotations

import pytest

from proxy.catalogue.shop import Shop
from proxy.catalogue.strategy_context import asking_of
from proxy.model import EvaluationContext, Product
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


def test_parameters_tell_which_product_is_here_where_all_have_one_path() -> None:
    shop = Shop([Product(id, "A", f"/index.php?id={id}") for id in ("7", "8")])
    here = EvaluationContext(attributes={"page": "/index.php", "refinement.id": frozenset({"7"})})
    assert asking_of(here, shop).here == "7"
    assert asking_of(EvaluationContext(attributes={"page": "/index.php"}), shop).here == ""
