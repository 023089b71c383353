from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model import Item
from proxy.page.markup import Markup
from proxy.page.page_subject import NO_SUBJECT, PageSubject
from proxy.page.page_subject import subject_of as about_markup

SHOE = {
    "@context": "https://schema.org/",
    "@type": "Product",
    "sku": "hoka-1",
    "category": "shoes > trail",
    "brand": {"@type": "Brand", "name": "Hoka"},
    "offers": {"@type": "Offer", "price": "139.95", "priceCurrency": "EUR"},
}
CARD = '<li data-product="p{}"><a href="/p/{}">one</a></li>'


def about(body: bytes) -> PageSubject:
    return about_markup(Markup(body))


def page(*things: object, body: str = "") -> bytes:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(thing)}</script>' for thing in things)
    return f"<!doctype html><html><head>{scripts}</head><body>{body}</body></html>".encode()


def test_a_product_says_what_it_is() -> None:
    assert about(page(SHOE)) == PageSubject(Item("hoka-1", "shoes/trail", "Hoka", 139.95))


@pytest.mark.parametrize(
    "thing",
    [
        {"@graph": [{"@type": "WebSite", "name": "Shop"}, SHOE]},
        {"@type": "ItemPage", "mainEntity": SHOE},
        [SHOE],
        {**SHOE, "@type": ["Product", "Thing"]},
        {**SHOE, "@type": "http://schema.org/Product"},
        {**SHOE, "@type": "ProductGroup", "sku": None, "productGroupID": "hoka-1"},
        {**SHOE, "offers": [{"lowPrice": 139.95}]},
        {**SHOE, "brand": "Hoka"},
    ],
)
def test_a_product_says_so_in_many_ways(thing: object) -> None:
    assert about(page(thing)).product == Item("hoka-1", "shoes/trail", "Hoka", 139.95)


def test_a_products_page_tells_what_a_feed_would() -> None:
    found = about(page({**SHOE, "name": "Clifton"}))
    assert found.product_data["title"] == "Clifton" and found.product_data["price"] == 139.95
    tags = '<meta property="og:title" content="Nine"><meta property="product:price:amount" content="9.50">'
    marked = about(page(body=f'{tags}<main data-product="p9"></main>'))
    assert (marked.product_data["id"], marked.product_data["title"], marked.product_data["price"]) == (
        "p9",
        "Nine",
        9.5,
    )
    assert not about(page(body=tags)).product_data


def test_a_page_says_its_own_address_where_the_product_does_not() -> None:
    link = '<link rel="Canonical" href="https://shop.example/index.php?route=product&amp;id=7">'
    for thing, told in ((SHOE | {"name": "Shoe"}, "https://shop.example/index.php?route=product&id=7"),
                        (SHOE | {"name": "Shoe", "url": "/p/7"}, "/p/7")):  # fmt: skip
        assert about(page(thing, body=link)).product_data["link"] == told


def test_several_products_are_no_products_page() -> None:
    assert about(page(SHOE, {**SHOE, "sku": "hoka-2"})).product is None


def test_a_mark_on_what_is_in_no_list_is_the_product() -> None:
    cards = "".join(CARD.format(number, number) for number in range(3))
    assert about(page(body=f'<main data-product="p9"><h1>Nine</h1></main><ul>{cards}</ul>')).product == Item("p9")
    assert about(page(body=f"<ul>{cards}</ul>")).product is None
    assert about(page(body='<div data-product="a"></div><div data-product="b"></div>')).product is None
    assert about(page(body='<div data-slot="x"><div data-product="a"></div></div>')).product is None


def test_a_page_of_thousands_of_products_is_read_in_time() -> None:
    cards = "".join(f'<div data-product="{number}"></div>' for number in range(20_000))
    assert about(page(body=cards)).product is None


def test_a_list_says_its_name() -> None:
    assert about(page(body='<ul data-list="category.shoes"></ul>')).listing == "category.shoes"
    assert about(page({"@type": "ItemList", "name": "Shoes"})).listing == "Shoes"
    assert about(page({"@type": "CollectionPage"})).listing == "list"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<p>hello",
        page(body="<script type='application/ld+json'>{broken</script>"),
        page("Product", 7, None),
        page({"@type": "Product"}),
        page({"@type": {"a": 1}, "sku": []}),
        b"\xff\xfe<script type=application/ld+json>" + b"[" * 10_000,
    ],
)
def test_a_page_that_does_not_say_is_about_nothing(body: bytes) -> None:
    assert about(body) == NO_SUBJECT


@given(st.binary(max_size=200))
def test_any_bytes_are_about_something_or_nothing(junk: bytes) -> None:
    assert isinstance(about(b"<html data-product data-list ld+json>" + junk), PageSubject)
