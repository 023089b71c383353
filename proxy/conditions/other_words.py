"""What the words of rule files are called elsewhere, so that who writes one of those is told ours: in the parts of a
file the word alone; in conditions, and of products, a whole line, since the values differ, too: `season: autumn` is a
`date` between two days.
"""

from __future__ import annotations

OTHER_WORDS = {
    "begin": "from", "begins": "from", "date from": "from", "start": "from", "start date": "from",
    "starts": "from", "valid from": "from", "date until": "until", "end": "until", "end date": "until", "ends": "until",
    "expires": "until", "till": "until", "to": "until", "valid until": "until", "condition": "when",
    "conditions": "when", "if": "when", "only if": "when", "where": "when", "but not": "unless",
    "except": "unless", "exclude": "unless", "not": "unless", "not when": "unless", "place": "slot",
    "position": "slot", "content": "show", "display": "show", "then": "show", "headline": "title", "heading": "title",
    "body": "text", "description": "text", "cta": "button", "href": "link", "url": "link",
    "img": "image", "picture": "image", "alt text": "alt", "query": "search term",
    "ab": "from", "vanaf": "from", "von": "from", "bis": "until", "tot": "until", "als": "when", "wenn": "when",
    "außer": "unless", "behalve": "unless", "tenzij": "unless", "plaats": "slot", "platz": "slot",
    "toon": "show", "zeige": "show", "knop": "button", "knopf": "button", "überschrift": "title", "bild": "image",
    "priorität": "priority", "regeln": "rules", "regels": "rules", "land": "country", "sprache": "language",
    "taal": "language", "gerät": "device", "seite": "page", "suchbegriff": "search term", "zoekterm": "search term",
    "bestellungen": "orders", "bestellingen": "orders",
    **dict.fromkeys(("best sellers", "bestsellers", "most popular", "top sellers"), "popular in"),
    **dict.fromkeys(("alternatives", "similar products", "similar to", "substitutes"), "instead of"),
    **dict.fromkeys(("accessories", "complements"), "goes with"), "new arrivals": "new in",
    **dict.fromkeys(("bought with", "frequently bought together"), "bought together with"),
    **dict.fromkeys(("recommended", "recommended for you"), "for you"), "order again": "buy again",
    **dict.fromkeys(("last viewed", "viewed recently"), "recently viewed"),
}  # fmt: skip
"""What a word is called elsewhere, and here: where this is one that may stand there."""

IN_A_RULE = {
    **dict.fromkeys(
        ("variants", "goal", "guardrails", "split by", "test", "ab test", "a/b test"),
        "write what is compared below `experiments:`, beside `rules:`, with its variants",
    ),
    **dict.fromkeys(
        ("at most", "cap", "capping", "frequency cap", "max", "maximum", "how often"),
        "write `limit:`, as limit: at most 3 times per visitor per day",
    ),
    **dict.fromkeys(
        ("active", "disabled", "enabled", "live", "paused", "status"),
        "a rule is live from its `from:` to its `until:`; to stop it at once, pause it in the studio",
    ),
    **dict.fromkeys(
        ("time zone", "timezone", "tz", "zone"),
        "a file has one `timezone:` for all its rules: put this rule into another file, or write its dates with an "
        "offset, as 2026-11-30 00:00-05:00",
    ),
    **dict.fromkeys(
        ("author", "comment", "comments", "description", "note", "notes", "owner", "tags", "team"),
        "what is for colleagues alone stands behind a #, as # owner: Mia",
    ),
    **dict.fromkeys(
        ("exclude pages", "hide on", "not on", "on", "only on", "pages", "path", "paths", "url", "urls"),
        "name pages below `when:`, as page: starts with /c/shoes; those it is not for below `unless:`",
    ),
    **dict.fromkeys(("audience", "for", "target", "who"), "say to whom below `when:`, as segment: VIP"),
    **dict.fromkeys(
        ("days", "schedule", "time", "times"),
        "say when by `from:` and `until:`, or below `when:` by weekday: [monday, friday] and hours: 08:00-17:00",
    ),
}
"""What to write for a word that other tools have in a rule, by the word."""

CONDITION_LINES = {
    "added to cart: {within: 14 days}": ("added", "added product", "product added"),
    "app version: any": ("app", "from the app", "in app", "in the app", "mobile app"),
    "average order: more than 80 EUR": ("aov", "average order value", "average spend"),
    "bought: {category: shoes, within: 30 days}": (
        "bought product", "gekauft", "gekocht", "has bought", "has ordered", "ordered", "purchase", "purchased",
    ),
    "brands viewed: Northwind": ("brand", "marke", "merk"),
    "campaign: {source: newsletter}": (
        "channel", "medium", "source", "traffic source", "utm", "utm campaign", "utm content", "utm medium",
        "utm source", "utm term",
    ),
    "cart total: at least 20 EUR": (
        "basket amount", "basket sum", "basket total", "basket value", "cart amount", "cart sum", "cart value",
        "order value", "warenwert", "warenkorbwert", "bestellwert", "montant du panier", "winkelwagen totaal",
    ),
    "city: [Bern, Thun]": ("gemeente", "municipality", "ort", "stad", "stadt", "town"),
    "clicked: {banner: Winter sale, within: 7 days}": ("banner clicked", "click", "clicked banner", "clicks"),
    "country: NO": ("geo", "geo country", "market"),
    "date: between 2026-09-22 and 2026-12-20": ("month", "period", "quarter", "season", "year"),
    "day of the month: at least 25": ("date of the month", "day of month", "monthday", "payday"),
    "days left in the month: 0": ("end of month", "end of the month", "last day of the month", "month end"),
    "days since last order: at most 30": ("last bought", "last order", "last purchase", "recent order"),
    "hours there: between 18:00 and 22:00": ("local hour", "local hours", "local time", "time there", "visitor time"),
    "hours: between 08:00 and 17:00": ("clock", "daytime", "time", "time of day", "uhrzeit"),
    "journey stage: intent": ("funnel", "phase", "stage"),
    "lifetime spend: at least 500 EUR": (
        "clv", "lifetime value", "ltv", "revenue", "spend", "spent", "total spend", "total spent", "umsatz",
    ),
    "location: within 20 km of Utrecht": ("near", "plaats", "place", "postcode", "zip", "zip code"),
    "opened: {page: starts with /blog, within: this visit}": (
        "landing page", "last page", "page opened", "pages opened", "visited", "visited page",
    ),
    "orders: at least 1": ("customer", "existing customer", "has orders", "is customer", "kunde", "number of orders"),
    "page: starts with /c/shoes": ("address", "page type", "pad", "pagina", "path", "url", "uri"),
    "products in cart: [HOTDOG-6, BUN-4]": (
        "basket", "cart", "cart contains", "cart items", "cart products", "contains product", "in basket", "in cart",
        "items in cart", "product in cart", "warenkorb", "winkelwagen",
    ),
    "refinement: {colour: red}": ("color", "colour", "facet", "facets", "filter", "filters", "refine", "refined by"),
    "region: [Nordland, Troms]": (
        "bundesland", "canton", "county", "fylke", "kanton", "province", "provincie", "state",
    ),
    "search term: contains trail": ("keyword", "search", "search query", "searches for", "zoekopdracht"),
    "searched: {for: contains trail, within: 14 days}": ("has searched", "searched for"),
    "segment: VIP": ("audience", "audiences", "group", "segments", "zielgruppe"),
    "shown: {banner: Winter sale, times: at least 3, within: 14 days}": (
        "banner seen", "banner shown", "has been shown", "impressions", "saw", "saw banner", "seen banner", "was shown",
    ),
    "viewed: {category: shoes, times: at least 3, within: 14 days}": (
        "bekeken", "category", "has seen", "has viewed", "looked at", "product", "product viewed", "seen",
        "viewed category", "viewed product", "viewed products",
    ),
    "visitor: new": ("first visit", "is new", "neu", "new", "new visitor", "nieuw"),
    "visitor: returning": ("is returning", "known visitor", "returning", "returning visitor", "visitor type"),
    "visits: at least 3": ("number of visits", "sessions", "visit count", "visited times"),
    "weekday: [saturday, sunday]": ("day", "day of week", "tag", "wochentag"),
}  # fmt: skip
"""A whole line of a condition, and the words by which people look for it."""

FACTS = frozenset({
    "account", "age", "birthday", "browser", "company", "currency", "customer group", "customer type",
    "email", "gender", "geslacht", "is logged in", "leeftijd", "logged in", "login", "loyalty", "member", "membership",
    "name", "newsletter", "operating system", "os", "shop", "size", "store", "temperature", "tier", "weather",
})  # fmt: skip
"""What many want to ask, and no page tells: only the shop's own data does."""

PRODUCT_LINES = {
    "affinity: brand": (
        "favorite brand", "favourite brand", "for you", "personal", "personalised", "personalized", "preference",
        "preferred brand",
    ),
    "affinity: category": ("favorite category", "favourite category", "preferred category"),
    "brand: Northwind": ("brands", "manufacturer", "marke", "merk", "supplier", "vendor"),
    "category: shoes/trail": ("categories", "categorie", "collection", "department", "kategorie", "product type"),
    "on sale: yes": ("discounted", "offer", "promo", "promotion", "reduced", "sale", "sale items", "special offer"),
    "out of stock: yes": (
        "availability", "available", "inventory", "low stock", "quantity", "sold out", "stock", "stock level",
    ),
    "price: at most 50 EUR": ("cheap", "cost", "expensive", "preis", "prices", "prijs"),
    "product: SKU-1042": ("article", "id", "ids", "item", "items", "product id", "products", "sku", "skus"),
    "score: popularity": (
        "best seller", "best sellers", "bestseller", "bestsellers", "best selling", "clicks", "conversion", "popular",
        "popularity", "revenue", "sales", "top sellers", "units sold", "views",
    ),
    "tag: bestseller": ("custom label", "keyword", "label", "labels", "tags"),
    "tag: green": (
        "attribute", "color", "colour", "description", "gender", "material", "name", "season", "size", "title",
    ),
    "tag: high margin": ("gross margin", "marge", "margin", "margins", "profit", "profitability"),
    "tag: new": (
        "added", "age", "arrivals", "fresh", "latest", "new", "new arrival", "new arrivals", "new in", "new products",
        "newest", "newness", "recency", "release date", "trending",
    ),
    "tag: well rated": ("rating", "ratings", "review", "reviews", "stars"),
}  # fmt: skip
"""A whole line that says which products move or may be shown, and the words by which people look for it."""

_LINE_OF = {word: line for line, words in CONDITION_LINES.items() for word in words}
_PRODUCT_LINE_OF = {word: line for line, words in PRODUCT_LINES.items() for word in words}


def line_instead_of(word: str) -> str:
    """The line to write in a condition instead of this unknown word; "" if there is none."""
    return _LINE_OF.get(_plain(word), "")


def product_line_instead_of(word: str) -> str:
    """The line to write of products instead of this unknown word; "" if there is none."""
    return _PRODUCT_LINE_OF.get(_plain(word), "")


def is_own_fact(word: str) -> bool:
    """Whether only the shop's own data can tell it."""
    return _plain(word) in FACTS


def _plain(word: str) -> str:
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())
