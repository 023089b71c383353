from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from proxy.catalogue.feeds import read_feed
from proxy.cli import import_products, tailorbird

FEED = (
    "id\ttitle\tlink\timage_link\tprice\tavailability\n"
    "BUN-4\tBuns, four\t/p/BUN-4\t/i.jpg\t1.50 EUR\tout_of_stock\n"
    "BAD\t\t/p/BAD\t/i.jpg\t1.50 EUR\tin_stock\n"
)


def run(tmp_path: Path, *more: str, feed: str = FEED) -> Result:
    file = tmp_path / "feed.tsv"
    file.write_text(feed)
    into = str(tmp_path / "shop" / "products.jsonl")
    return CliRunner().invoke(tailorbird, ["import", "products", str(file), "--into", into, *more])


def lines(tmp_path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in (tmp_path / "shop" / "products.jsonl").read_bytes().splitlines()]


def test_a_feed_becomes_the_catalogue_and_its_faults_a_report(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 0
    assert "feed.tsv:3: left out: `title` is missing\n  = help: a product needs a title to be shown\n" in result.output
    assert "1 product, 1 of them out of stock; 1 row left out, 0 warnings." in result.output
    (product,) = read_feed((tmp_path / "shop" / "products.jsonl").read_bytes()).products
    assert (product.id, product.in_stock, product.price) == ("BUN-4", False, 1.5)


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    assert "0 new or changed" in run(tmp_path).output


def test_what_the_feed_does_not_say_stays_and_what_it_says_counts(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    old = '{"id": "BUN-4", "title": "Old", "link": "/old", "in_stock": true, "colour": "brown"}\n'
    old += '{"id": "TENT", "title": "Tent", "link": "/p/TENT"}\n'
    (tmp_path / "shop" / "products.jsonl").write_text(old)
    run(tmp_path)
    bun, tent = lines(tmp_path)
    assert (bun["title"], bun["colour"], bun["availability"]) == ("Buns, four", "brown", "out_of_stock")
    assert "in_stock" not in bun and tent["id"] == "TENT"
    run(tmp_path, "--replace")
    assert [line["id"] for line in lines(tmp_path)] == ["BUN-4"]


def test_of_two_imports_at_once_neither_loses_what_the_other_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    known = import_products._known

    def read_slowly(into: Path) -> list[tuple[str, bytes]]:
        found = known(into)
        time.sleep(0.1)
        return found

    def bring(id: str) -> None:
        feed = read_feed(f"id,title,link\n{id},{id},/p/{id}\n".encode())
        import_products._write(feed, tmp_path / "shop" / "products.jsonl", replace=False)

    monkeypatch.setattr(import_products, "_known", read_slowly)
    with ThreadPoolExecutor(3) as shops:
        list(shops.map(bring, "ABC"))
    assert sorted(str(line["id"]) for line in lines(tmp_path)) == ["A", "B", "BUN-4", "C"]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    found = json.loads(run(tmp_path, "--dry-run", "--format", "json").stdout)
    assert (found["products"], found["problems"][0]["line"]) == (1, 3)
    assert not (tmp_path / "shop").exists()


def test_a_file_without_products_fails(tmp_path: Path) -> None:
    assert run(tmp_path, feed="id\ttitle\tlink\n").exit_code == 1


def test_a_rule_folder_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title,link\nA,Chair,/p/a\n")
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(tailorbird, ["import", "products", str(feed)])
    assert (refused.exit_code, "there is no rule folder `rules` (help: name" in refused.output) == (1, True)
    assert CliRunner().invoke(tailorbird, ["import", "products", str(feed), "--dry-run"]).exit_code == 0
    (tmp_path / "ours").mkdir()
    done = CliRunner().invoke(tailorbird, ["import", "products", str(feed)], env={"TAILORBIRD_RULES": "ours"})
    assert "1 new or changed in ours/products.jsonl" in done.output
