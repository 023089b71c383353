"""Filters, boosts and pins, as rule files write them."""

from __future__ import annotations

from math import inf

import pytest

from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.ranking import Shift
from proxy.diagnostics import Finding
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.merchandise import read_fits, read_pins, read_shifts
from tests.catalogue.worlds import PRODUCTS
from tests.rulebook.conftest import node


@pytest.mark.parametrize(
    ("what", "text", "fits"),
    [
        ("only", "[in stock]", [ProductTest("in stock")]),
        ("never", "[out of stock]", [ProductTest("out of stock")]),
        ("only", "[in stock, on sale]", [ProductTest("in stock"), ProductTest("on sale")]),
        ("never", "on sale", [ProductTest("on sale")]),
        ("never", "products in cart", [ProductTest("words", frozenset({"products in cart"}))]),
        ("never", "[BUN]", [ProductTest("product", frozenset({"bun"}))]),
        ("never", "[products bought]", [ProductTest("words", frozenset({"products bought"}))]),
        (
            "only", "- in stock\n- price: at most 50 EUR",
            [ProductTest("in stock"), ProductTest("price", low=float("-inf"), high=50.0)],
        ),
        ("only", "cheaper since viewed", [ProductTest("cheaper since viewed")]),
        ("only", "back in stock since viewed", [ProductTest("back in stock since viewed")]),
        ("never", "cheaper since viewed", [ProductTest("cheaper since viewed")]),
        ("only", "{discount: at least 20%}", [ProductTest("discount", low=20.0)]),
        ("only", "{discount: more than 0%}", [ProductTest("discount", low=0.001)]),
        ("only", "{discount: between 10 and 20}", [ProductTest("discount", low=10.0, high=20.0)]),
        ("only", "{brand: [Northwind, Tarnwell]}", [ProductTest("brand", frozenset({"northwind", "tarnwell"}))]),
        (
            "never", "{category: food, tag: new}",
            [ProductTest("category", frozenset({"food"})), ProductTest("tag", frozenset({"new"}))],
        ),
    ],
)  # fmt: skip
def test_filters_are_read(what: str, text: str, fits: list[ProductTest]) -> None:
    findings: list[Finding] = []
    assert list(read_fits(node(text), what, Assortment(PRODUCTS), findings)) == fits and not findings


@pytest.mark.parametrize(
    ("text", "shifts"),
    [
        ("{brand: Northwind, by: a little}", [Shift(ProductTest("brand", frozenset({"northwind"})), 3.0)]),
        ("- affinity: brand\n  by: a lot", [Shift(ProductTest("affinity", frozenset({"brand"})), 10.0)]),
        ("[{score: popularity, by: 5 places}]", [Shift(ProductTest("score"), 5.0)]),
        ("{tag: New}", [Shift(ProductTest("tag", frozenset({"new"})), 10.0)]),
        ("{in stock: no}", [Shift(ProductTest("out of stock"), 10.0)]),
        ("{cheaper since viewed: yes, by: a little}", [Shift(ProductTest("cheaper since viewed"), 3.0)]),
        ("{discount: at least 30%}", [Shift(ProductTest("discount", low=30.0), 10.0)]),
        ("{on sale: yes}", [Shift(ProductTest("on sale"), 10.0)]),
        ("{out of stock: no}", [Shift(ProductTest("in stock"), 10.0)]),
    ],
)
def test_boosts_are_read_and_buries_are_their_opposite(text: str, shifts: list[Shift]) -> None:
    findings: list[Finding] = []
    assert list(read_shifts(node(text), "boost", Assortment(PRODUCTS), findings)) == shifts
    assert [shift.places for shift in read_shifts(node(text), "bury", Assortment(PRODUCTS), findings)] == [
        -shift.places for shift in shifts
    ]
    assert not findings


def test_what_is_buried_may_go_to_the_end() -> None:
    findings: list[Finding] = []
    (shift,) = read_shifts(node("{out of stock: yes, by: to the end}"), "bury", Assortment(PRODUCTS), findings)
    assert (shift, findings) == (Shift(ProductTest("out of stock"), -inf), [])


def test_pins_are_read() -> None:
    findings: list[Finding] = []
    assert read_pins(node("- product: SOCK\n  at: 3\n- product: BUN"), Assortment(PRODUCTS), findings) == (
        (3, "SOCK"),
        (1, "BUN"),
    )
    assert not findings


@pytest.mark.parametrize(
    ("read", "text", "code", "what"),
    [
        ("only", "cheap", "R304", '"only" cannot be "cheap"'),
        ("only", "{prise: 5}", "R101", 'I do not know "prise" in a filter of products'),
        ("only", "{discount: big}", "R303", '"big" is not an amount'),
        ("only", "{price: cheap}", "R303", '"cheap" is not an amount'),
        ("never", "BUNS", "R502", 'there is no product "BUNS"'),
        ("never", "products in crt", "R304", '"never" cannot be "products in crt"'),
        ("never", "{brand: Northwynd}", "R502", 'no product\'s brand is "Northwynd"'),
        ("boost", "{brand: Northwind, by: much}", "R304", '"by" cannot be "much"'),
        ("boost", "{in stock: perhaps}", "R304", '"in stock" cannot be "perhaps"'),
        ("boost", "{score: clicks}", "R304", '"score" cannot be "clicks"'),
        ("boost", "{brand: Northwind, by: to the end}", "R304", '"by" cannot be "to the end"'),
        ("bury", "{score: popularity, by: to the end}", "R304", '"score" has no end to go to'),
        ("boost", "{affinity: colour}", "R304", '"affinity" cannot be "colour"'),
        ("boost", "{bramd: Northwind}", "R101", 'I do not know "bramd" in "boost"'),
        ("bury", "[out of stock]", "R304", '"bury" cannot be "out of stock"'),
        ("pin", "{product: SOCKS, at: 1}", "R502", 'there is no product "SOCKS"'),
        ("pin", "{at: 1}", "R103", 'this pin has no "product"'),
        ("pin", "{product: SOCK, at: 0}", "R304", '"at" cannot be "0"'),
        ("pin", "[{product: SOCK}, {product: BUN}]", "R102", '"SOCK" is pinned at 1, and "BUN", too'),
        ("pin", "[{product: BUN, at: 1}, {product: BUN, at: 2}]", "R102", '"BUN" is pinned twice'),
    ],
)
def test_what_is_wrong_is_reported_with_a_help(read: str, text: str, code: str, what: str) -> None:
    findings: list[Finding] = []
    if read == "pin":
        read_pins(node(text), Assortment(PRODUCTS), findings)
    elif read in ("boost", "bury"):
        read_shifts(node(text), read, Assortment(PRODUCTS), findings)
    else:
        read_fits(node(text), read, Assortment(PRODUCTS), findings)
    assert [(finding.code, finding.what) for finding in findings] == [(code, what)] and findings[0].help


def test_a_word_of_only_is_mended_to_a_line_of_bury() -> None:
    findings: list[Finding] = []
    assert not read_shifts(node("- out of stock"), "bury", Assortment(PRODUCTS), findings)
    assert findings[0].help == "write: {out of stock: yes}"
    assert [edit.replacement for edit in findings[0].edits] == ["{out of stock: yes}"]


@pytest.mark.parametrize(
    ("read", "text", "help"),
    [
        ("boost", "{margin: high, by: a lot}", "write a line like `tag: high margin`"),
        ("boost", "- New-Arrivals: yes", "write a line like `tag: new`"),
        ("boost", "[margin]", "write a line like `tag: high margin`"),
        ("boost", "{best sellers: yes}", "write a line like `score: popularity`"),
        ("boost", "Northwind", "write: {brand: Northwind}"),
        ("boost", "[SOCK]", "write: {product: SOCK}"),
        ("bury", "{low stock: yes}", "write a line like `out of stock: yes`"),
        ("bury", "{tags: new}", 'did you mean "tag"?'),
        ("only", "margin", "write a line like `tag: high margin`"),
        ("never", "{margin: low}", "write a line like `tag: high margin`"),
        ("never", "sold out", "write: out of stock"),
        ("pin", "SOCK", "write: {product: SOCK, at: 1}"),
        ("pin", "[{product: BUN}, SOCK]", "write: {product: SOCK, at: 2}"),
    ],
)
def test_a_word_of_another_tool_is_told_the_line_that_says_it_here(read: str, text: str, help: str) -> None:
    findings: list[Finding] = []
    assortment = Assortment(PRODUCTS)
    if read == "pin":
        read_pins(node(text), assortment, findings)
    elif read in ("only", "never"):
        read_fits(node(text), read, assortment, findings)
    else:
        read_shifts(node(text), read, assortment, findings)
    (finding,) = findings
    assert (finding.help, finding.is_warning) == (help, False)
    assert ("custom_label_0" in finding.note) is ("`tag:" in help)
    assert [edit.replacement for edit in finding.edits] == ([help.removeprefix("write: ")] if "{" in help else [])
