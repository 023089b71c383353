"""Affinity in batch: the same rows as the live table's, by DuckDB and by Ibis."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from proxy.catalogue.batch import ROW_LENGTH
from proxy.catalogue.covisits import Covisits
from proxy.catalogue.trials import MEMORY_SHARE
from proxy.errors import OperatorError
from proxy.stores.batch import build, built, duckdb_at, load, prepare, rows_by_ibis

pytest.importorskip("duckdb")
DICE = random.Random(5)
VISITS = [[f"SKU-{DICE.randrange(12)}" for _ in range(DICE.randrange(2, 9))] for _ in range(60)]


def events(folder: Path) -> Path:
    """The clicks of all visits, a minute and a half apart."""
    file = folder / "events.csv"
    lines = [
        f"s{number},{1_000_000 + number * 1_000 + place * 0.0},{product}".replace(".0,", f".{place:03},")
        for number, visit in enumerate(VISITS)
        for place, product in enumerate(visit)
    ]
    file.write_text("\n".join(["session,at,product", *lines]))
    return file


def live() -> Covisits:
    span = 1_000.0 * (len(VISITS) - 1)
    table = Covisits(memory=span * MEMORY_SHARE)
    for number, visit in enumerate(VISITS):
        table.add_visit(visit, number * 1_000.0, number)
    return table


def test_the_batch_gives_the_live_tables_rows(tmp_path: Path) -> None:
    connection = duckdb_at(256 * 2**20, 1, tmp_path / "scratch")
    load(connection, events(tmp_path))
    out = tmp_path / "affinity.parquet"
    assert list(build(connection, out)) == [(1, 1)]
    table = live()
    for product in {product for visit in VISITS for product in visit}:
        asked = f"SELECT other, share FROM '{out}' WHERE product = '{product}' ORDER BY share DESC, other"
        found = dict(connection.execute(asked).fetchall())
        products, shares = table.row(product)
        expected = dict(zip(products[:ROW_LENGTH], shares, strict=False))
        assert found == pytest.approx(expected, rel=2e-3)
    connection.close()
    again = Covisits()
    for row in built(out):
        again.build(*row)
    assert again.row("SKU-1")[0][:5] == table.row("SKU-1")[0][:5]
    with pytest.raises(OperatorError):
        next(built(tmp_path / "nowhere.parquet"))


def test_the_same_sql_runs_through_ibis(tmp_path: Path) -> None:
    ibis = pytest.importorskip("ibis")
    connection = duckdb_at(256 * 2**20, 1, tmp_path / "scratch")
    load(connection, events(tmp_path))
    _, latest_at, memory = prepare(connection)
    wanted = sorted(connection.execute(f"SELECT * FROM ({_sql(latest_at, memory)})").fetchall())
    backend = ibis.duckdb.from_connection(connection)
    # Asked as the SQL it compiles to: of this pair of versions, Ibis cannot fetch from DuckDB by itself.
    found = sorted(backend.raw_sql(ibis.to_sql(rows_by_ibis(backend, latest_at, memory))).fetchall())
    assert [row[:2] for row in found] == [row[:2] for row in wanted]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in wanted])


def _sql(latest_at: float, memory: float) -> str:
    from proxy.catalogue.batch import rows_sql

    return rows_sql(0, 1, latest_at, memory)


def test_parts_together_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = duckdb_at(256 * 2**20, 1, tmp_path / "scratch")
    load(connection, events(tmp_path))
    list(build(connection, tmp_path / "whole.parquet"))
    monkeypatch.setattr("proxy.stores.batch.CLICKS_A_PART", 50)
    done = list(build(connection, tmp_path / "parts.parquet"))
    assert len(done) > 3 and done[-1][0] == done[-1][1]
    whole, parts = (
        sorted(connection.execute(f"SELECT product, other, met FROM '{tmp_path / name}.parquet'").fetchall())
        for name in ("whole", "parts")
    )
    assert whole == parts


def test_a_file_without_the_columns_is_told(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(OperatorError, match="has no column at, product, session"):
        load(duckdb_at(256 * 2**20, 1, tmp_path / "scratch"), file)


def test_a_built_row_holds_until_the_product_is_clicked() -> None:
    table = Covisits()
    table.build("SKU-1", ["SKU-2", "SKU-3"], [0.5, 0.25])
    assert table.row("SKU-1")[0] == ("SKU-2", "SKU-3")
    for number in range(3):
        table.add_visit(["SKU-1", "SKU-9"], 0.0, number)
    assert table.row("SKU-1")[0] == ("SKU-9",)
