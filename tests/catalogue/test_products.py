from __future__ import annotations

from pathlib import Path

import pytest

from proxy.catalogue.feeds import read_products
from proxy.catalogue.products import Problem, Unreadable, product_of
from proxy.model import Product

ROOT = Path(__file__).parent.parent.parent
FEED = b'{"id": "BUN-4", "title": "Buns", "link": "/p/BUN-4", "category": "food/bread", "brand": "Northwind", '
FEED += b'"price": "1.50 EUR", "availability": "out_of_stock", "image_link": "/img/BUN-4.avif"}'
OWN = b'{"id": 7, "colour": "red", "title": "Shoe", "link": "/p/7", "price": 129, "currency": "EUR", '
OWN += b'"image": "/i.svg", "image_width": 600, "image_height": 400, "in_stock": true, '
OWN += b'"tags": ["new", " "], "popularity": 9}'


def problem_of(words: str) -> str:
    (problem,) = read_products(b'{"id": "a", "title": "b", "link": "/c", ' + words.encode() + b"}").problems
    return problem.what


def test_both_ways_of_writing_a_product_are_read() -> None:
    catalogue = read_products(FEED + b"\r\n\n" + OWN)
    assert catalogue.problems == ()
    assert catalogue.products == (
        Product("BUN-4", "Buns", "/p/BUN-4", "food/bread", "Northwind", 1.5, "EUR", "/img/BUN-4.avif", in_stock=False),
        Product("7", "Shoe", "/p/7", "", "", 129.0, "EUR", "/i.svg", 600, 400, True, frozenset({"new"}), 9.0),
    )


def test_the_demo_shops_own_catalogue_is_read_whole() -> None:
    catalogue = read_products((ROOT / "proxy" / "demo" / "products.jsonl").read_bytes())
    assert catalogue.problems == ()
    assert len(catalogue.products) >= 120


def test_lines_that_cannot_be_read_are_reported_and_the_others_count() -> None:
    catalogue = read_products(b"\xef\xbb\xbf" + FEED + b"\n[1]\n\n{half\n" + FEED + b"\n" + OWN)
    assert [product.id for product in catalogue.products] == ["BUN-4", "7"]
    assert [problem.line for problem in catalogue.problems] == [2, 4, 5]
    assert catalogue.problems[0] == Problem(
        2, "a product is written {...}", 'as {"id": "SKU-1", "title": ..., "link": ...}'
    )
    assert str(catalogue.problems[2]) == "line 5: there is already a product `BUN-4`"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ('"id": "a b"', "`id` is 1 to 64"),
        ('"id": null', "`id` is 1 to 64"),
        ('"id": true', "`id` is 1 to 64"),
        ('"title": ""', "`title` is missing"),
        ('"link": null', "`link` is missing"),
        ('"brand": 7', "`brand` is not text"),
        ('"price": "12,99 EUR"', "`price` is `12,99 EUR`"),
        ('"price": -1', "`price` is not a number"),
        ('"price": true', "`price` is not a number"),
        ('"price": 1e300', "`price` is not a number"),
        ('"price": "%s EUR"' % ("9" * 400), "`price` is not a number"),
        ('"currency": "euro"', "`currency` is `euro`"),
        ('"image_width": 1.5', "`image_width` is not a whole number"),
        ('"availability": "soon"', "`availability` is `soon`"),
        ('"in_stock": "perhaps"', "`in_stock` is neither"),
        ('"tags": 7', "`tags` is not a list"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_line(words: str, what: str) -> None:
    assert problem_of(words).startswith(what)


@pytest.mark.parametrize("availability", ["in_stock", "in stock", "IN_STOCK", "preorder"])
def test_feeds_say_in_stock_in_several_ways(availability: str) -> None:
    assert read_products(FEED.replace(b"out_of_stock", availability.encode())).products[0].in_stock


def test_an_empty_file_is_an_empty_catalogue() -> None:
    assert read_products(b"\n\n").products == ()


@pytest.mark.parametrize("name", ["price", "quantity", "popularity", "image_width", "prices"])
def test_numbers_of_hundreds_of_digits_are_told_as_what_they_are(name: str) -> None:
    number = 10**400
    words = {"id": "A", "title": "A", "link": "/a", "price": 1, name: {"NOK": number} if name == "prices" else number}
    with pytest.raises(Unreadable):
        product_of(words, lambda *told: None)
