"""The table of phrases about a visitor's history: actions (`viewed:` with parts under it), and traits that are
calculated from actions (`orders in the last N days`). An import may bring traits too; `audience/traits.py` joins both.

Rows are part of the vocabulary like any other. N in a key stands for a number, and its days may be any unit of
`UNITS`.
"""

from __future__ import annotations

from proxy.conditions.phrase import Kind, Phrase
from proxy.model import Contains, Measure, Reading

DAY = 86_400.0

VIEWED, ADDED, REMOVED, BOUGHT = "product viewed", "product added", "product removed", "order completed"
SEARCHED, PAGE, SHOWN, CLICKED = "searched", "page viewed", "banner shown", "banner clicked"
CART = (ADDED, REMOVED, "cart viewed", "checkout started", BOUGHT)
VISITED = (PAGE, "screen viewed", VIEWED, "product clicked", "list viewed", "list filtered", SEARCHED, *CART[:4])
PAID_BACK = ("order refunded", "order cancelled")
SPENT = (BOUGHT, *PAID_BACK)
LIKED = (VIEWED, ADDED, BOUGHT)
LIKING = ((ADDED, 3.0), (BOUGHT, 5.0))
BARGAINS = ("sale", "discount", "coupon", "voucher", "outlet", "clearance", "bargain", "korting", "aanbieding")

WHAT = ("category", "product", "brand")
HOW_OFTEN = ("times", "within", "then", "then not")

RECENCY, FREQUENCY, MONETARY = (30.0, 90.0, 180.0, 365.0), (2.0, 3.0, 5.0, 10.0), (50.0, 150.0, 400.0, 1_000.0)
"""Where grades 1 to 5 part, unless `rfm:` in a rule file says otherwise: days since the last order, orders, spend."""


def _action(key: str, kind: str, parts: tuple[str, ...], help: str, example: str, wrong: str, code: str) -> Phrase:
    measure = Measure(Reading.COUNT, (kind,))
    return Phrase(
        key, key, Kind.TEXT, help, example, wrong, code, parts=parts + HOW_OFTEN, stands_alone=False, measure=measure
    )


def _number(key: str, measure: Measure, help: str, example: str) -> Phrase:
    return Phrase(
        key, key, Kind.NUMBER, help, f"{_filled(key)}: {example}", f"{_filled(key)}: lots", "R303", measure=measure
    )


def _texts(key: str, measure: Measure, help: str, example: str) -> Phrase:
    return Phrase(key, key, Kind.SET, help, f"{key}: {example}", f"{key}: at least 3", "R305", measure=measure)


def _filled(key: str) -> str:
    return key.replace(" N ", " 30 ")


ACTIONS: tuple[Phrase, ...] = (
    _action(
        "viewed",
        VIEWED,
        WHAT,
        "products the visitor looked at; a category counts with all below it",
        "viewed: {category: shoes/trail, times: at least 3, within: 14 days}",
        "viewed: {category: shoes/trail, within: 14 sleeps}",
        "R304",
    ),
    _action(
        "added to cart",
        ADDED,
        WHAT,
        "products the visitor put into the cart",
        "added to cart: {within: 2 days, then not: bought within 2 hours}",
        "added to cart: {then not: paid within 2 hours}",
        "R304",
    ),
    _action(
        "bought",
        BOUGHT,
        WHAT,
        "orders, or those with such a product",
        "bought: {brand: Northwind, times: none, within: 90 days}",
        "bought: {times: at leat 2}",
        "R303",
    ),
    _action(
        "searched",
        SEARCHED,
        ("for",),
        "searches on your site, now or before",
        "searched: {for: contains trail, within: 14 days}",
        "searched: {four: trail}",
        "R101",
    ),
    _action(
        "opened",
        PAGE,
        ("page",),
        "pages the visitor opened",
        "opened: {page: starts with /blog, times: at least 2, within: this visit}",
        "opened: {page: /blog, within: that visit}",
        "R304",
    ),
    _action(
        "shown",
        SHOWN,
        ("banner",),
        "what the visitor was shown, by the names of its rules",
        "shown: {banner: Winter sale, times: at least 3, within: 14 days}",
        "shown: {banner: Winter sale, times: a lot}",
        "R303",
    ),
    _action(
        "clicked",
        CLICKED,
        ("banner",),
        "banners the visitor clicked, by the names of their rules",
        "clicked: {banner: Winter sale, within: 7 days}",
        "clicked: {}",
        "R104",
    ),
)

TRAITS: tuple[Phrase, ...] = (
    _number("orders", Measure(Reading.COUNT, (BOUGHT,)), "orders so far, also one that was called off", "at least 2"),
    _number("orders in the last N days", Measure(Reading.COUNT, (BOUGHT,)), "orders in that time", "at least 4"),
    _number(
        "lifetime spend",
        Measure(Reading.SUM, SPENT),
        "what the visitor ever paid, less what was paid back",
        "at least 500 EUR",
    ),
    _number("spend in the last N days", Measure(Reading.SUM, SPENT), "the same in that time", "at least 100 EUR"),
    _number("average order", Measure(Reading.MEAN, (BOUGHT,)), "what an order is worth on average", "more than 80 EUR"),
    _number("days since last order", Measure(Reading.DAYS_SINCE, (BOUGHT,)), "how long ago it was", "more than 90"),
    _number(
        "days since first order", Measure(Reading.DAYS_SINCE_FIRST, (BOUGHT,)), "how long a customer", "at least 365"
    ),
    _number("visits", Measure(Reading.VISITS, VISITED), "visits so far; half an hour's silence ends one", "at least 3"),
    _number("visits in the last N days", Measure(Reading.VISITS, VISITED), "visits begun in that time", "at least 3"),
    _number(
        "days since last visit",
        Measure(Reading.DAYS_SINCE_VISIT, VISITED),
        "since the visit before this one ended",
        "between 1 and 7",
    ),
    _number("pages viewed", Measure(Reading.COUNT, (PAGE,)), "pages the visitor opened so far", "at least 3"),
    _number("pages viewed in the last N days", Measure(Reading.COUNT, (PAGE,)), "the same in that time", "at least 3"),
    _number("cart total", Measure(Reading.CART_TOTAL, CART), "what lies in the visitor's cart", "at least 20 EUR"),
    _texts("products in cart", Measure(Reading.CART, CART), "the products in the cart", "[HOTDOG-6, BUN-4]"),
    _texts(
        "categories in cart",
        Measure(Reading.CART, CART, of="category"),
        "their categories, and those above them",
        "food/sausages",
    ),
    _texts("brands in cart", Measure(Reading.CART, CART, of="brand"), "their brands", "not Northwind"),
    _texts("products viewed", Measure(Reading.SET, (VIEWED,)), "all products the visitor looked at", "SKU-1042"),
    _texts("products bought", Measure(Reading.SET, (BOUGHT,)), "all products the visitor bought", "not SKU-1042"),
    _texts("brands viewed", Measure(Reading.SET, (VIEWED,), of="brand"), "their brands", "[Northwind, Southwind]"),
    _texts(
        "favourite category",
        Measure(Reading.FAVOURITE, LIKED, of="category", points=LIKING, half_life_seconds=30 * DAY),
        "what the visitor looks at, adds and buys most; newer counts more",
        "starts with shoes",
    ),
    _texts(
        "favourite brand",
        Measure(Reading.FAVOURITE, LIKED, of="brand", points=LIKING, half_life_seconds=30 * DAY),
        "the same for brands",
        "Northwind",
    ),
    _texts(
        "last search",
        Measure(Reading.LATEST, (SEARCHED,), of="subject"),
        "what was searched for last",
        "contains trail",
    ),
    _number(
        "recency",
        Measure(Reading.DAYS_SINCE, (BOUGHT,), grades=RECENCY),
        "5 for a recent last order, down to 1; `rfm:` says where the grades part",
        "at least 4",
    ),
    _number("frequency", Measure(Reading.COUNT, (BOUGHT,), grades=FREQUENCY), "5 for many orders, down to 1", "5"),
    _number("monetary", Measure(Reading.SUM, SPENT, grades=MONETARY), "5 for much spent, down to 1", "at most 2"),
    Phrase(
        "bargain shopper",
        "bargain shopper",
        Kind.TRUTH,
        "looked for sales, discounts or vouchers three times in 90 days",
        example="bargain shopper: yes",
        wrong="bargain shopper: often",
        wrong_code="R304",
        measure=Measure(
            Reading.OFTEN,
            (PAGE, "list viewed", "list filtered", SEARCHED, "custom event"),
            90 * DAY,
            where=(("subject", Contains(BARGAINS)),),
            grades=(3.0,),
        ),
    ),
)
