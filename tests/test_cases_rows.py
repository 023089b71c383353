"""Editors' tests of what stands in a row of products."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.cases import Outcome, run_cases, untested
from proxy.rulebook.compile import load
from tests.test_cases import NOW

ROW = """
rules:
  - name: Goes with it
    slot: cart.extras
    show:
      products:
        strategy:
          - bought together with: products in cart
          - popular in: everything
        count: 2
        only: in stock
        never: products in cart
tests:
  - name: Hot dogs bring mustard
    visitor: {cart: [HOTDOG-6]}
    expect: {cart.extras: {contains: %s, never: [HOTDOG-6, BUN-4]}}
"""


def row_outcome(contains: str) -> Outcome:
    autumn = Path(__file__).parent / "cases" / "autumn"
    files = {name: (autumn / name).read_bytes() for name in ("products.jsonl", "orders.csv", "slots.yaml")}
    loaded = load({**files, "a.rules.yaml": (ROW % contains).encode()})
    assert loaded.publication is not None, loaded.findings
    (only,) = run_cases(loaded.publication, NOW)
    assert untested(loaded.publication, run_cases(loaded.publication, NOW)) == ()
    return only


def test_what_a_row_must_hold_is_looked_for_in_the_row_a_page_would_show() -> None:
    assert row_outcome("MUSTARD-1").passed


def test_a_row_that_lacks_a_product_says_what_became_of_each_strategy() -> None:
    (fault,) = row_outcome("SKU-1042").faults
    assert str(fault) == "cart.extras should contain SKU-1042, but shows MUSTARD-1, KETCHUP-2"
    assert fault.reasons[0].startswith('"bought together with: products in cart" found')


EMPTY = """\
rules:
  - {name: Own, slot: cart.extras, priority: high, show: {products: {strategy: recently viewed}}}
  - {name: All, slot: cart.extras, show: {products: {strategy: [popular in: everything]}}}
tests:
  - {name: T, visitor: {viewed: VIEWED}, expect: {cart.extras: EXPECTED}}
"""


@pytest.mark.parametrize(
    ("viewed", "expected", "fault"),
    [
        ("[]", "All", ""),
        ("[MUSTARD-1]", "Own", ""),
        ("[]", "{contains: HOTDOG-6}", ""),
        ("[]", "Own", 'cart.extras should show "Own", but shows "All"'),
        ("[MUSTARD-1]", "All", 'cart.extras should show "All", but shows "Own"'),
    ],
)
def test_a_rule_whose_row_has_no_products_makes_way(viewed: str, expected: str, fault: str) -> None:
    autumn = Path(__file__).parent / "cases" / "autumn"
    files = {name: (autumn / name).read_bytes() for name in ("products.jsonl", "orders.csv", "slots.yaml")}
    text = EMPTY.replace("VIEWED", viewed).replace("EXPECTED", expected)
    loaded = load({**files, "a.rules.yaml": text.encode()})
    assert loaded.publication is not None, loaded.findings
    (only,) = run_cases(loaded.publication, NOW)
    assert [str(each) for each in only.faults] == ([fault] if fault else [])
    if 'but shows "All"' in fault:
        assert only.faults[0].reasons[0] == "it has no products to show, so the next rule is tried"
