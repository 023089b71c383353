from __future__ import annotations

import pytest

from proxy.demo.catalogue import CATEGORIES, Catalogue, load


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def test_the_shop_sells_at_least_120_products_in_8_departments(catalogue: Catalogue) -> None:
    assert len(catalogue.items) >= 120
    assert len(catalogue.top()) >= 8
    assert all(len(catalogue.in_category(category.slug)) >= 2 for category in CATEGORIES)


def test_every_product_is_whole(catalogue: Catalogue) -> None:
    ids = {item.id for item in catalogue.items}
    assert len(ids) == len(catalogue.items)
    for item in catalogue.items:
        assert item.category in catalogue.categories
        assert item.price > 0
        assert item.title
        assert item.brand
        assert item.description
        assert (item.link, item.image) == (f"/p/{item.id}", f"/img/{item.id}.svg")
        assert ("sale" in item.tags) == (item.was is not None and item.was > item.price)
        assert ("own brand" in item.tags) == (item.brand == "Northwind")


@pytest.mark.parametrize("tag", ["sale", "new", "own brand", "end of line", "bestseller"])
def test_the_tags_that_rules_ask_for_are_there(catalogue: Catalogue, tag: str) -> None:
    assert len(catalogue.tagged(tag)) >= 5


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("hot dogs", "Hot dogs, six"),
        ("MUSTARD", "Mustard"),
        ("ketchup", "Ketchup"),
        ("buns", "Seeded buns, six"),
        ("trail shoes", "Trail runner"),
        ("running/trail", "Trail vest 8"),
        ("bestseller tea", "Breakfast tea"),
    ],
)
def test_search_finds_what_a_shopper_means(catalogue: Catalogue, query: str, first: str) -> None:
    assert catalogue.search(query)[0].title == first


@pytest.mark.parametrize("query", ["", "   ", "/", "zeppelin", "mustard zeppelin"])
def test_search_for_nothing_there_is_finds_nothing(catalogue: Catalogue, query: str) -> None:
    assert catalogue.search(query) == []


def test_a_department_holds_what_stands_on_its_shelves(catalogue: Catalogue) -> None:
    shelves = [item for shelf in catalogue.below("shoes") for item in catalogue.in_category(shelf.slug)]
    assert {item.id for item in shelves} == {item.id for item in catalogue.in_category("shoes")}
    assert catalogue.in_category("sho") == []


def test_similar_products_are_others_of_the_shelf_first_and_can_be_bought(catalogue: Catalogue) -> None:
    item = catalogue.get("SKU-1270")
    assert item is not None
    similar = catalogue.similar(item)
    assert len(similar) == 4
    assert item not in similar
    assert similar[0].category == "gear/poles"
    assert all(other.in_stock and other.category.startswith("gear/") for other in similar)
