"""Conditions ask for what the shop sells."""

from __future__ import annotations

import pytest

from tests.rulebook.conftest import Publish

RULE = "rules:\n  - {name: A, slot: home.hero, show: nothing new, when: {%s}}\n"
CATALOGUE = "\n".join(
    f'{{"id": "{id}", "title": "{id}", "link": "/p/{id}", "price": 9, "category": "{category}", "brand": "{brand}"}}'
    for id, category, brand in (("SKU-1", "shoes/trail", "Tarnwell"), ("SKU-2", "hats", ""))
)
HATS = 'did you mean "hats"?'


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("viewed: {product: sku-1, category: Shoes, brand: tarnwell}, bought: {category: [shoes/trail/, hats]}", []),
        ("viewed: {category: starts with sho}, favourite brand: any, page: /c/shoos, searched: {for: shoos}", []),
        ("viewed: {category: shoos}", [('no product\'s category is "shoos"', 'did you mean "shoes"?')]),
        ("bought: {product: [SKU-1, SKU-12]}", [('there is no product "SKU-12"', 'did you mean "SKU-2"?')]),
        ("added to cart: {brand: Tarnwel}", [('no product\'s brand is "Tarnwel"', 'did you mean "Tarnwell"?')]),
        ("brands in cart: not Nord", [('no product\'s brand is "Nord"', "write one of: Tarnwell")]),
        (
            "favourite category: shoes/trial",
            [('no product\'s category is "shoes/trial"', 'did you mean "shoes/trail"?')],
        ),
        ("unless: {products bought: SKU-3}", [('there is no product "SKU-3"', 'did you mean "SKU-2"?')]),
        (
            "viewed: {category: hat}, bought: {category: hat}",
            [('no product\'s category is "hat"', 'did you mean "hats"?')],
        ),
    ],
)
def test_what_no_product_is_is_reported_with_the_nearest(
    when: str, told: list[tuple[str, str]], publish: Publish
) -> None:
    loaded = publish(RULE % when, **{"products.jsonl": CATALOGUE})
    assert [(finding.what, finding.help) for finding in loaded.findings] == told
    assert loaded.publication is not None, "visitors may remember what is sold no more"


def test_without_a_catalogue_nobody_knows_what_is_sold(publish: Publish) -> None:
    assert publish(RULE % "viewed: {category: shoos}", **{"products.jsonl": ""}).findings == []
