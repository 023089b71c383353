"""What a draft changes in rows of products and lists, word by word."""

from __future__ import annotations

import pytest

from proxy.diagnostics import as_text
from proxy.drafts.changes import changes
from proxy.rulebook.compile import Publication, load

RULES = """rules:
  - name: Row
    slot: home.row
    show:
      products:
        title: For you
        strategy: [for you, popular in: everything]
        at least: 2
        never: {price: at least 50}
        boost: {brand: Northwind, by: a lot}
        bury: {out of stock: yes, by: to the end}
  - name: List
    listing: search
    pin: {product: SKU-1, at: 3}
experiments:
  - name: Order
    listing: category
    variants:
      - {name: control, show: nothing new}
      - {name: ours, boost: {score: popularity, by: a little}}
"""


def publication(rules: str) -> Publication:
    loaded = load({"a.rules.yaml": rules.encode(), "slots.yaml": b"slots: {home.row: {}}"})
    assert loaded.publication is not None, as_text(loaded.findings, loaded.sources)
    return loaded.publication


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[for you, popular in: everything]", "buy again", ["strategy: for you; popular in: everything  →  buy again"]),
        ("at least: 2", "at least: 3", ["at least: 2  →  3"]),
        ("        at least: 2\n", "        count: 6\n", ["count: 4  →  6", "at least: 2  →  anything"]),
        (
            "never: {price: at least 50}",
            "only: in stock",
            ["only: anything  →  in stock", "never: price from 50  →  anything"],
        ),
        ("by: a lot}", "by: a little}", ["boost: +10 places by brand northwind  →  +3 places by brand northwind"]),
        ("by: to the end}", "by: 1 place}", ["bury: to the end by out of stock  →  -1 place by out of stock"]),
        ("at: 3}", "at: 2}\n    largest move: 5", ["pin: SKU-1 at 3  →  SKU-1 at 2", "largest move: anything  →  5"]),
        ("title: For you", "title: Yours", ["shows something else"]),
        (
            "title: For you\n        strategy: [for you, popular",
            "title: Yours\n        strategy: [popular",
            ["strategy: for you; popular in: everything  →  popular in: everything", "shows something else"],
        ),
    ],
)
def test_a_changed_row_or_list_says_what_was_and_what_is(old: str, new: str, told: list[str]) -> None:
    assert RULES.count(old) == 1
    found = changes(publication(RULES), publication(RULES.replace(old, new)), 0.0)
    assert [change.what for change in found] == told


def test_of_an_experiment_the_arm_is_named() -> None:
    found = changes(publication(RULES), publication(RULES.replace("by: a little", "by: 5 places")), 0.0)
    assert found[0].what == "ours, boost: +3 places by score  →  +5 places by score"
