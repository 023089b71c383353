from __future__ import annotations

from proxy.catalogue.rows import RowSpec
from proxy.catalogue.strategies import source
from proxy.decide.why import why
from proxy.model import EvaluationContext
from proxy.personalise import Stock
from proxy.stories import with_products
from tests.catalogue.worlds import shop
from tests.test_personalise import POPULAR, ROWS


def test_products_that_an_editor_chose_for_one_row_are_told_to_be_on_the_page_in_the_other() -> None:
    chosen = RowSpec((source("chosen", ["HOTDOG", "SOCK"]),), count=2)
    stock, context = Stock(shop(), {"row": POPULAR, "second": chosen}), EvaluationContext("v1")
    first, second = with_products(why(ROWS, context, ["home.hero", "all.topbar"]), context, stock)
    assert first.products[0].startswith("MUSTARD") and second.products[0].startswith("HOTDOG")
    assert "2 on the page already" in first.products[-1]


def test_why_lists_each_products_place_in_a_row() -> None:
    stock = Stock(shop(), {"row": POPULAR, "second": POPULAR})
    context = EvaluationContext("v1")
    first, second = with_products(why(ROWS, context, ["home.hero", "all.topbar"]), context, stock)
    assert first.products[0] == 'HOTDOG  Hot dogs: in 5 orders ("popular in: everything")'
    assert first.products[-1] == '"popular in: everything" found 7 and gave 2'
    assert second.products[0].startswith("MUSTARD")
