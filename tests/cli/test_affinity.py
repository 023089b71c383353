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
    assert "20 baskets of 4 products learnt, 10 cases predicted" in printed
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


def test_a_product_that_nobody_had_is_reported(baskets: Path) -> None:
    assert "nobody looked at or bought `hot dog`" in run("ask", baskets, "hot dog").stderr


def test_clicks_and_orders_are_built_into_one_file(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    for name in ("events", "orders"):
        (tmp_path / f"{name}.csv").write_text("session,at,product\n1,1,TENT\n1,2,MAT\n")
    out = tmp_path / "affinity.parquet"
    built = run("build", tmp_path / "events.csv", "--orders", tmp_path / "orders.csv", "--out", out)
    assert (built.exit_code, "2 products in" in built.stdout, out.exists()) == (0, True, True), built.output


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("", 1, "there is nothing in this file (help: write one basket a line"),
        ("a,b,c\n", 1, "of 1 basket nothing can be predicted (help: each fifth is predicted: it takes five baskets"),
        ("order_id,product\n", 1, "of 0 baskets nothing can be predicted"),
        (
            "order_id,product\n\n1,a\n2\n1,b\n3,\n" + "2,a\n2,b\n" * 5,
            1,
            ":4: 2 lines, from here on, make no sense; left out",
        ),
        ('{"visitor":"a","at":1,"product":"x"}\n{"bad\n', 1, ":2: 1 line makes no sense; left out"),
        (b"caf\xe9,b\n" * 5, 0, ":1: 5 lines, from here on, are not UTF-8, and read as Latin-1"),
    ],
)
def test_an_odd_file_is_reported_with_what_where_and_how_to_mend(
    content: str | bytes, code: int, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "past.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    result = run("eval", file)
    assert (result.exit_code, says in result.stderr, str(file) in result.stderr) == (code, True, True), result.stderr


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        ("1 2\n", None, "there is no `{folder}/test_prefix_label.txt`"),
        ("", "1 2\n", "`{folder}`: there is no visit to learn from"),
        ("1 2\n", "\n1\n", "`{folder}`: there is no case to predict"),
        ("1 2\n", "1 2\n1\n", "{folder}/test_prefix_label.txt: 1 line has less than two products: left out"),
    ],
)
def test_an_odd_folder_is_told_which_file_and_what_it_lacks(
    train: str, test: str | None, says: str, tmp_path: Path
) -> None:
    (tmp_path / "train_sessions.txt").write_text(train)
    if test is not None:
        (tmp_path / "test_prefix_label.txt").write_text(test)
    assert says.format(folder=tmp_path) in run("eval", tmp_path).stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "has no column at, product, session"),
        ("session,at,product\n", "there are no clicks to build from"),
        ("session,at,product\ns1,soon,x\ns1,2,y\n", "cannot be read: Conversion Error"),
        ("session,at,product\ns1,1,x\n", "no two products of"),
        (b"session,at,product\ns\xe9,1,x\n", "cannot be read: Invalid Input Error"),
    ],
)
def test_clicks_that_cannot_be_built_from_are_reported(content: str | bytes, says: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    file = tmp_path / "clicks.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    result = run("build", file, "--out", tmp_path / "out.parquet")
    assert (result.exit_code, says in result.stderr) == (1, True), result.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_clicks_may_say_their_time_as_a_date(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "clicks.csv").write_text("session,at,product\ns1,2026-11-25 10:00:00,x\ns1,2026-11-25 10:01:00,y\n")
    assert "2 products in" in run("build", tmp_path / "clicks.csv", "--out", tmp_path / "out.parquet").stdout
