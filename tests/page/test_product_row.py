from __future__ import annotations

from dataclasses import replace
from html import unescape

import pytest
import turbohtml

from proxy.errors import EditorError
from proxy.model import Product
from proxy.page.cards import DEFAULT_CARD
from proxy.page.fragments import ProductIds, Wrapper
from proxy.page.piece import Piece, inflated
from proxy.page.presentation import Presentation
from proxy.page.product_row import CardRenderer, ProductRow, card_faults, product_row
from tests.page.test_fragments import BARE, PAYLOADS

SHOE = Product(
    "SKU-1", "Trail runner", "/p/SKU-1", "shoes/trail", "Northwind", 129.0, "EUR", "/img/1.avif", 600, 400,
    sale_price=99.0, sale_from=100.0, prices=(("NOK", 1490.0),),
)  # fmt: skip


def html(
    made: ProductRow,
    *products: Product,
    now: float = 0.0,
    presentation: Presentation | None = None,
    is_common: bool = False,
    is_read: bool = False,
) -> str:
    filled = made.filled(products, now, presentation or Presentation(), is_common=is_common)
    parts = [part.plain if isinstance(part, Piece) else part for part in filled.fill({"how": "very well"})]
    return unescape(b"".join(parts).decode()) if is_read else b"".join(parts).decode()


def test_a_row_of_products_is_a_list_of_cards() -> None:
    page = turbohtml.parse(html(product_row(BARE, title="Goes {how|well}"), SHOE, replace(SHOE, id="2", title="Other")))
    assert [e.text for e in page.select("h2")] == ["Goes very well"]
    assert [e.text for e in page.select("ul.tb-cards > li.tb-card .tb-card-title")] == ["Trail runner", "Other"]
    assert [e.attr("href") for e in page.select("a")] == ["/p/SKU-1", "/p/SKU-1"]
    assert [(e.attr("width"), e.attr("height")) for e in page.select("img")] == [("600", "400")] * 2


def test_a_row_without_title_has_no_empty_heading() -> None:
    assert not turbohtml.parse(html(product_row(BARE), SHOE)).select("h2, [aria-label]")


def test_a_row_is_shown_as_its_visitor_reads_and_pays() -> None:
    made = product_row(BARE, card="{{ product.price }} {{ product.was }} {{ product.link }}")
    assert "€129.00  /p/SKU-1<" in html(made, SHOE, is_read=True)
    assert "€99.00 €129.00" in html(made, SHOE, now=100.0, is_read=True)
    assert "129,00\xa0€" in html(made, SHOE, presentation=Presentation("de"), is_read=True)
    assert "1,490.00 NOK" in html(made, SHOE, presentation=Presentation("en", "NOK"), is_read=True)
    assert "/p/SKU-1?utm_source=mail<" in html(
        made, SHOE, presentation=Presentation(campaign="utm_source=mail"), is_read=True
    )
    searched = replace(SHOE, link="/p?id=1#top")
    shown = html(made, searched, presentation=Presentation(campaign="utm_source=a&utm_medium=b"), is_read=True)
    assert "/p?id=1&utm_source=a&utm_medium=b#top<" in shown


def test_a_card_is_drawn_once_for_a_product_as_it_is_now() -> None:
    made = CardRenderer(DEFAULT_CARD)
    assert made.rendered(SHOE, 0.0) is made.rendered(SHOE, 1.0) is made.rendered(replace(SHOE), 1.0)
    assert made.rendered(SHOE, 100.0) is not made.rendered(SHOE, 0.0)
    assert b"Renamed" in made.rendered(replace(SHOE, title="Renamed"), 0.0).plain


def test_shelves_of_one_template_share_its_cards() -> None:
    assert product_row(BARE).renderer is product_row(Wrapper("Other"), title="Other").renderer
    assert product_row(BARE).renderer is not product_row(BARE, card="{{ product.title }}").renderer


def test_the_oldest_cards_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.page.product_row.MOST_CARDS", 20)
    made, row = CardRenderer(DEFAULT_CARD), product_row(BARE, card="{{ product.id }}")
    first = made.rendered(SHOE, 0.0)
    common = row.filled([SHOE], 0.0, is_common=True)
    for number in range(30):
        made.rendered(replace(SHOE, id=f"{number}"), 0.0)
        assert f">{number}<" in html(row, replace(SHOE, id=f"{number}"), is_common=True)
    assert made.rendered(SHOE, 0.0) is not first and len(made._rendered) <= 20
    again = row.filled([SHOE], 0.0, is_common=True)
    assert again.constant == common.constant


@pytest.mark.parametrize("is_common", [True, False])
def test_a_row_says_what_it_is_called_and_which_products_stand_in_it(is_common: bool) -> None:
    row = product_row(BARE, title="For you").filled([SHOE], 0.0, is_common=is_common)
    assert dict(row.content) == {"title": ("For you",), "products": ProductIds((SHOE.id,))}


def test_a_row_that_is_the_same_for_many_is_one_piece() -> None:
    made = product_row(BARE)
    common = made.filled([SHOE], 0.0, is_common=True)
    assert common is made.filled([SHOE], 0.0, is_common=True) and common.constant is not None
    own = made.filled([SHOE], 0.0, is_common=False)
    assert own.constant is not None and inflated(own.constant.deflated) == own.constant.plain == common.constant.plain
    named = product_row(BARE, title="For {name|you}").filled([SHOE], 0.0, is_common=False)
    assert named.constant is None and [field.attribute for field in named.fields] == ["name", "name"]
    assert html(made, SHOE, is_common=True) == html(made, SHOE)


def test_an_editors_card_is_sanitised_and_says_so() -> None:
    card = "<p class=x style=y>{{ product.title }}</p>"
    assert '<li class="tb-card"><p class="x">Trail runner</p></li>' in html(product_row(BARE, card=card), SHOE)
    assert [str(removed) for removed in card_faults(card, SHOE)] == ["`style` of `<p>`"]
    with pytest.raises(EditorError):
        product_row(BARE, card="{% set x = 1 %}")


def test_a_card_that_cannot_be_drawn_of_one_product_leaves_the_others() -> None:
    card = "{% for i in range(product.popularity) %}{% for j in range(product.popularity) %}x{% endfor %}{% endfor %}y"
    shown = html(product_row(BARE, card=card), replace(SHOE, popularity=1e6), replace(SHOE, id="2"))
    assert shown.count("tb-card") - shown.count("tb-cards") <= 2


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_feed_says_stays_words(payload: str) -> None:
    product = Product("a", payload, payload, payload, payload, 1.0, payload, payload)
    shown = html(product_row(Wrapper("A rule"), title="x"), product)
    page = turbohtml.parse(shown)
    assert {e.tag for e in page.select("body *")} <= {"div", "section", "h2", "ul", "li", "a", "img", "span"}
    assert not page.select("[onerror], [onload], [onmouseover]")
    assert not any((e.attr("href") or e.attr("src") or "").startswith("javascript") for e in page.select("a, img"))
    assert "{{" not in shown
