"""Thirty feeds, each with a fault planted among good products: every fault is told at its line, with a help, and the
good products load."""

from __future__ import annotations

import pytest

from proxy.catalogue.feeds import read_feed

ITEM = (
    "<item><g:id>{id}</g:id><title>{title}</title><link>/p/{id}</link><g:image_link>/i/{id}.jpg</g:image_link>"
    "<g:price>{price}</g:price><g:availability>in stock</g:availability>{more}</item>"
)
TABS = "id\ttitle\tlink\timage link\tprice\tavailability\tsale price\titem group id\tbrand\tgtin"
SHOPIFY = "Handle,Title,Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,"
SHOPIFY += "Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Image Src,Status"


def item(id: str, title: str = "", price: str = "5.00 EUR", more: str = "") -> str:
    return ITEM.format(id=id, title=title or f"Thing {id}", price=price, more=more)


def xml(faulty: str, begin: str = "") -> str:
    """Good items on lines 3 and 5, the fault on line 4."""
    head = begin + '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
    return f'<?xml version="1.0"?>\n{head}\n{item("A")}\n{faulty}\n{item("B")}\n</channel></rss>\n'


def tsv(faulty: str, heading: str = TABS) -> str:
    """Good rows on lines 2 and 4, the fault on line 3."""
    good = "{0}\tThing {0}\t/p/{0}\t/i/{0}.jpg\t5.00 EUR\tin_stock\t\t\tNorthwind\t"
    return "\n".join([heading, good.format("A"), faulty, good.format("B")])


def shopify(*faulty: str) -> str:
    """Good rows first and last, the fault from line 3 on."""
    good = "{0},Thing {0},Northwind,Shoes,new,true,Title,Default Title,SKU-{0},shopify,4,deny,5.00,,/i/{0}.jpg,active"
    return "\r\n".join([SHOPIFY, good.format("a"), *faulty, good.format("b")])


def jsonl(faulty: str) -> str:
    """Good lines 1 and 3, the fault on line 2."""
    good = '{{"id": "{0}", "title": "Thing {0}", "link": "/p/{0}"}}'
    return "\n".join([good.format("A"), faulty, good.format("B")])


LAUGHS = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
LEAK = '<!DOCTYPE rss [<!ENTITY leak SYSTEM "file:///etc/hostname">]>'

# name, feed, line, words of the message, how many products load
FEEDS: list[tuple[str, str, int, str, int]] = [
    ("no id", xml(item("").replace("<g:id></g:id>", "")), 4, "`id` is 1 to 64", 2),
    ("no title", xml(item("C").replace("<title>Thing C</title>", "")), 4, "`title` is missing", 2),
    ("a price in words", xml(item("C", price="free")), 4, "`price` is `free`", 2),
    ("a comma in the price", xml(item("C", price="12,99 EUR")), 4, "`price` is `12,99 EUR`", 2),
    ("a price without currency", xml(item("C", price="12.99")), 4, "`currency` is missing", 3),
    ("no price", xml(item("C").replace("<g:price>5.00 EUR</g:price>", "")), 4, "`price` is missing", 3),
    ("no picture", xml(item("C").replace("<g:image_link>/i/C.jpg</g:image_link>", "")), 4, "`image_link` is", 3),
    ("an odd availability", xml(item("C").replace("in stock", "perhaps")), 4, "`availability` is `perhaps`", 2),
    ("two products of one id", xml(item("A", "Another")), 4, "already a product `A`", 2),
    ("a link that runs", xml(item("C").replace("/p/C", "javascript:alert(1)")), 4, "`link` is `javascript:", 2),
    ("a bare ampersand", xml(item("C", "Salt & pepper")), 4, "this XML is broken", 2),
    ("an element never closed", xml(item("C").replace("</title>", "")), 4, "this XML is broken", 2),
    ("a billion laughs", xml(item("C", "&b;"), LAUGHS), 2, "defines an entity", 0),
    ("a file of ours", xml(item("C", "&leak;"), LEAK), 2, "defines an entity", 0),
    (
        "a sale dearer than the price",
        xml(item("C", more="<g:sale_price>6.00 EUR</g:sale_price>")),
        4,
        "`sale_price` is 6, more than",
        3,
    ),
    (
        "a sale that ends before it starts",
        xml(
            item(
                "C",
                more="<g:sale_price>4.00 EUR</g:sale_price>"
                "<g:sale_price_effective_date>2026-11-28/2026-11-25</g:sale_price_effective_date>",
            )
        ),
        4,
        "ends before it starts",
        3,
    ),
    ("a cell too many", tsv("C\tThing C\t/p/C\t/i/C.jpg\t5.00 EUR\tin_stock" + "\t" * 5), 3, "this row has 11", 2),
    ("a sale in other money", tsv("C\tC\t/p/C\t/i.jpg\t5.00 EUR\tin_stock\t4.00 USD"), 3, "`sale_price` is in USD", 3),
    (
        "variants of two brands",
        tsv(
            "C\tC\t/p/C\t/i.jpg\t5.00 EUR\tin_stock\t\tG\tNorthwind\n"
            "D\tD\t/p/D\t/i.jpg\t5.00 EUR\tin_stock\t\tG\tSouthwind"
        ),
        4,
        "`D` has brand `Southwind`, its variant `C`",
        4,
    ),
    ("one address twice", tsv("C\tC\t/p/A\t/i/C.jpg\t5.00 EUR\tin_stock"), 3, "have the same link /p/A", 3),
    ("a column twice", tsv("", TABS.replace("gtin", "title")), 1, "2 columns `title`", 2),
    ("a quote never closed", tsv('C\t"Thing C\t/p/C\t/i/C.jpg\t5.00 EUR\tin_stock'), 3, "a cell cannot be read", 2),
    ("a row without handle", shopify(",C,,,,,,,SKU-C,,,,5.00"), 3, "`Handle` is missing", 2),
    ("no title on the first row", shopify("c,,Northwind,,,true,,,SKU-C,,,,5.00"), 3, "`c` has no `Title`", 2),
    ("a price in words", shopify("c,Thing C,,,,true,,,SKU-C,,,,cheap,,/i/c.jpg"), 3, "`Variant Price` is `cheap`", 2),
    ("one SKU twice", shopify("c,Thing C,,,,true,,,SKU-a,,,,5.00,,/i/c.jpg"), 3, "already a product `SKU-a`", 2),
    ("half an object", jsonl('{"id": "C", "title": '), 2, "this is not JSON", 2),
    ("a list", jsonl("[1, 2]"), 2, "a product is written {...}", 2),
    (
        "in stock and not",
        jsonl('{"id": "C", "title": "C", "link": "/p/C", "availability": "in_stock", "quantity": 0}'),
        2,
        "it is and is not in stock",
        3,
    ),
    ("an id with a blank", jsonl('{"id": "C 1", "title": "C", "link": "/p/C"}'), 2, "`id` is 1 to 64", 2),
]  # fmt: skip


@pytest.mark.bar("E8")
def test_there_are_thirty() -> None:
    assert len(FEEDS) == 30


@pytest.mark.bar("E8")
@pytest.mark.parametrize(("name", "feed", "line", "what", "good"), FEEDS, ids=[row[0] for row in FEEDS])
def test_a_planted_fault_is_told_by_line_and_the_rest_loads(
    name: str, feed: str, line: int, what: str, good: int
) -> None:
    catalogue = read_feed(feed.encode())
    for problem in catalogue.problems:
        print(f"\n{name}: {problem}\n  = help: {problem.help}", end="")
    found = [problem for problem in catalogue.problems if problem.line == line and what in problem.what]
    assert len(found) == 1 and found[0].help
    assert len(catalogue.problems) == 1
    assert len(catalogue.products) == good
