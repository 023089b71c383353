"""Affinity in batch: the same rows as the live table's, by DuckDB and by Ibis."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from proxy.catalogue.affinity_sql import CLICKED_UNTIL, ROW_LENGTH
from proxy.catalogue.baskets import Baskets
from proxy.catalogue.covisits import Covisits
from proxy.catalogue.evaluation import MEMORY_SHARE
from proxy.catalogue.shop import Shop
from proxy.conditions.behaviours import BOUGHT, VIEWED
from proxy.errors import OperatorError
from proxy.model import Event, Item
from proxy.stores.affinity_engine import (
    BuiltPairs,
    BuiltRow,
    build,
    built,
    built_pairs,
    duckdb_at,
    load,
    must_be_built,
    pairs_by_ibis,
    rows_by_ibis,
)

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


ORDERS = [["BUN", "MUSTARD", "BUN"], ["BUN", "MUSTARD"], ["MUSTARD"], ["BUN", "MILK"], ["SKU-1", "MILK"]]


def orders(folder: Path) -> Path:
    """An order a second."""
    file = folder / "orders.csv"
    lines = [f"o{number},{number}.5,{product}" for number, order in enumerate(ORDERS) for product in order]
    file.write_text("\n".join(["session,at,product", *lines]))
    return file


def begun_with(rows: Iterable[BuiltRow] = (), pairs: Iterable[BuiltPairs] = (), shop: Shop | None = None) -> Shop:
    shop = shop or Shop()
    beginning = shop.new_statistics()
    for row in rows:
        beginning.covisits.add_batch(*row)
    for told in pairs:
        beginning.take_pairs(*told)
    shop.replace_statistics(beginning)
    return shop


def counted() -> Baskets:
    baskets = Baskets()
    for order in ORDERS:
        baskets.add(order)
    return baskets


def must_know_the_orders(baskets: Baskets) -> None:
    expected = counted()
    assert (baskets.count, len(baskets)) == (expected.count, len(expected)) == (5, 4)
    for product in ("BUN", "MUSTARD", "MILK", "SKU-1"):
        assert baskets.bought(product) == expected.bought(product)
        assert baskets.together([product]) == expected.together([product])
        assert baskets.for_cart([product]) == expected.for_cart([product])
    assert baskets.support(["BUN"], "MUSTARD") == expected.support(["BUN"], "MUSTARD")


def test_the_batch_gives_the_live_tables_rows(tmp_path: Path) -> None:
    connection = duckdb_at(256 * 2**20, 1, tmp_path / "scratch")
    load(connection, events(tmp_path))
    out = tmp_path / "affinity.parquet"
    assert list(build(connection, out)) == [(1, 1)]
    table = live()
    for product in {product for visit in VISITS for product in visit}:
        asked = f"SELECT other, share FROM '{out}' WHERE product = '{product}' ORDER BY share DESC"
        found = dict(connection.execute(asked).fetchall())
        products, shares, *_ = table.row(product)
        expected = dict(zip(products[:ROW_LENGTH], shares, strict=False))
        assert found == pytest.approx(expected, rel=2e-3)
    connection.close()
    again = Covisits()
    for row in built(out):
        again.add_batch(*row)
    assert again.row("SKU-1")[0][:5] == table.row("SKU-1")[0][:5]
    with pytest.raises(OperatorError):
        next(built(tmp_path / "nowhere.parquet"))


def by_batch(folder: Path) -> dict[tuple[str, str], tuple[float, int]]:
    """Each pair's share, and how often it met, as `build` has it."""
    connection = duckdb_at(256 * 2**20, 1, folder / "scratch")
    load(connection, events(folder))
    list(build(connection, folder / "affinity.parquet"))
    rows = connection.execute(f"SELECT * FROM '{folder}/affinity.parquet'").fetchall()
    connection.close()
    return {(product, other): (share or 0.0, met) for product, other, share, met, *_ in rows}


def as_pairs(expression: Any) -> dict[tuple[str, str], tuple[float, int]]:
    rows = expression.to_pyarrow().to_pylist()
    return {(row["product"], row["other"]): (row["share"] or 0.0, row["met"]) for row in rows}


def must_be_alike(found: dict[tuple[str, str], tuple[float, int]], folder: Path) -> None:
    expected = by_batch(folder)
    assert found.keys() == expected.keys()
    for pair, (share, met) in expected.items():
        assert found[pair] == (pytest.approx(share, rel=1e-6), met)


def test_the_same_sql_runs_through_ibis_on_duckdb(tmp_path: Path) -> None:
    ibis = pytest.importorskip("ibis")
    backend = ibis.duckdb.connect()
    backend.read_csv(events(tmp_path), table_name="clicked")
    must_be_alike(as_pairs(rows_by_ibis(backend, "clicked")), tmp_path)
    backend.raw_sql("CREATE TABLE empty AS SELECT * FROM clicked WHERE FALSE")
    with pytest.raises(OperatorError, match="no clicks"):
        rows_by_ibis(backend, "empty")


def test_the_same_sql_runs_on_spark_and_what_it_writes_is_served(tmp_path: Path) -> None:
    """Skipped where there is no Java, or neither Ibis nor PySpark is installed: no lock has them, they are large."""
    ibis, pyspark = pytest.importorskip("ibis"), pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java")
    started = pyspark.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    started = started.config("spark.sql.shuffle.partitions", "2").config("spark.sql.warehouse.dir", f"{tmp_path}/house")
    spark = started.getOrCreate()
    try:
        spark.read.csv(str(events(tmp_path)), header=True, inferSchema=True).createOrReplaceTempView("clicked")
        rows = rows_by_ibis(ibis.pyspark.connect(spark), "clicked")
        must_be_alike(as_pairs(rows), tmp_path)
        rows.to_parquet(tmp_path / "spark.parquet")
        spark.read.csv(str(orders(tmp_path)), header=True, inferSchema=True).createOrReplaceTempView("ordered")
        pairs_by_ibis(ibis.pyspark.connect(spark), "ordered").to_parquet(tmp_path / "pairs.parquet")
    finally:
        spark.stop()
    shop = begun_with(pairs=built_pairs(tmp_path / "pairs.parquet"))
    must_know_the_orders(shop.baskets)
    by_product = {product: others for product, others, *_ in built(tmp_path / "spark.parquet")}
    assert by_product["SKU-1"][:5] == next(
        row[1][:5] for row in built(tmp_path / "affinity.parquet") if row[0] == "SKU-1"
    )


def test_orders_in_batch_give_the_live_counts_and_later_ones_add_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.stores.affinity_engine.PAIRS_A_PART", 5)
    connection = duckdb_at(256 * 2**20, 1, tmp_path / "scratch")
    load(connection, events(tmp_path))
    load(connection, orders(tmp_path), "orders")
    out = tmp_path / "affinity.parquet"
    assert list(build(connection, out, has_orders=True))[-1] == (5, 5)
    connection.close()
    shop = begun_with(built(out), built_pairs(out))
    must_know_the_orders(shop.baskets)
    assert shop.covisits.row("SKU-1").products
    for at in (4.5, 5.0, 5.5):  # the second that was under way when the last was counted is counted whole
        shop.learn("anna", Event(at, f"{at}", BOUGHT, items=(Item("BUN"), Item("MUSTARD"))))
    assert (shop.baskets.bought("BUN"), shop.baskets.count) == (4, 6)


def test_a_file_of_clicks_alone_has_no_orders(tmp_path: Path) -> None:
    by_batch(tmp_path)
    assert list(built_pairs(tmp_path / "affinity.parquet")) == [("", [CLICKED_UNTIL], [1_059_001])]


def test_orders_count_alike_through_ibis_and_lie_beside_the_rows(tmp_path: Path) -> None:
    ibis = pytest.importorskip("ibis")
    backend = ibis.duckdb.connect()
    backend.read_csv(events(tmp_path), table_name="clicked")
    backend.read_csv(orders(tmp_path), table_name="ordered")
    folder = tmp_path / "built"
    (folder / "rows.parquet").mkdir(parents=True)  # as Spark writes one
    rows_by_ibis(backend, "clicked").to_parquet(folder / "rows.parquet" / "part-1.parquet")
    pairs_by_ibis(backend, "ordered").to_parquet(folder / "pairs.parquet")
    shop = begun_with(built(folder), built_pairs(folder))
    must_know_the_orders(shop.baskets)
    assert shop.covisits.row("SKU-1").products


def test_a_file_that_is_none_of_ours_is_told(tmp_path: Path) -> None:
    for name, content in (("not.parquet", b"junk"), ("other.parquet", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(OperatorError, match="cannot be read"):
            next(built(tmp_path / name))


def test_a_file_of_which_a_part_is_broken_is_told(tmp_path: Path) -> None:
    by_batch(tmp_path)
    whole = bytearray((tmp_path / "affinity.parquet").read_bytes())
    whole[4:400] = b"x" * 396  # what the end of the file says of it stays
    (tmp_path / "affinity.parquet").write_bytes(whole)
    must_be_built(tmp_path / "affinity.parquet")
    with pytest.raises(OperatorError, match="cannot be read"):
        list(built(tmp_path / "affinity.parquet"))


def test_a_file_without_orders_is_told(tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("session,at,product\n")
    connection = duckdb_at(256 * 2**20, 1, tmp_path / "scratch")
    load(connection, events(tmp_path))
    load(connection, file, "orders")
    with pytest.raises(OperatorError, match="no orders"):
        list(build(connection, tmp_path / "affinity.parquet", has_orders=True))


def test_parts_together_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = duckdb_at(256 * 2**20, 1, tmp_path / "scratch")
    load(connection, events(tmp_path))
    list(build(connection, tmp_path / "whole.parquet"))
    monkeypatch.setattr("proxy.stores.affinity_engine.CLICKS_A_PART", 50)
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


def test_what_is_clicked_adds_to_what_was_built(tmp_path: Path) -> None:
    later = [["SKU-1", "NEW-1"], ["SKU-1", "SKU-2", "NEW-1"], ["NEW-1", "SKU-3"]]
    by_batch(tmp_path)
    shop = Shop()
    shop.covisits = Covisits(memory=1_000.0 * (len(VISITS) - 1) * MEMORY_SHARE)
    added = begun_with(built(tmp_path / "affinity.parquet"), built_pairs(tmp_path / "affinity.parquet"), shop).covisits
    whole = live()
    for number, visit in enumerate(later):
        added.add_visit(visit, 1_060_000.0 + number, number)
        whole.add_visit(visit, 60_000.0 + number, 100 + number)
    assert added.clicks("SKU-1") == whole.clicks("SKU-1")
    for product in ("SKU-1", "SKU-2", "NEW-1"):
        found, expected = added.row(product), whole.row(product)
        assert found.products == expected.products
        assert list(found.shares) == pytest.approx(list(expected.shares), rel=0.1)


def test_clicks_that_were_counted_in_batch_are_not_counted_again(tmp_path: Path) -> None:
    by_batch(tmp_path)
    shop = begun_with(built(tmp_path / "affinity.parquet"), built_pairs(tmp_path / "affinity.parquet"))
    before = shop.covisits.clicks("SKU-1")
    for at in (1_059_000.0, 1_059_001.0, 1_059_002.0):
        shop.learn("anna", Event(at, f"{at}", VIEWED, items=(Item("SKU-1"),)))
    assert shop.covisits.clicks("SKU-1") == before + 1


def test_a_row_that_does_not_say_of_how_much_holds_until_the_product_is_clicked() -> None:
    table = Covisits()
    table.add_batch("SKU-1", ["SKU-2", "SKU-3"], [0.5, 0.25])
    assert "SKU-1" in table and table.row("SKU-1").products == ("SKU-2", "SKU-3")
    for number in range(3):
        table.add_visit(["SKU-1", "SKU-9"], 0.0, number)
    assert table.row("SKU-1").products == ("SKU-9",)
