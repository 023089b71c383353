from __future__ import annotations

import time

import pytest

from proxy.catalogue.feeds import find_row, line_of, merged, read_feed
from proxy.catalogue.products import Unreadable
from proxy.model import Product

XML = b"""\xef\xbb\xbf<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>A shop</title><link>https://shop.example</link>
<item>
 <g:id>SKU-1</g:id><g:title><![CDATA[Salt & pepper]]></g:title><link>https://shop.example/p/1</link>
 <g:image_link>https://shop.example/1.jpg</g:image_link><g:price>12.99 EUR</g:price>
 <g:sale_price>9.99 EUR</g:sale_price>
 <g:sale_price_effective_date>2026-11-25T00:00Z/2026-11-28T00:00Z</g:sale_price_effective_date>
 <g:availability>in stock</g:availability><g:product_type>Home > Kitchen > Spices</g:product_type>
 <g:shipping><g:price>4.95 EUR</g:price></g:shipping><g:item_group_id>G</g:item_group_id>
 <g:custom_label_0>gift</g:custom_label_0><g:brand>Northwind</g:brand>
</item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry><g:id>7</g:id>
<title>Shoe</title><link href="/p/7"/><g:price>5 EUR</g:price><g:image_link>/7.jpg</g:image_link>
<g:availability>out_of_stock</g:availability></entry></feed>"""
SHOPIFY = (
    '"Handle","Title","Body (HTML)","Vendor","Type","Tags","Published","Option1 Name","Option1 Value","Variant SKU",'
    '"Variant Inventory Tracker","Variant Inventory Qty","Variant Inventory Policy","Variant Price",'
    '"Variant Compare At Price","Image Src","Variant Image","Status"\r\n'
    '"shoe","Shoe","<p>Two\nlines</p>","Northwind","Shoes > Trail","new, eco","true","Size","41","S-41","shopify","0",'
    '"deny","90.00","120.00","/shoe.jpg","","active"\r\n'
    '"shoe","","","","","","","","42","S-42","shopify","0","continue","90.00","","","/shoe-42.jpg",""\r\n'
    '"shoe","","","","","","","","","","","","","","","/side.jpg","",""\r\n'
    '"draft","Draft","","","","","false","","","D-1","","","","1.00","","/d.jpg","","draft"\r\n'
)


def test_a_google_feed_is_read_whole() -> None:
    catalogue = read_feed(XML)
    assert catalogue.problems == ()
    (product,) = catalogue.products
    assert product == Product(
        "SKU-1", "Salt & pepper", "https://shop.example/p/1", "Home/Kitchen/Spices", "Northwind", 12.99, "EUR",
        "https://shop.example/1.jpg", tags=frozenset({"gift"}), sale_price=9.99, sale_from=1_795_564_800.0,
        sale_until=1_795_824_000.0, group="G",
    )  # fmt: skip
    assert [product.price_at(at) for at in (1_795_564_799.0, 1_795_564_800.0, 1_795_824_000.0)] == [12.99, 9.99, 12.99]


def test_atom_names_its_links_in_an_attribute() -> None:
    catalogue = read_feed(ATOM)
    assert catalogue.problems == ()
    assert [(p.id, p.link, p.in_stock, p.price) for p in catalogue.products] == [("7", "/p/7", False, 5.0)]


def test_shopifys_variants_are_products_of_one_group() -> None:
    catalogue = read_feed(SHOPIFY.encode(), currency="EUR")
    assert catalogue.problems == ()
    small, large = catalogue.products
    assert (small.id, small.title, small.link, small.group) == ("S-41", "Shoe / 41", "/products/shoe", "shoe")
    assert (small.price, small.sale_price, small.currency, small.in_stock) == (120.0, 90.0, "EUR", False)
    assert (small.category, small.tags, small.image) == ("Shoes/Trail", frozenset({"new", "eco"}), "/shoe.jpg")
    assert (large.id, large.price, large.in_stock, large.image) == ("S-42", 90.0, True, "/shoe-42.jpg")


def test_an_empty_file_is_reported() -> None:
    assert [problem.what for problem in read_feed(b"").problems] == ["there is no product in this file"]


def test_a_product_comes_back_from_its_line() -> None:
    for feed in (XML, ATOM, SHOPIFY.encode()):
        for product in read_feed(feed, currency="EUR").products:
            assert read_feed(line_of(product)).products == (product,)


def test_a_change_names_what_it_changes_and_keeps_the_rest() -> None:
    (known,) = read_feed(XML).products
    sold_out = merged(known, {"availability": "out_of_stock"}, lambda *told: None)
    assert not sold_out.in_stock and sold_out.price_at(1_795_564_800.0) == 9.99 and sold_out.tags == known.tags
    dearer = merged(known, {"price": "15.00 EUR"}, lambda *told: None)
    assert (dearer.price, dearer.in_stock, dearer.brand) == (15.0, True, "Northwind")
    with pytest.raises(Unreadable):
        merged(known, {"price": "cheap"}, lambda *told: None)


def test_a_row_is_found_by_its_product_in_any_format() -> None:
    assert (find_row(SHOPIFY.encode(), "S-42") or (0, {}))[0] == 4
    assert (find_row(ATOM, "7") or (0, {}))[1]["id"] == "7"
    assert find_row(b'\xef\xbb\xbf{"id": 7, "title": "x"}\nnonsense\n', "7") == (1, {"id": 7, "title": "x"})
    assert find_row(b"{}", "7") is None


@pytest.mark.parametrize(
    "table",
    [
        "id,title,link,price\nA,Chair,/p/a,3.50 EUR\n",
        'ID;"Title";link;price\r\nA;"Chair";/p/a;3.50 EUR\r\n',
        "\ufeff\nprice;link;title;id\n3.50 EUR;/p/a;Chair;A",
    ],
)
def test_a_spreadsheet_with_a_feeds_columns_is_one(table: str) -> None:
    catalogue = read_feed(table.encode())
    assert [(p.id, p.title, p.link, p.price, p.currency) for p in catalogue.products] == [
        ("A", "Chair", "/p/a", 3.5, "EUR")
    ]
    assert {problem.what for problem in catalogue.problems if not problem.is_warning} == set()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04\x14\0", "a workbook"),
        ("id,title\n".encode("utf-16"), "in UTF-16"),
        (b"sku,name,url\nA,Chair,/p/a\nB,Table,/p/b\n", "no column of this table is called `id` or `title`"),
        (b"ID;Name;Preis\nA;Chair;9,50\n", "no column of this table is called `title`"),
        (b"hello\n", "no feed that can be read"),
    ],
)
def test_what_is_no_feed_is_reported_once_with_what_is_one(data: bytes, what: str) -> None:
    (problem,) = read_feed(data).problems
    assert what in problem.what and problem.help and problem.line == 1


def test_a_table_has_numbers_and_truths_as_text() -> None:
    feed = read_feed(
        b"id,title,link,price,currency,availability,image_link,image_width,image_height,popularity,in_stock\n"
        b"A,Tea,/a,4.50,EUR,,/a.jpg,600,400,12.5,yes\nB,Cup,/b,9,EUR,,/b.jpg,,,,no\nC,Pot,/c,9,EUR,,/c.jpg,,,,FALSE\n"
    )
    tea, cup, pot = feed.products
    assert (tea.price, tea.image_width, tea.image_height, tea.popularity) == (4.5, 600, 400, 12.5)
    assert [product.in_stock for product in (tea, cup, pot)] == [True, False, False]
    wide = (
        b"id,title,link,price,currency,availability,image_link,image_width\nA,Tea,/a,4.50 EUR,,in_stock,/a.jpg,wide\n"
    )
    (problem,) = read_feed(wide).problems
    assert (problem.what, problem.help) == (
        "`image_width` is not a number from 0 up",
        "write it in digits, as 600 or 12.5",
    )


def test_many_blank_lines_are_gone_through_once() -> None:
    begun = time.thread_time()
    (problem,) = read_feed(b"\n" * 20_000 + b"x").problems
    assert "no feed that can be read" in problem.what
    assert time.thread_time() - begun < 1.0, "for each line all those behind it take seconds"
