from __future__ import annotations

import pytest

from proxy.catalogue.strategies import STRATEGIES, choose, is_within, source
from proxy.errors import EditorError
from proxy.model import Product


def product(
    id: str, category: str, brand: str = "", popularity: float = 0, in_stock: bool = True, *tags: str
) -> Product:
    return Product(id, id, "/p/" + id, category, brand, popularity=popularity, in_stock=in_stock, tags=frozenset(tags))


SHOES = [
    product("trail", "shoes/trail", "Northwind", 5, True, "New"),
    product("road", "shoes/road", "Southwind", 9, False),
    product("boot", "shoes", "northwind", 7),
    product("shoebox", "shoeboxes", "Southwind", 1, True, "new", "eco"),
]


def ids(*sources: tuple[str, list[str]], **limits: object) -> list[str]:
    chosen = choose(SHOES, [source(phrase, words) for phrase, words in sources], **limits)  # type: ignore[arg-type]
    return [product.id for product in chosen]


@pytest.mark.parametrize(
    ("phrase", "words", "chosen"),
    [
        ("chosen", ["boot", "nope", "trail"], ["boot", "trail"]),
        ("in category", ["shoes"], ["trail", "road", "boot"]),
        ("in category", ["SHOES/Trail/"], ["trail"]),
        ("in category", ["shoeboxes", "shoes/road"], ["road", "shoebox"]),
        ("with tag", ["NEW"], ["trail", "shoebox"]),
        ("of brand", ["Northwind"], ["trail", "boot"]),
        ("popular in", ["everything"], ["road", "boot", "trail", "shoebox"]),
        ("popular in", ["shoes"], ["road", "boot", "trail"]),
        ("popular in", ["nowhere"], []),
    ],
)
def test_each_strategy_answers_from_the_catalogue(phrase: str, words: list[str], chosen: list[str]) -> None:
    assert ids((phrase, words)) == chosen


def test_every_strategy_has_an_answer_tested_here() -> None:
    assert {strategy.phrase for strategy in STRATEGIES} == {
        "chosen", "in category", "with tag", "of brand", "popular in",
    }  # fmt: skip
    assert all(strategy.help and strategy.example for strategy in STRATEGIES)


def test_the_list_is_read_top_down_until_the_row_is_full_and_nothing_comes_twice() -> None:
    layers = [("chosen", ["boot"]), ("with tag", ["new"]), ("popular in", ["everything"])]
    assert ids(*layers) == ["boot", "trail", "shoebox", "road"]
    assert ids(*layers, count=2) == ["boot", "trail"]


def test_filters_leave_products_out_of_every_strategy() -> None:
    assert ids(("popular in", ["everything"]), only_in_stock=True) == ["boot", "trail", "shoebox"]
    assert ids(("chosen", ["road", "boot"]), only_in_stock=True, never=["boot"]) == []


def test_equally_popular_products_keep_the_order_of_the_catalogue() -> None:
    twins = [product("b", "x"), product("a", "x")]
    assert [p.id for p in choose(twins, [source("popular in", ["everything"])])] == ["b", "a"]


def test_an_unknown_strategy_names_the_nearest() -> None:
    with pytest.raises(EditorError, match="I do not know the strategy") as caught:
        source("poplar in", ["x"])
    assert caught.value.help == 'did you mean "popular in"?'


@pytest.mark.parametrize(
    ("category", "wanted", "within"),
    [
        ("shoes/trail", "shoes", True),
        ("shoes", "shoes", True),
        ("shoeboxes", "shoes", False),
        ("shoes", "shoes/trail", False),
    ],
)
def test_a_category_holds_those_below_it(category: str, wanted: str, within: bool) -> None:
    assert is_within(category, wanted) is within
