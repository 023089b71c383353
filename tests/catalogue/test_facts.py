from __future__ import annotations

from proxy.catalogue.facts import Fact, FeedValue, facts_of

SHOP = (
    b"id\ttitle\tlink\timage_link\tprice\tavailability\tquantity\tbrand\n"
    b"BUN-4\tBuns, four\t/p/BUN-4\t/i.jpg\t1.50 EUR\tin_stock\t0\tNorthwind\n"
    b"BAD\t\t/p/BAD\t/i.jpg\t1.50 EUR\tin_stock\t\t\n"
)
STOCK = (
    b'{"id": "OTHER", "title": "x", "link": "/x"}\n{"id": "BUN-4", "title": "Buns", "link": "/p/BUN-4", "price": 1.75}'
)


def known(product_id: str, **feeds: bytes) -> dict[str, Fact]:
    found = facts_of(product_id, feeds, currency="EUR")
    assert found is not None
    return {fact.name: fact for fact in found.facts}


def test_a_fact_is_that_of_the_feed_that_says_it_last_and_what_others_say_stands_beside() -> None:
    facts = known("BUN-4", shop=SHOP, stock=STOCK)
    assert facts["price"] == Fact(
        "price", "1.75 EUR", FeedValue("stock", 2, "price", "1.75 EUR"), (FeedValue("shop", 2, "price", "1.50 EUR"),)
    )
    assert facts["brand"] == Fact("brand", "Northwind", FeedValue("shop", 2, "brand", "Northwind"))
    assert known("BUN-4", stock=STOCK, shop=SHOP)["price"].value == "1.50 EUR"


def test_what_stock_rests_on_are_all_its_words() -> None:
    fact = known("BUN-4", shop=SHOP)["in stock"]
    assert (fact.value, str(fact.said)) == ("no", "shop:2 `availability` and `quantity`")


def test_what_nobody_says_is_reported_with_what_is_taken_instead() -> None:
    facts = known("OTHER", stock=STOCK)
    assert facts["in stock"] == Fact("in stock", "yes, for want of a word")
    assert facts["tags"] == Fact("tags", "-")


def test_a_row_that_is_left_out_says_why_and_a_product_nobody_has_is_none() -> None:
    found = facts_of("BAD", {"shop": SHOP})
    assert found is not None and found.faults == ("shop:3: left out: `title` is missing",)
    assert facts_of("NONE", {"shop": SHOP, "stock": STOCK}) is None
