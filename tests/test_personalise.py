"""A template, a plan, fragments and a context go in; the page and its reasons come out, always the same."""

from __future__ import annotations

import gzip
import re

import msgspec

from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.rows import RowSpec
from proxy.catalogue.strategies import source
from proxy.conditions.behaviours import VIEWED
from proxy.decide.plan import compile_plan
from proxy.model import Arm, Decision, EvaluationContext, Experiment, Fact, OneOf, Rule
from proxy.page.counting import Counting
from proxy.page.encode import Coding
from proxy.page.fragments import Wrapper, banner
from proxy.page.presentation import PLAIN
from proxy.page.product_row import product_row
from proxy.page.template import Template
from proxy.personalise import MOST_REMEMBERED, Personalised, Stock, personalise, stocked, untouched
from proxy.visitors.view_content import banners_of
from tests.catalogue.worlds import did, shop
from tests.page.cutting import cut

PAGE = b'<p>before</p><div data-slot="home.hero">ours</div><p>between</p><div data-slot="all.topbar">bar</div>'
PLAN = compile_plan(
    [
        Rule("VIP", "home.hero", Fact("segment", OneOf(frozenset({"vip"}))), variant="early", priority=80),
        Rule("Quiet", "home.hero", Fact("country", OneOf(frozenset({"no"})))),
        Rule("Unpublished", "all.topbar", variant="gone"),
    ]
)
FRAGMENTS = {"early": banner(Wrapper("VIP"), title="Early access, {first name|friend}")}
KEY = b"key"


def template() -> Template:
    found = cut(PAGE, path="/", charset="utf-8", declared=(), max_slots=50)
    assert isinstance(found, Template)
    return found


def page_for(coding: Coding = "identity", **attributes: str | frozenset[str]) -> Personalised:
    context = EvaluationContext("v1", 0.0, {name.replace("_", " "): value for name, value in attributes.items()})
    return personalise(template(), PLAN, FRAGMENTS, context, coding=coding, key=KEY)


def body(page: Personalised) -> bytes:
    return b"".join(page.page.chunks)


def test_a_winner_fills_its_slot_and_nothing_else_changes() -> None:
    page = page_for(segment=frozenset({"VIP"}), first_name="Anna")
    before, after = body(page).split(b"<p>between</p>")
    assert before.startswith(b'<p>before</p><div data-slot="home.hero">')
    assert b"Early access, Anna" in before
    assert b"ours" not in before
    assert after == b'<div data-slot="all.topbar">bar</div>'


def test_decisions_come_in_the_order_of_the_page() -> None:
    decisions = page_for(segment=frozenset({"VIP"})).decisions
    assert [(decision.slot, decision.rule) for decision in decisions] == [
        ("home.hero", "VIP"),
        ("all.topbar", "Unpublished"),
    ]


def test_no_winner_nothing_new_and_an_unpublished_fragment_show_the_default() -> None:
    assert body(page_for()) == PAGE
    assert body(page_for(country="NO")) == PAGE


def test_the_same_arguments_give_the_same_bytes_in_either_coding() -> None:
    visitor = {"segment": frozenset({"VIP"}), "first_name": "Ann <b>"}
    plain, again, squeezed = page_for(**visitor), page_for(**visitor), page_for("gzip", **visitor)
    assert body(plain) == body(again)
    assert gzip.decompress(body(squeezed)) == body(plain)
    assert b"Ann &lt;b&gt;" in body(plain)
    assert plain.page.etag == again.page.etag != squeezed.page.etag


def test_untouched_is_the_origins_page() -> None:
    assert b"".join(untouched(template(), coding="identity", key=KEY).chunks) == PAGE


def test_what_varies_is_more_than_what_was_decided() -> None:
    counting = Counting(banner(Wrapper("C"), title="{hours until 12:00, hour/hours}"), "UTC")
    stock = Stock(asks={"row": RowSpec(())}, counting={"early": counting})
    assert stock.is_settled_by([Decision("bar"), Decision("hero", "other")])
    assert not stock.is_settled_by([Decision("bar"), Decision("row", "row")])
    assert not stock.is_settled_by([Decision("hero", "early")])
    context = EvaluationContext("v1", 39_600.0, {"segment": frozenset({"VIP"})})
    assert b"1 hour" in body(personalise(template(), PLAN, FRAGMENTS, context, coding="identity", key=KEY, stock=stock))


# -- rows of products

ROWS = compile_plan([Rule("Row", "home.hero", variant="row"), Rule("Second row", "all.topbar", variant="second")])
SHELVES = {"row": product_row(Wrapper("Row"), title="For you"), "second": product_row(Wrapper("Second row"))}
IN_STOCK = ProductTest("in stock")
NOTHING = RowSpec((source("recently viewed", []),), count=2)
POPULAR = RowSpec((source("popular in", ["everything"]),), count=2, only=(IN_STOCK,))


def page_with_rows(stock: Stock, **attributes: str | frozenset[str]) -> str:
    context = EvaluationContext("v1", 0.0, {name.replace("_", " "): value for name, value in attributes.items()})
    page = personalise(template(), ROWS, SHELVES, context, coding="identity", key=KEY, stock=stock)
    return body(page).decode()


def shown_in(page: str) -> list[str]:
    return re.findall(r'href="/p/(\w+)', page.replace("&#x2f;", "/"))


def test_no_product_stands_twice_on_a_page() -> None:
    page = page_with_rows(Stock(shop(), {"row": POPULAR, "second": POPULAR}))
    assert shown_in(page) == ["HOTDOG", "SOCK", "MUSTARD", "TRAIL"]


def test_what_an_editor_chose_for_a_row_is_taken_by_no_row_above_it() -> None:
    chosen = RowSpec((source("chosen", ["HOTDOG", "SOCK"]),), count=2)
    stock = Stock(shop(), {"row": POPULAR, "second": chosen})
    assert shown_in(page_with_rows(stock)) == ["MUSTARD", "TRAIL", "HOTDOG", "SOCK"]


def test_what_is_sold_out_a_moment_ago_is_not_shown() -> None:
    stock = Stock(shop(), {"row": POPULAR, "second": POPULAR})
    page_with_rows(stock)
    stock.shop.products.change({"id": "HOTDOG", "availability": "out_of_stock"}, lambda *told: None)
    assert "HOTDOG" not in shown_in(page_with_rows(stock))


def test_a_row_stays_while_nothing_that_was_looked_at_for_it_changes() -> None:
    stock = Stock(shop(), {"row": RowSpec((source("recently viewed", []),), count=2, only=(IN_STOCK,))})
    looks = tuple(did(VIEWED, id, at=float(at)) for at, id in enumerate(("SOCK", "MUSTARD", "HOTDOG")))
    context, hub = EvaluationContext("v1", 10.0, history=looks, remembered={}), stock.shop.products

    def row() -> tuple[object, list[str]]:
        fragment, products = stocked(SHELVES["row"], Decision("", "row"), context, stock, PLAIN)
        return fragment, list(products)

    def tell(id: str, availability: str) -> None:
        hub.change({"id": id, "availability": availability}, lambda *told: None)

    first = row()
    assert first[1] == ["HOTDOG", "MUSTARD"]
    tell("TRAIL", "out_of_stock")
    assert row()[0] is first[0]
    tell("HOTDOG", "out_of_stock")
    second = row()
    assert second[1] == ["MUSTARD", "SOCK"]
    tell("TRAIL", "in_stock")
    assert row()[0] is second[0]
    tell("HOTDOG", "in_stock")
    assert row()[1] == first[1]


def test_a_row_is_chosen_again_for_everybody_when_other_rules_are_published() -> None:
    remembered, found = dict[object, object](), list[object]()
    for phrase, words in (("recently viewed", []), ("in category", ["shoes"]), ("recently viewed", [])):
        stock = Stock(shop(), {"row": RowSpec((source(phrase, words),), count=1)})
        context = EvaluationContext("", 10.0, remembered=remembered)
        found.append(list(stocked(SHELVES["row"], Decision("", "row"), context, stock, PLAIN)[1]))
    assert found == [[], ["TRAIL"], []]


def test_what_is_remembered_of_who_has_no_profile_does_not_grow_for_ever() -> None:
    stock, remembered = Stock(shop(), {"row": POPULAR}), dict[object, object]()
    for minute in range(2 * MOST_REMEMBERED):
        context = EvaluationContext("", 60.0 * minute, remembered=remembered)
        stocked(SHELVES["row"], Decision("", "row"), context, stock, PLAIN)
    assert len(remembered) <= MOST_REMEMBERED


def test_a_row_without_products_was_not_shown() -> None:
    stock = Stock(shop(), {"row": NOTHING, "second": POPULAR})
    done = personalise(template(), ROWS, SHELVES, EvaluationContext("v1"), coding="identity", key=KEY, stock=stock)
    assert [decision.rule for decision in done.decided.decisions if decision.rule] == ["Second row"]
    assert done.decided.rules == ("Second row",)
    assert msgspec.msgpack.decode(banners_of(done).shown) == ["Second row"]


def next_after(*rules: Rule, **asks: RowSpec) -> Personalised:
    """What the page shows somebody without a past."""
    stock, context = Stock(shop(), {"row": NOTHING, **asks}), EvaluationContext("v1")
    fragments = {**SHELVES, "banner": banner(Wrapper("Banner"), title="Instead")}
    return personalise(template(), compile_plan(rules), fragments, context, coding="identity", key=KEY, stock=stock)


ROW = Rule("Row", "home.hero", variant="row", priority=90)


def test_a_row_without_products_makes_way_for_the_next_rule() -> None:
    other = Rule("Other", "home.hero", variant="banner", priority=80)
    done = next_after(ROW, other, Rule("Last", "home.hero", priority=70))
    assert done.decided.rules == ("Other",) and b"Instead" in body(done)
    assert msgspec.msgpack.decode(banners_of(done).shown) == ["Other"]


def test_so_does_one_with_too_few_and_none_of_them_is_taken_from_other_rows() -> None:
    few = RowSpec((source("chosen", ["HOTDOG"]),), at_least=2)
    done = next_after(ROW, Rule("Second row", "all.topbar", variant="second"), row=few, second=POPULAR)
    assert done.decided.rules == ("Second row",) and shown_in(body(done).decode()) == ["HOTDOG", "SOCK"]


def test_a_rule_that_shows_nothing_new_ends_the_search() -> None:
    quiet = Rule("Quiet", "home.hero", priority=80)
    done = next_after(ROW, quiet, Rule("Last", "home.hero", variant="banner", priority=70))
    assert done.decided.decisions[0].rule == "Quiet" and body(done) == PAGE


def test_an_arm_of_an_experiment_makes_way_for_nothing() -> None:
    tried = Rule("Test", "home.hero", priority=90, experiment=Experiment((Arm("a", 10_000, "row"),)))
    done = next_after(tried, Rule("Last", "home.hero", variant="banner"))
    assert body(done) == PAGE and not done.decided.rules and done.decided.empty == ["home.hero"]


def test_the_next_rule_is_of_no_layer_that_the_page_shows() -> None:
    other = Rule("Other", "home.hero", variant="banner", priority=80, layer="L")
    bar = Rule("Bar", "all.topbar", variant="banner", priority=90, layer="L")
    last = Rule("Last", "home.hero", variant="banner", priority=70)
    assert next_after(ROW, other, bar, last).decided.rules == ("Last", "Bar")
    assert next_after(ROW, other, last).decided.rules == ("Other",)


def test_a_row_without_products_is_the_pages_own() -> None:
    nothing = RowSpec((source("buy again", []),))
    page = page_with_rows(Stock(shop(), {"row": nothing, "second": nothing}))
    assert page == PAGE.decode()


def test_cards_are_dressed_for_their_reader() -> None:
    stock = Stock(shop(), {"row": POPULAR, "second": POPULAR})
    page = page_with_rows(
        stock, language=frozenset({"de-at", "de"}), **{"campaign.source": "Mail & more", "campaign": "autumn"}
    )
    assert "3,00&nbsp;&#8364;" in page
    assert "/p/HOTDOG?utm_campaign=autumn&amp;utm_source=Mail%20%26%20more" in page.replace("&#x2f;", "/")
