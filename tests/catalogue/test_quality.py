from __future__ import annotations

from proxy.catalogue.quality import contradictions
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


def test_a_few_prices_in_other_money_are_a_slip() -> None:
    euros = [Product(f"{n}", f"{n}", f"/{n}", currency="EUR") for n in range(10)]
    assert told(*euros, Product("x", "X", "/x", currency="USD")) == [
        (12, "`x` is priced in USD, nearly all others in EUR")
    ]
