"""Strategies, as rule files name them."""

from __future__ import annotations

import pytest

from proxy.diagnostics import Finding
from proxy.model import Product
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.sources import read_sources
from tests.rulebook.conftest import node

CATALOGUE = [
    Product("SKU-1", "Boot", "/p/1", category="shoes/trail"),
    Product("SKU-2", "Tent", "/p/2", category="tents"),
]


def test_strategies_keep_their_order() -> None:
    findings: list[Finding] = []
    sources = read_sources(node("- chosen: [SKU-2, SKU-1]\n- popular in: everything"), Assortment(CATALOGUE), findings)
    assert not findings
    assert [(source.strategy.phrase, source.words) for source in sources] == [
        ("chosen", ("SKU-2", "SKU-1")),
        ("popular in", ("everything",)),
    ]


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("chosen: SKU-3", "R502", 'there is no product "SKU-3"'),
        ("in category: shooes", "R502", 'no product fits "in category: shooes"'),
        ("populer in: shoes", "R101", 'I do not know "populer in" in a strategy'),
        ("- chosen", "R103", '"chosen" needs words behind it'),
        ("for you now: SKU-1", "R104", '"for you now" takes no words'),
        ("- for yu now", "R101", 'I do not know "for yu now" in a strategy'),
        ("bought together with: products in cat", "R502", 'there is no product "products in cat"'),
        ("popular in: categories in crt", "R502", 'no product fits "popular in: categories in crt"'),
        ("chosen: []", "R104", '"chosen" should be a word or a text'),
    ],
)
def test_what_no_product_answers_is_reported(text: str, code: str, what: str) -> None:
    findings: list[Finding] = []
    read_sources(node(text), Assortment(CATALOGUE), findings)
    assert [(finding.code, finding.what) for finding in findings] == [(code, what)]


@pytest.mark.parametrize(
    ("text", "is_warning"),
    [
        ("chosen: SKU-3", True),
        ("in category: shooes", True),
        ("with tag: summer", True),
        ("bought together with: products in cat", False),
        ("popular in: this categry", False),
    ],
)
def test_what_no_feed_can_bring_is_a_mistake_and_the_rest_a_warning(text: str, is_warning: bool) -> None:
    findings: list[Finding] = []
    (source,) = read_sources(node(text), Assortment(CATALOGUE), findings)
    assert [finding.is_warning for finding in findings] == [is_warning] and source.words


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("in category: shooes", 'did you mean "shoes"?'),
        ("in category: nowhere", "write it as the catalogue does"),
    ],
)
def test_a_name_of_the_catalogue_that_is_nearly_right_is_offered(text: str, help: str) -> None:
    findings: list[Finding] = []
    read_sources(node(text), Assortment(CATALOGUE), findings)
    assert findings[0].help == help


def test_without_a_catalogue_that_alone_is_told_for_pages_may_tell_of_products() -> None:
    findings: list[Finding] = []
    assert len(read_sources(node("- chosen: [A, B]\n- in category: c"), Assortment([]), findings)) == 2
    (finding,) = findings
    assert finding.is_warning and finding.what.startswith("there is no catalogue to choose from")


@pytest.mark.parametrize(
    "text",
    [
        "for you now",
        "- for this cart\n- popular in: categories in cart",
        "bought together with: products in cart",
        "also viewed with: this product",
        "popular in: [this category, everything]",
    ],
)
def test_what_follows_the_visitor_needs_no_product_by_name(text: str) -> None:
    findings: list[Finding] = []
    assert read_sources(node(text), Assortment(CATALOGUE), findings) and not findings
