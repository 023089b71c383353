from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird

BASKETS = "hot dogs,mustard\nmilk,bread\nhot dogs,mustard,milk\nmilk\nhot dogs,mustard\n" * 5


def run(*arguments: object) -> Result:
    return CliRunner().invoke(tailorbird, ["affinity", *map(str, arguments)])


@pytest.fixture
def baskets(tmp_path: Path) -> Path:
    file = tmp_path / "baskets.csv"
    file.write_text(BASKETS)
    return file


def test_figures_as_json_by_strategy(baskets: Path) -> None:
    found = json.loads(run("eval", baskets, "--format", "json").stdout)
    assert list(found) == ["for this cart", "bought together", "co-occurrence", "popularity"]
    assert {"hr@5", "hr@10", "hr@20", "mrr@20", "ndcg@20", "coverage@20", "us_median", "us_p99"} <= set(
        found["popularity"]
    )
    assert found["for this cart"]["hr@5"] == 1.0


def test_figures_as_a_table_and_a_plot(baskets: Path) -> None:
    printed = run("eval", baskets).stdout
    assert "20 baskets of 4 products learnt, 10 cases foretold" in printed
    assert "hit rate: █ among 5" in printed and printed.count("for this cart") == 2


def test_a_packed_file_reads_the_same(baskets: Path) -> None:
    packed = baskets.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(BASKETS.encode()))
    assert "20 baskets of 4 products learnt" in run("eval", packed).stdout


def test_a_folder_with_a_published_split(tmp_path: Path) -> None:
    (tmp_path / "train_sessions.txt").write_text("1 2\n1 2\n3 4\n")
    (tmp_path / "test_prefix_label.txt").write_text("1\t2\n3\t4\n")
    found = json.loads(run("eval", tmp_path, "--format", "json").stdout)
    assert list(found) == ["for you now", "also viewed", "co-occurrence", "popularity"]
    assert found["for you now"]["hr@5"] == 1.0


def test_a_folder_without_one_is_told_what_it_needs(tmp_path: Path) -> None:
    result = run("eval", tmp_path)
    assert result.exit_code == 1
    assert "train_sessions.txt" in result.stderr and "test_prefix_label.txt" in result.stderr


def test_asking_says_why(baskets: Path) -> None:
    printed = run("ask", baskets, "hot dogs").stdout
    assert "bought together:" in printed and "15 of 15 buyers of hot dogs" in printed


def test_clicks_and_orders_are_built_into_one_file(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    for name in ("events", "orders"):
        (tmp_path / f"{name}.csv").write_text("session,at,product\n1,1,TENT\n1,2,MAT\n")
    out = tmp_path / "affinity.parquet"
    built = run("build", tmp_path / "events.csv", "--orders", tmp_path / "orders.csv", "--out", out)
    assert (built.exit_code, "2 products in" in built.stdout, out.exists()) == (0, True, True), built.output
