from __future__ import annotations

from typing import Any

import pytest

from proxy.catalogue.products import product_of
from proxy.model import Item
from proxy.page.markup import Markup
from proxy.page.page_subject import price_of, product_data_of

SHOE = Item("hoka-1", "shoes/trail", "Hoka", 139.95)
OFFER = {"@type": "Offer", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"}
THING = {
    "name": "Clifton", "url": "https://shop.example/p/1", "image": ["/1.jpg", "/2.jpg"], "offers": OFFER,
}  # fmt: skip
SIZED = [
    ({}, '<img src="https://cdn.example/1.jpg?v=2" width="600" height="400px">', (600, 400)),
    ({"image": {"url": "/1.jpg", "width": 600, "height": "400 px"}}, "", (600, 400)),
    ({"image": {"contentUrl": "/1.jpg", "width": {"value": 600}, "height": {"value": "400"}}}, "", (600, 400)),
    ({}, "{size}", (1200, 800)),
    ({"image": {"url": "/1.jpg", "width": 600, "height": 400}}, "{size}", (600, 400)),
    ({"image": "/other.jpg"}, "{size}", (0, 0)),
    ({}, '<img src="/1.jpg" width="100%" height="auto"><img src="/1.jpg" width="60" height="40">', (60, 40)),
    ({}, '<img src="/1.jpg" width="99999" height="400">', (0, 0)),
    ({"image": None}, "", (0, 0)),
]
TAGS = """
<meta property="og:image" content="https://shop.example/1.jpg">
<meta property="og:image:width" content="1200"><meta property="og:image:height" content="800">
<meta property="og:image" content="/2.jpg"><meta property="og:image:width" content="7">
"""


def told(html: str, thing: dict[str, Any], item: Item = SHOE) -> Any:
    return product_data_of(Markup(f"<html><head>{html}</head></html>".encode()), thing, item)


def test_json_ld_tells_what_a_feed_would() -> None:
    assert told("", THING) == {
        "id": "hoka-1",
        "title": "Clifton",
        "link": "https://shop.example/p/1",
        "category": "shoes/trail",
        "brand": "Hoka",
        "price": 139.95,
        "currency": "EUR",
        "image": "/1.jpg",
        "image_width": 0,
        "image_height": 0,
        "availability": "https://schema.org/InStock",
    }


@pytest.mark.parametrize(("changes", "html", "size"), SIZED, ids=[str(number) for number in range(len(SIZED))])
def test_a_picture_has_the_size_that_anything_tells(changes: dict[str, Any], html: str, size: tuple[int, int]) -> None:
    words = told(html.replace("{size}", TAGS), {**THING, **changes})
    assert (words["image_width"], words["image_height"]) == size


def test_open_graph_tells_what_json_ld_does_not() -> None:
    html = """<meta property="og:title" content=" Clifton 9 "><meta property="og:image" content="/9.jpg">
    <meta property="product:price:amount" content="129.90"><meta property="product:price:currency" content="EUR">
    <meta property="product:availability" content="oos"><meta property="product:brand" content="Hoka">"""
    words = told(html, {}, Item("p9"))
    product = product_of({**words, "link": "/p/9"}, lambda *told: None)
    assert (product.id, product.title, product.price, product.currency) == ("p9", "Clifton 9", 129.9, "EUR")
    assert (product.image, product.brand, product.in_stock) == ("/9.jpg", "Hoka", False)
    assert told(html, THING)["title"] == "Clifton"


@pytest.mark.parametrize("html", ["", '<meta property="og:title" content="Clifton">', "<title>Clifton</title>"])
def test_a_page_that_tells_too_little_to_sell_its_product_tells_nothing_of_it(html: str) -> None:
    assert not told(html, {}, Item("p9"))
    assert not told(html, {"name": "", "offers": OFFER}, Item("p9"))


def test_what_is_no_price_costs_nothing_and_no_page() -> None:
    for written in (10**400, "1e999", 1e308, "nan", -1, "free", None, []):
        assert price_of({"price": written}) == 0.0, written
    assert price_of({"price": "free", "lowPrice": "9.95"}) == 9.95
