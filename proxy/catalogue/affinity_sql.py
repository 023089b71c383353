"""The rows of `covisits.py` and the counts of `baskets.py` for shops too large to count click by click at start: the
same calculation as SQL.

It runs on DuckDB here (`stores/affinity_engine.py`) and, through Ibis, on the user's own engine: plain SQL with window
functions, nothing of one engine alone. A table `clicks(session, moment, product)` goes in; rows of a product, another,
its share and in how many pairs of clicks they met come out. A table of orders of the same columns gives, on rows
without a share, in how many orders two products were together; a product with itself, in how many it was. On DuckDB a
part of the products is worked out at a time, so that memory is bounded. What is put into the SQL are our own numbers,
and the name that the user's table has.
"""

from __future__ import annotations

from proxy.catalogue.baskets import KEPT_PAIRS, MAX_BASKET
from proxy.catalogue.covisits import DAMPING, NEARNESS, REACH, SHRINKAGE

ROW_LENGTH = 30
"""Less than half of what the live table looks at: that costs .002 of the hit rate, and halves what serving takes."""

_STEPS = ", ".join(f"LEAD(product, {step}) OVER visit AS next{step}" for step in range(1, REACH + 1))
STEPS = f"SELECT moment, product, {_STEPS} FROM clicks WINDOW visit AS (PARTITION BY session ORDER BY moment)"  # noqa: S608
"""Each click and the products of those that follow it in its visit."""

ROWS = (
    "SELECT a AS product, b AS other, share, met, whole, clicks FROM shares "  # noqa: S608
    f"JOIN popularity ON popularity.product = shares.a WHERE place <= {ROW_LENGTH}"
)
"""The strongest of each product, with what their shares are of, and how often the product was clicked."""

POPULARITY = "SELECT product, COUNT(*) AS clicks FROM clicks GROUP BY product"


def rows_sql(part: int, parts: int, latest_at: float, memory: float) -> str:
    """The rows of one part of the products, from tables `steps` and `popularity`. Products are whole numbers."""
    return f"WITH {_shares(latest_at, memory, part, parts)} {ROWS}"


def whole_sql(table: str, latest_at: float, memory: float) -> str:
    """The rows of all products, by name, from a table of clicks (session, at, product), in one statement: for an engine
    that finds the memory for all of them at once."""
    return (
        f"WITH clicks AS ({_named(table)}), steps AS ({STEPS}), popularity AS ({POPULARITY}), "
        f"{_shares(latest_at, memory)} {ROWS} UNION ALL {CLICKED}"
    )


def _shares(latest_at: float, memory: float, part: int = 0, parts: int = 1) -> str:
    """The steps from `steps` and `popularity` to `shares`, as they stand in a WITH."""
    pairs = " UNION ALL ".join(
        f"SELECT {one} AS a, {two} AS b, {nearness!r} * EXP((moment - {latest_at!r}) / {memory!r}) AS weight "  # noqa: S608
        f"FROM steps WHERE next{step} IS NOT NULL{f' AND {one} % {parts} = {part}' if parts > 1 else ''}"
        for step, nearness in enumerate(NEARNESS, start=1)
        for one, two in (("product", f"next{step}"), (f"next{step}", "product"))
    )
    return (
        f"cells AS (SELECT a, b, SUM(weight) AS weight, COUNT(*) AS met "  # noqa: S608
        f"FROM ({pairs}) AS pairs GROUP BY a, b), "
        f"damped AS (SELECT a, b, met, weight * POWER(clicks, {-DAMPING!r}) AS weight "
        f"FROM cells JOIN popularity ON popularity.product = cells.b), "
        f"wholes AS (SELECT a, b, met, weight, SUM(weight) OVER (PARTITION BY a) + {SHRINKAGE!r} AS whole "
        f"FROM damped), "
        f"shares AS (SELECT a, b, met, whole, weight / whole AS share, "
        f"ROW_NUMBER() OVER (PARTITION BY a ORDER BY weight DESC, b) AS place FROM wholes)"
    )


_NO_SHARES = "CAST(NULL AS DOUBLE) AS whole, CAST(NULL AS BIGINT) AS clicks"


# -- what was bought together

ALL_BASKETS, ORDERED_UNTIL, CLICKED_UNTIL = "", "ordered until", "clicked until"
"""What a row without a product counts: all orders, and the second until which orders and clicks were counted."""

BASKETS = (
    "SELECT session, product FROM (SELECT session, product, ROW_NUMBER() OVER "  # noqa: S608
    "(PARTITION BY session ORDER BY product) "
    "AS place FROM (SELECT DISTINCT session, product FROM orders) AS held) AS placed "
    f"WHERE place <= {MAX_BASKET}"
)
"""What each order held, from a table `orders(session, moment, product)`; beyond the first hundred nothing counts."""

TOTALS = (
    f"SELECT '' AS product, '{ALL_BASKETS}' AS other, CAST(NULL AS DOUBLE) AS share, "  # noqa: S608
    f"COUNT(DISTINCT session) AS met, {_NO_SHARES} FROM orders UNION ALL "
    f"SELECT '' AS product, '{ORDERED_UNTIL}' AS other, CAST(NULL AS DOUBLE) AS share, "
    f"CAST(CEIL(MAX(moment)) AS BIGINT) AS met, {_NO_SHARES} FROM orders"
)
CLICKED = (
    f"SELECT '' AS product, '{CLICKED_UNTIL}' AS other, CAST(NULL AS DOUBLE) AS share, "  # noqa: S608
    f"CAST(CEIL(MAX(moment)) AS BIGINT) AS met, {_NO_SHARES} FROM clicks"
)


def pairs_sql(part: int = 0, parts: int = 1) -> str:
    """What the products of one part were most often bought with, from `baskets`; first themselves, in all."""
    mine = f"WHERE one.product % {parts} = {part} " if parts > 1 else ""
    return (
        "WITH met AS (SELECT one.product AS a, two.product AS b, COUNT(*) AS met FROM baskets AS one "  # noqa: S608
        f"JOIN baskets AS two ON one.session = two.session {mine}GROUP BY one.product, two.product), "
        "placed AS (SELECT a, b, met, ROW_NUMBER() OVER "
        "(PARTITION BY a ORDER BY CASE WHEN a = b THEN 0 ELSE 1 END, met DESC, b) AS place FROM met) "
        f"SELECT a AS product, b AS other, CAST(NULL AS DOUBLE) AS share, met, {_NO_SHARES} FROM placed "
        f"WHERE place <= {KEPT_PAIRS + 1}"
    )


def whole_pairs_sql(table: str) -> str:
    """The same of all products, by name, and the totals, from a table of orders (session, at, product), in one
    statement."""
    return (
        f"WITH orders AS ({_named(table)}), baskets AS ({BASKETS}), pairs AS ({pairs_sql()}) "  # noqa: S608
        f"SELECT product, other, share, met, whole, clicks FROM pairs UNION ALL {TOTALS}"
    )


def _named(table: str) -> str:
    return f'SELECT session, CAST("at" AS DOUBLE) AS moment, CAST(product AS VARCHAR) AS product FROM {table}'  # noqa: S608
