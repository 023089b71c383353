from __future__ import annotations

from proxy.catalogue.ranking import Arrangement, Contrast
from proxy.catalogue.rows import RowSpec
from proxy.catalogue.strategies import source
from proxy.decide.plan import compile_plan
from proxy.decide.why import Verdict, why, why_text
from proxy.model import Decision, EvaluationContext, Rule
from proxy.personalise import Stock
from proxy.stories import with_products
from tests.catalogue.worlds import shop
from tests.test_personalise import NOTHING, POPULAR, ROWS


def test_products_that_an_editor_chose_for_one_row_are_told_to_be_on_the_page_in_the_other() -> None:
    chosen = RowSpec((source("chosen", ["HOTDOG", "SOCK"]),), count=2)
    stock, context = Stock(shop(), {"row": POPULAR, "second": chosen}), EvaluationContext("v1")
    first, second = with_products(why(ROWS, context, ["home.hero", "all.topbar"]), ROWS, context, stock)
    assert first.products[0].startswith("MUSTARD") and second.products[0].startswith("HOTDOG")
    assert "2 on the page already" in first.products[-1]


def test_why_lists_each_products_place_in_a_row() -> None:
    stock = Stock(shop(), {"row": POPULAR, "second": POPULAR})
    context = EvaluationContext("v1")
    first, second = with_products(why(ROWS, context, ["home.hero", "all.topbar"]), ROWS, context, stock)
    assert first.products[0] == 'HOTDOG  Hot dogs: in 5 orders ("popular in: everything")'
    assert first.products[-1] == '"popular in: everything" found 7 and gave 2'
    assert second.products[0].startswith("MUSTARD")


def test_rules_without_products_are_told_apart_from_the_one_that_shows() -> None:
    rules = [Rule(name, "home.row", variant=name, order=order) for order, name in enumerate(("A", "B", "C", "D"))]
    plan, context = compile_plan(rules), EvaluationContext("v1")
    stock = Stock(shop(), {"A": NOTHING, "B": NOTHING, "C": POPULAR, "D": POPULAR})
    (story,) = with_products(why(plan, context, ["home.row"]), plan, context, stock)
    assert [(rule.name, rule.verdict) for rule in story.rules] == [
        ("A", Verdict.EMPTY),
        ("B", Verdict.EMPTY),
        ("C", Verdict.SHOWN),
        ("D", Verdict.NEXT),
    ]
    assert story.decision.rule == "C"
    assert story.products[:2] == ('A: "recently viewed" found 0 and gave 0', "A: no product is left")
    assert story.products[4].startswith("HOTDOG")
    assert "\u2718 no products    A  " in why_text([story])


def test_where_no_rule_has_products_the_pages_own_stands() -> None:
    plan, context = compile_plan([Rule("A", "home.row", variant="A")]), EvaluationContext("v1")
    (story,) = with_products(why(plan, context, ["home.row"]), plan, context, Stock(shop(), {"A": NOTHING}))
    assert story.decision == Decision("home.row") and "SHOWN          the page's own default" in why_text([story])


def test_a_list_in_which_nothing_is_compared_says_that_it_is_not_counted() -> None:
    pinned = Arrangement(pins=((1, "TRAIL"),))
    rule = Rule("Pin", "listing:search", variant="Pin", holdout=100)
    plan, context = compile_plan([rule], []), EvaluationContext("v1")
    stock = Stock(shop(), arrangements={"Pin": pinned}, contrasts={"Pin": Contrast((None, pinned))})
    told = "whatever is compared here, this list stands so: results do not count who sees it"
    for products, is_told in ((["BUN", "TRAIL"], False), (["TRAIL", "BUN"], True), (["BUN"], True)):
        (story,) = with_products(
            why(plan, context, ["listing:search"]), plan, context, stock, {"listing:search": products}
        )
        assert (told in story.products) == is_told
