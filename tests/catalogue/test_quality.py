from __future__ import annotations

import pytest

from proxy.catalogue.feeds import read_feed
from proxy.catalogue.products import Problem
from proxy.catalogue.quality import completed, contradiction, contradictions, told_by_kind
from proxy.model import Product


def told(*products: Product) -> list[tuple[int, str]]:
    lines = {product.id: number for number, product in enumerate(products, start=2)}
    return [(problem.line, problem.what) for problem in contradictions(products, lines)]


def test_a_clean_catalogue_is_told_nothing() -> None:
    assert told(Product("a", "A", "/a", group="g"), Product("b", "A", "/a", group="g"), Product("c", "C", "/c")) == []


def test_variants_are_of_one_brand_and_category() -> None:
    assert told(Product("a", "A", "/a", "shoes", group="g"), Product("b", "B", "/b", "socks", group="g")) == [
        (3, "`b` has category `socks`, its variant `a` has `shoes`")
    ]


def test_one_address_or_one_name_is_likely_one_product() -> None:
    assert told(Product("a", "A", "/a"), Product("b", "B", "/a"), Product("c", "a", "/c")) == [
        (3, "`b` and `a` have the same link /a"),
        (4, "`c` and `a` have the same title `a`"),
    ]


def test_a_few_prices_in_other_money_are_a_mistake() -> None:
    euros = [Product(f"{n}", f"{n}", f"/{n}", currency="EUR") for n in range(10)]
    assert told(*euros, Product("x", "X", "/x", currency="USD")) == [
        (12, "`x` is priced in USD, nearly all others in EUR")
    ]


MAT = Product("MAT", "Mat", "/p/MAT", price=12.0, currency="EUR", sale_price=9.0, prices=(("NOK", 140.0),))


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (MAT, ""),
        (Product("MAT", "Other", "/x", price=9.0, currency="EUR"), ""),
        (Product("MAT", "Mat", "/x", price=140.0, currency="NOK"), ""),
        (Product("MAT", "Mat", "/x", price=15.0, currency="USD"), ""),
        (Product("MAT", "Mat", "/x", price=15.0, currency="EUR"), "costs 15 on its page, 12 in the catalogue"),
        (
            Product("MAT", "Mat", "/x", price=12.0, currency="EUR", in_stock=False),
            "is sold out on its page, and not in the catalogue",
        ),
    ],
    ids=["the same", "a sale", "other money", "money nobody knows", "dearer", "sold out"],
)
def test_a_page_contradicts_the_catalogue_by_price_and_stock(page: Product, said: str) -> None:
    assert contradiction(MAT, page) == said


@pytest.mark.parametrize(
    ("image", "width", "page", "found"),
    [
        ("/a.jpg", 0, "https://cdn.example/a.jpg", ("/a.jpg", 600)),
        ("/a.jpg", 300, "/a.jpg", ("/a.jpg", 300)),
        ("/a.jpg", 0, "/b.jpg", ("/a.jpg", 0)),
        ("", 0, "/b.jpg", ("/b.jpg", 600)),
        ("/a.jpg", 0, "", ("/a.jpg", 0)),
        ("https://[/", 0, "/b.jpg", ("https://[/", 0)),
    ],
)
def test_a_page_completes_the_picture(image: str, width: int, page: str, found: tuple[str, int]) -> None:
    told = Product("MAT", "Mat", "/x", image=page, image_width=600, image_height=400)
    product = completed(Product("MAT", "Mat", "/x", image=image, image_width=width), told)
    assert (product.image, product.image_width) == found


def test_a_page_completes_what_nobody_else_says_and_overrules_nothing() -> None:
    bare = Product("MAT", "Mat", "/p/MAT", tags=frozenset({"new"}))
    page = Product("MAT", "Other", "/x", "mats", "Hilleberg", 9.5, "EUR", in_stock=False)
    expected = Product("MAT", "Mat", "/p/MAT", "mats", "Hilleberg", 9.5, "EUR", tags=bare.tags)
    assert completed(bare, page) == expected
    assert completed(MAT, Product("MAT", "Other", "/x", price=1.0, currency="USD")) is MAT


def test_of_many_problems_alike_the_first_are_told_and_how_many_there_are() -> None:
    rows = b"".join(b"P-%d,Thing %d,/p/%d,%d EURO,in_stock,/i.jpg\n" % (n, n, n, n) for n in range(1, 31))
    feed = read_feed(b"id,title,link,price,availability,image_link\nBAD,,/p/BAD,1 EUR,in_stock,/i.jpg\n" + rows)
    told = list(told_by_kind(feed.problems))
    assert [problem.line for problem in told] == [2, 3, 4, 5, 6, 7, 8]
    assert told[0].what == "`title` is missing"
    assert told[-1].what == "and 25 more like it: `price` is `6 EURO`, which is no price"
    assert [problem.what for problem in told_by_kind(feed.problems[:6])] == [one.what for one in feed.problems[:6]]


def test_fields_are_told_apart() -> None:
    flaws = [Problem(n, f"`{name}` is not a number from 0 up") for n, name in enumerate(["popularity", "price"] * 6)]
    assert len(list(told_by_kind(flaws))) == 12
