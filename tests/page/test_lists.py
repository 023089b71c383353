from __future__ import annotations

import random
import tracemalloc

import pytest
import turbohtml

from proxy.page.encode import assemble
from proxy.page.fragments import Fragment
from proxy.page.lists import CardList, find_lists, with_order_stylesheet
from proxy.page.markup import Markup
from proxy.page.piece import Piece, inflated
from proxy.page.scan import SlotRange
from proxy.page.slots import ORDER_STYLESHEET, DeclaredSlot, stylesheet_url
from proxy.page.template import cut_at

LIST = DeclaredSlot("listing:search")
CARDS = "\r\n".join(f'<li class=card data-product="{id}"><a href=/p/{id}>é {id}</a></li>' for id in "abcd")
PAGE = f'<!doctype html>\r\n<h1>4 found</h1><ul data-list="search">\r\n {CARDS} <!-- end --></ul><p>after'.encode()


def cards_of(page: bytes, *declared: DeclaredSlot, path: str = "/search") -> CardList | None:
    found = find_lists(Markup(page, "utf-8"), path=path, declared=declared or [LIST]).found
    return found[0].cards if found else None


def shown(page: bytes, order: str, *declared: DeclaredSlot) -> bytes:
    lists = find_lists(Markup(page, "utf-8"), path="/search", declared=declared or [LIST]).found
    template = cut_at(page, (), lists=lists)
    fill = template.lists[0].in_order(list(order))
    return b"".join(assemble(template, [fill], {}, coding="identity", key=b"k").chunks)


def test_cards_change_places_and_every_other_byte_stays() -> None:
    turned = shown(PAGE, "dbca")
    before, after = turbohtml.parse(PAGE.decode()), turbohtml.parse(turned.decode())
    assert [e.attr("data-product") for e in after.select("[data-product]")] == list("dbca")
    for document in (before, after):
        for card in document.select("[data-product]"):
            card.decompose()
    assert before.equals(after)
    assert len(turned) == len(PAGE)
    assert turned.startswith(PAGE[: PAGE.index(b"<li")]) and turned.endswith(b" <!-- end --></ul><p>after")


def test_the_origins_own_order_is_the_page_as_it_came() -> None:
    cards = cards_of(PAGE)
    assert cards is not None and cards.products == ("a", "b", "c", "d")
    assert cards.in_order(list("abcd")) is None


def test_an_order_asked_for_often_is_one_piece_of_the_same_bytes() -> None:
    cards = cards_of(PAGE)
    assert cards is not None
    fills = [cards.in_order(list("dcba")) for _ in range(6)]
    assert all(isinstance(fill, Fragment) for fill in fills)
    first, last = fills[0], fills[-1]
    assert first and last and first.constant is None and last.constant is not None
    assert b"".join(part.plain for part in first.parts if hasattr(part, "plain")) == last.constant.plain
    assert inflated(last.constant.deflated) == last.constant.plain


def test_a_selector_and_an_attribute_of_the_shops_own_will_do() -> None:
    page = PAGE.replace(b'data-list="search"', b"class=grid").replace(b"data-product", b"data-sku")
    declared = DeclaredSlot("listing:all", page="/search", selector="ul.grid", product="data-sku")
    assert cards_of(page, declared) is not None
    assert cards_of(page, declared, path="/other") is None
    assert cards_of(page) is None


OSCAR = b"""<!doctype html><ol class="row">
<li class="col-sm-6"><article class="product_pod"><a href="#"></a><a href="/catalogue/thing-1_1/"><img src=""></a>
<h3><a href="/catalogue/thing-1_1/" title="Thing 1">Thing 1</a></h3><form action="/basket/add/1/" method="post">
<button data-id="1">Add to basket</button></form></article></li>
<li class="col-sm-6"><article class="product_pod"><a href="/catalogue/thing-2_2/"><img src=""></a>
<button data-id="2">Add to basket</button></article></li>
<li><a href="#top">top</a><b data-id="1"></b><b data-id="2"></b></li></ol>"""


@pytest.mark.parametrize(
    ("product", "products"),
    [("href", ("/catalogue/thing-1_1/", "/catalogue/thing-2_2/")), ("data-id", ("1", "2")), ("data-none", None)],
)
def test_a_card_is_named_by_what_stands_in_it_if_that_is_one_product(
    product: str, products: tuple[str, ...] | None
) -> None:
    """What Oscar and WooCommerce send: the card itself says nothing."""
    declared = DeclaredSlot("listing:all", selector="ol.row", product=product)
    cards = cards_of(OSCAR, declared)
    assert (cards and cards.products) == products


@pytest.mark.parametrize(
    ("name", "page", "doubt"),
    [
        ("a card is not closed", PAGE.replace(b"d</a></li>", b"d</a>"), "card_not_closed"),
        ("a card closes what it did not open", PAGE.replace(b"b</a></li>", b"b</a></b></ul></li>"), "card_not_closed"),
        ("an open element reaches into the next card", PAGE.replace(b"a</a></li>", b"a</li>"), "cards_not_apart"),
        ("one product stands there twice", PAGE.replace(b'"d"', b'"a"'), "card_twice"),
        ("there is one card", PAGE.replace(b"data-product", b"data-x", 3), ""),
        ("the list is text of a script", b"<script>" + PAGE + b"</script>", ""),
        ("another list", PAGE.replace(b'"search"', b'"sale"'), ""),
        ("its bytes are no ASCII", b"\xff\xfe" + PAGE, "charset"),
    ],
)
def test_a_list_in_doubt_stays_as_it_is_and_says_why(name: str, page: bytes, doubt: str) -> None:
    lists = find_lists(Markup(page, "utf-8"), path="/search", declared=[LIST])
    assert lists.found == () and [left.reason for left in lists.left_as_is] == ([doubt] if doubt else [])


def test_a_list_that_two_names_mean_or_that_lies_in_another_is_the_first_alone() -> None:
    inner = PAGE.replace(b"d</a>", b"d</a><ol data-list=more><li data-product=x></li><li data-product=y></li></ol>")
    for page, other in ((PAGE, DeclaredSlot("listing:all", selector="ul")), (inner, DeclaredSlot("listing:more"))):
        lists = find_lists(Markup(page, "utf-8"), path="/", declared=[LIST, other]).found
        assert [at.range.name for at in lists] == ["listing:search"]
        whole = assemble(cut_at(page, (), lists=lists), [None], {}, coding="identity", key=b"k")
        assert b"".join(whole.chunks) == page


def test_a_list_with_a_slot_among_its_cards_stays_as_it_is_and_says_why() -> None:
    page = PAGE.replace(b"b</a></li>", b"b</a></li><li data-slot=home.row>x</li>")
    at = page.index(b">x<") + 1
    lists = find_lists(Markup(page), path="/", declared=[LIST], taken=[SlotRange("home.row", at, at + 1)])
    assert lists.found == () and [(left.reason, left.offset) for left in lists.left_as_is] == [("slot_among_cards", at)]
    around = find_lists(Markup(page), path="/", declared=[LIST], taken=[SlotRange("home.row", 0, len(page))])
    assert around == ((), ())  # the slot's own content


def test_what_stands_between_cards_stays_there() -> None:
    page = PAGE.replace(b"b</a></li>", b"b</a></li><li class=ad>buy!</li>")
    turned = turbohtml.parse(shown(page, "dcba").decode())
    assert [e.attr("data-product") or e.attr("class") for e in turned.select("li")] == ["d", "c", "ad", "b", "a"]


def test_cards_of_a_page_that_a_framework_takes_over_stay_and_are_numbered() -> None:
    page = PAGE.replace(b"<h1>", b'<head><title>x</title></head><script id="__NEXT_DATA__">{}</script><h1>')
    turned = turbohtml.parse(shown(page, "dbca").decode())
    cards = turned.select("[data-product]")
    assert [card.attr("data-product") for card in cards] == list("abcd")
    assert [card.attr("data-tb-order") for card in cards] == ["4", "2", "3", "1"]
    dressed = with_order_stylesheet(Markup(page), path="/search", declared=[LIST]).body
    url = stylesheet_url(ORDER_STYLESHEET).encode()
    assert b'</title><link rel="stylesheet" href="%b"></head>' % url in dressed
    plain = Markup(PAGE)
    assert with_order_stylesheet(plain, path="/search", declared=[LIST]) is plain
    assert b'[data-tb-order="200"]{order:200}' in ORDER_STYLESHEET


def test_what_is_no_card_keeps_its_place_among_numbered_cards_and_what_comes_later_is_last() -> None:
    page = PAGE.replace(b"<h1>", b'<div id="__next"><h1>').replace(b"b</a></li>", b"b</a></li><li class=ad>buy!</li>")
    turned = turbohtml.parse(shown(page, "dbca").decode())
    assert [(item.attr("data-product"), item.attr("data-tb-order")) for item in turned.select("li")] == [
        ("a", "5"), ("b", "2"), (None, "3"), ("c", "4"), ("d", "1"),
    ]  # fmt: skip
    assert b"[data-tb-order]~:not([data-tb-order]){order:201}" in ORDER_STYLESHEET


def test_any_order_of_any_list_keeps_all_cards_and_all_bytes() -> None:
    dice = random.Random(4)
    for _ in range(50):
        ids = [f"{dice.randrange(10**6)}" for _ in range(dice.randrange(2, 12))]
        if len(set(ids)) < len(ids):
            continue
        cards = [f"<li data-product={id}>{'<p>x</p>' * dice.randrange(3)}</li>{' ' * dice.randrange(3)}" for id in ids]
        page = f"<body><ul data-list=search>{''.join(cards)}</ul>".encode()
        order = dice.sample(ids, len(ids))
        lists = find_lists(Markup(page), path="/", declared=[LIST]).found
        template = cut_at(page, (), lists=lists)
        turned = b"".join(
            assemble(template, [template.lists[0].in_order(order)], {}, coding="identity", key=b"k").chunks
        )
        found = [e.attr("data-product") for e in turbohtml.parse(turned.decode()).select("[data-product]")]
        assert found == order and sorted(turned) == sorted(page)


def test_pages_made_with_a_list_are_dropped_with_its_joined_orders() -> None:
    card = Piece(b"<li>a card</li>")
    cards = CardList(("a", "b"), (card, card), (Piece(b""),))
    orders = [cards.in_order(("b", "a")) for _ in range(3)]
    assert orders[1] is orders[2] is not orders[0]
    cards.pages["decided so"] = orders[1], "its page"
    cards.forget()
    assert not cards.pages and cards.in_order(("b", "a")) is not orders[1]


def test_orders_that_visitors_have_alone_take_little_memory() -> None:
    names, chance = [f"SKU-{number}" for number in range(200)], random.Random(1)
    empty = Piece(b"")
    cards = CardList(tuple(names), tuple(Piece(name.encode()) for name in names), (empty,) * (len(names) - 1))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2_000):
            chance.shuffle(names)
            cards.in_order(names)
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
