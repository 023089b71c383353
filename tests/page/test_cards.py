from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.errors import EditorError
from proxy.model import Product
from proxy.page.cards import Card, price_text

SHOE = Product(
    "SKU-1", "Trail <runner>", "/p/SKU-1", "shoes/trail", "Northwind", 129.0, "EUR", "/img/1.avif", 600, 400,
    tags=frozenset({"new", "eco"}),
)  # fmt: skip


def test_the_default_card_links_shows_and_prices_the_product() -> None:
    card = Card().draw(SHOE)
    assert card.startswith('<a class="tb-card-link" href="')
    for part in ('width="600"', 'height="400"', "Trail &lt;runner&gt;", "Northwind", "€129.00"):
        assert part in card


def test_the_default_card_of_what_is_on_sale_has_both_prices() -> None:
    card = Card().draw(replace(SHOE, sale_price=99.0))
    assert '<span class="tb-card-price">€99.00 <s class="tb-card-was">€129.00</s></span>' in card


def test_the_default_card_leaves_out_what_is_unknown() -> None:
    card = Card().draw(Product("a", "Bare", "/p/a"))
    link = '<a class="tb-card-link" href="&#x2f;p&#x2f;a" data-product="a">'
    assert card == f'{link}<span class="tb-card-title">Bare</span></a>'


def test_an_editors_card_may_use_every_word_of_a_product() -> None:
    template = (
        "{{ product.id }} {{ product.category }} {{ product.amount }} {{ product.currency }} {{ product.popularity }}"
        "{% if product.in_stock %} here{% endif %}{% for tag in product.tags %} {{ tag }}{% endfor %}"
    )
    assert Card(template).draw(SHOE) == "SKU-1 shoes&#x2f;trail 129.0 EUR 0.0 here eco new"


@pytest.mark.parametrize(
    ("template", "line", "what"),
    [
        ("<p>\n{{ product.titel }}", 2, "titel"),
        ("{{ first_name }}", 1, "first_name"),
        ("<p>\n\n{% if %}", 3, "unexpected"),
        ("\n{% set x = 1 %}", 2, "`set`"),
        ("{% macro x() %}{% endmacro %}", 1, "`macro`"),
        ("{%- include 'x' %}", 1, "`include`"),
    ],
)
def test_a_card_that_cannot_be_drawn_is_reported_at_its_line(template: str, line: int, what: str) -> None:
    with pytest.raises(EditorError, match=what) as caught:
        Card(template).draw(SHOE)
    assert caught.value.line == line


def test_what_a_feed_says_is_escaped_and_never_read_as_a_template() -> None:
    product = replace(SHOE, title="{{ product.id }}\u202e<img src=x onerror=alert(1)>")
    assert Card("{{ product.title }}").draw(product) == "(( product.id ))&lt;img src=x onerror=alert(1)&gt;"


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        (12.5, "EUR", "€12.50"),
        (1299.0, "USD", "$1,299.00"),
        (3.0, "NOK", "3.00 NOK"),
        (3.0, "", "3.00"),
        (0.0, "EUR", ""),
    ],
)
def test_prices_are_written_as_shops_write_them(price: float, currency: str, text: str) -> None:
    assert price_text(price, currency) == text
