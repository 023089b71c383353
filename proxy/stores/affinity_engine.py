"""Affinity worked out in batch by an SQL engine: DuckDB on this machine, or, through Ibis, the user's own.

The engine does the work; the SQL is in `catalogue/affinity_sql.py`. Products and visits are numbered first, so that
whole numbers are counted and not names. A part of the products is worked out at a time, within the memory given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proxy.catalogue.affinity_sql import (
    BASKETS,
    CLICKED,
    POPULARITY,
    STEPS,
    TOTALS,
    pairs_sql,
    rows_sql,
    whole_pairs_sql,
    whole_sql,
)
from proxy.catalogue.evaluation import MEMORY_SHARE
from proxy.errors import OperatorError

HELP = "pip install 'tailorbird[batch]'"
CLICKS_A_PART = 4_000_000
PAIRS_A_PART = 20_000_000
ROWS_AT_ONCE, PAIRS_AT_ONCE = 64, 8
"""How many products are taken from the engine in one go, during which no other thread goes on: a third of a
millisecond's work, if each has as many others as may be."""

NO_CLICKS = "there are no clicks to build from"

BuiltRow = tuple[str, list[str], list[float], float, int]
"""A product, what it leads to, the shares, the whole of which these are, and how often the product was clicked."""
BuiltPairs = tuple[str, list[str], list[int]]
"""A product, what it was bought with, and in how many orders; "" counts baskets (`affinity_sql.py`)."""

ROWS = {
    "product": "string",
    "other": "string",
    "share": "float64",
    "met": "int64",
    "whole": "float64",
    "clicks": "int64",
}
"""The columns of rows, as Ibis names types."""


def duckdb_at(memory_bytes: int, threads: int, scratch: Path) -> Any:
    """A connection to DuckDB within these bounds; what does not fit into memory goes to `scratch`."""
    try:
        import duckdb
    except ImportError:
        raise OperatorError("building in batch needs DuckDB", help=HELP) from None
    scratch.mkdir(parents=True, exist_ok=True)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_bytes // 2**20}MiB",
        "threads": str(threads),
        "temp_directory": str(scratch),
        "preserve_insertion_order": "false",
    }
    return duckdb.connect(str(scratch / "build.duckdb"), config=settings)


def load(connection: Any, events: Path, table: str = "clicks") -> None:
    """Brings a file of clicks or orders (Parquet or CSV: session, at, product) into a table, numbered, and `names`.
    Raises `OperatorError`."""
    import duckdb

    try:
        _load(connection, events, table)
    except duckdb.Error as error:
        what = f"`{events}` cannot be read: {str(error).partition(chr(10))[0]}"
        help = "a Parquet or CSV file in UTF-8 with the columns session, at (seconds, or a time) and product"
        raise OperatorError(what, help=help) from error


def _load(connection: Any, events: Path, table: str) -> None:
    reader = "read_parquet" if events.suffix == ".parquet" else "read_csv_auto"
    source = f"{reader}('{str(events).replace(chr(39), chr(39) * 2)}')"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
    columns = {row[0].lower(): row[1] for row in described}
    if missing := {"session", "at", "product"} - columns.keys():
        raise OperatorError(
            f"`{events}` has no column {', '.join(sorted(missing))}", help="name them session, at, product"
        )
    is_time = columns["at"].startswith(("TIMESTAMP", "DATE"))
    moment = 'EPOCH("at")' if is_time else 'CAST("at" AS DOUBLE)'
    connection.execute("CREATE TABLE IF NOT EXISTS names (name VARCHAR, product INTEGER)")
    (known,) = connection.execute("SELECT COUNT(*) FROM names").fetchone()
    named = f"SELECT DISTINCT CAST(product AS VARCHAR) AS name FROM {source} EXCEPT SELECT name FROM names"  # noqa: S608
    numbered = f"SELECT name, {known} + CAST(ROW_NUMBER() OVER () AS INTEGER) FROM ({named}) AS found"  # noqa: S608
    connection.execute(f"INSERT INTO names {numbered}")
    told = (
        f"SELECT HASH(session) AS session, {moment} AS moment, names.product AS product "  # noqa: S608
        f"FROM {source} AS told JOIN names ON names.name = CAST(told.product AS VARCHAR)"
    )
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {told}")


def prepare(connection: Any) -> tuple[int, float, float]:
    """Works out what all parts need, from `clicks`: how many there are, the latest, and the memory they are given."""
    count, first, last = connection.execute("SELECT COUNT(*), MIN(moment), MAX(moment) FROM clicks").fetchone()
    if not count:
        raise OperatorError(NO_CLICKS)
    connection.execute(f"CREATE OR REPLACE TABLE popularity AS {POPULARITY}")
    connection.execute(f"CREATE OR REPLACE TABLE steps AS {STEPS}")
    return count, last, _memory(first, last)


def _memory(first: float, last: float) -> float:
    return max((last - first) * MEMORY_SHARE, 1.0)


def build(connection: Any, out: Path, *, has_orders: bool = False) -> Iterator[tuple[int, int]]:
    """Writes the rows of all products to a Parquet file, by name, and what was bought together where `orders` were
    loaded too. Yields how many parts are done, and of how many."""
    count, latest_at, memory = prepare(connection)
    parts = max(1, -(-count // CLICKS_A_PART))
    pairs_parts = _prepare_pairs(connection) if has_orders else 0
    columns = "product INTEGER, other INTEGER, share FLOAT, met BIGINT, whole FLOAT, clicks BIGINT"
    connection.execute(f"CREATE OR REPLACE TABLE rows ({columns})")
    for part in range(parts):
        connection.execute(f"INSERT INTO rows {rows_sql(part, parts, latest_at, memory)}")
        yield part + 1, parts + pairs_parts
    for part in range(pairs_parts):
        connection.execute(f"INSERT INTO rows {pairs_sql(part, pairs_parts)}")
        yield parts + part + 1, parts + pairs_parts
    path = str(out).replace("'", "''")
    named = (
        "SELECT one.name AS product, two.name AS other, share, met, whole, clicks FROM rows "  # noqa: S608
        "JOIN names AS one ON one.product = rows.product JOIN names AS two ON two.product = rows.other "
        f"UNION ALL {CLICKED}{f' UNION ALL {TOTALS}' if has_orders else ''} ORDER BY product, share DESC, met DESC"
    )
    connection.execute(f"COPY ({named}) TO '{path}' (FORMAT parquet)")


def _prepare_pairs(connection: Any) -> int:
    """Works out what all pairs need, from `orders`; in how many parts they are to be counted."""
    connection.execute(f"CREATE OR REPLACE TABLE baskets AS {BASKETS}")
    sizes = "SELECT COUNT(*) AS size FROM baskets GROUP BY session"
    (pairs,) = connection.execute(f"SELECT SUM(size * size) FROM ({sizes}) AS sizes").fetchone()  # noqa: S608
    if not pairs:
        raise OperatorError("there are no orders to build from")
    return max(1, -(-int(pairs) // PAIRS_A_PART))


def must_be_built(path: Path) -> None:
    """Raises `OperatorError` unless it is what `build` wrote, or another engine into a folder."""
    with _read(path):
        _asked(path, f"SELECT {', '.join(ROWS)} FROM {{source}} LIMIT 0")  # noqa: S608


def built(path: Path) -> Iterator[BuiltRow]:
    """The rows in the file, the others of each strongest first. The engine works in its own threads; what it finds
    comes a few products at a time."""
    lists = "LIST(other ORDER BY share DESC), LIST(share ORDER BY share DESC)"
    yield from _grouped(path, f"{lists}, MAX(whole), MAX(clicks)", "share IS NOT NULL", ROWS_AT_ONCE)


def built_pairs(path: Path) -> Iterator[BuiltPairs]:
    """In the same file, what was bought together, most often first, in the same way."""
    lists = "LIST(other ORDER BY met DESC), LIST(met ORDER BY met DESC)"
    yield from _grouped(path, lists, "share IS NULL", PAIRS_AT_ONCE)


def _grouped(path: Path, columns: str, where: str, at_once: int) -> Iterator[Any]:
    with _read(path):
        rows = _asked(path, f"SELECT product, {columns} FROM {{source}} WHERE {where} GROUP BY product")  # noqa: S608
        while some := rows.fetchmany(at_once):
            yield from some


def _asked(path: Path, sql: str) -> Any:
    """What DuckDB says of the file: on one thread, for pages are answered meanwhile."""
    import duckdb

    source = str(path / "**/*.parquet" if path.is_dir() else path).replace("'", "''")
    return duckdb.connect(config={"threads": "1"}).execute(sql.format(source=f"read_parquet('{source}')"))


@contextmanager
def _read(path: Path) -> Iterator[None]:
    """Maps DuckDB's errors over the file to ours."""
    if not path.exists():
        raise OperatorError(f"there is no `{path}`", help="`tailorbird affinity build EVENTS` makes one")
    try:
        import duckdb
    except ImportError:
        raise OperatorError("reading what was built in batch needs DuckDB", help=HELP) from None
    try:
        yield
    except duckdb.Error as error:
        what = f"`{path}` cannot be read: {str(error).partition(chr(10))[0]}"
        raise OperatorError(what, help="have `tailorbird affinity build EVENTS` write it anew") from error


def rows_by_ibis(backend: Any, table: str) -> Any:
    """The same rows by the engine of an Ibis backend that has a table of clicks (session, at in seconds, product): a
    table expression, whose `to_parquet` writes what `build` would. The SQL is rewritten for that engine."""
    span = f'SELECT CAST(MIN("at") AS DOUBLE) AS first, CAST(MAX("at") AS DOUBLE) AS last FROM {table}'  # noqa: S608
    asked = backend.sql(span, schema={"first": "float64", "last": "float64"}, dialect="duckdb")
    (found,) = asked.to_pyarrow().to_pylist()
    first, last = found["first"], found["last"]
    if last is None:
        raise OperatorError(NO_CLICKS)
    return backend.sql(whole_sql(table, last, _memory(first, last)), schema=ROWS, dialect="duckdb")


def pairs_by_ibis(backend: Any, table: str) -> Any:
    """What was bought together, and the totals, by the same engine, from a table of orders (session, at in seconds,
    product); it belongs beside the rows, into the same folder."""
    return backend.sql(whole_pairs_sql(table), schema=ROWS, dialect="duckdb")
