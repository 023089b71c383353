from __future__ import annotations

from typing import Any

import pytest

from proxy.catalogue.rows import RowSpec, choose
from proxy.catalogue.strategies import STRATEGIES, source
from tests.catalogue.worlds import asking

GIVES = [
    ("chosen", ["KETCHUP", "nope", "BUN"], {}, ["KETCHUP", "BUN"]),
    ("in category", ["food/sauces"], {}, ["MUSTARD", "KETCHUP"]),
    ("in category", ["FOOD/Sauces/"], {}, ["MUSTARD", "KETCHUP"]),
    ("with tag", ["NEW"], {}, ["SCREE"]),
    ("of brand", ["tarnwell"], {}, ["SCREE", "SOCK"]),
    ("popular in", ["everything"], {}, ["HOTDOG", "SOCK", "MUSTARD", "TRAIL"]),
    ("popular in", ["shoes"], {}, ["TRAIL", "SCREE"]),
    ("popular in", ["categories in cart"], {"cart": ["MUSTARD"]}, ["MUSTARD", "KETCHUP"]),
    ("popular in", ["nowhere"], {}, []),
    ("trending in", ["shoes"], {}, ["TRAIL", "SCREE"]),
    ("new in", ["everything"], {}, ["SOCK", "SCREE"]),
    ("bought together with", ["products in cart"], {"cart": ["HOTDOG"]}, ["MUSTARD", "BUN"]),
    ("bought together with", ["this product"], {"here": "TRAIL"}, ["SOCK"]),
    ("goes with", ["this product"], {"here": "TRAIL"}, ["SOCK"]),
    ("instead of", ["this product"], {"here": "TRAIL"}, ["SCREE"]),
    ("also viewed with", ["this product"], {"here": "TRAIL"}, ["SCREE", "SOCK"]),
    ("for this cart", [], {"cart": ["HOTDOG"]}, ["MUSTARD", "BUN", "SOCK"]),
    ("for you now", [], {"viewed": ["TRAIL"]}, ["SCREE", "SOCK"]),
    ("for you", [], {"viewed": ["SCREE"]}, ["SCREE", "TRAIL", "SOCK"]),
    ("recently viewed", [], {"viewed": ["TRAIL", "MUSTARD", "TRAIL"]}, ["TRAIL", "MUSTARD"]),
    ("buy again", [], {"bought": ["BUN", "TRAIL", "BUN"]}, ["BUN", "TRAIL"]),
]


@pytest.mark.parametrize(("phrase", "words", "who", "gives"), GIVES, ids=[f"{row[0]} {row[1]}" for row in GIVES])
def test_what_each_strategy_gives(phrase: str, words: list[str], who: dict[str, Any], gives: list[str]) -> None:
    ask = asking(**who)
    found = source(phrase, words)
    ids = [id for id in found.strategy.select(ask, found.words) if id != ask.here]
    known = [id for id in ids if ask.shop.products.get(id) and (phrase != "for you now" or id not in who["viewed"])]
    assert known[: len(gives)] == gives
    if not gives:
        assert known == []
    for id in known:
        assert found.strategy.explain(ask, found.words, id)


def test_every_strategy_is_tested_and_explains_itself() -> None:
    untested = {strategy.phrase for strategy in STRATEGIES} - {row[0] for row in GIVES}
    assert not untested, "write into GIVES, above, what these give"
    assert all(strategy.help and (strategy.example or strategy.may_be_bare) for strategy in STRATEGIES)


@pytest.mark.parametrize("phrase", [s.phrase for s in STRATEGIES if s.reads_history])
def test_of_a_stranger_what_follows_the_visitor_knows_nothing(phrase: str) -> None:
    assert list(source(phrase, []).strategy.select(asking(), ())) == []


def test_a_row_of_one_strategy_is_its_products() -> None:
    row = choose(RowSpec((source("popular in", ["shoes"]),)), asking())
    assert [product.id for product in row.products] == ["TRAIL", "SCREE"]
