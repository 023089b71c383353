"""`tailorbird catalogue`, as it is typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Product, Sighting
from proxy.stores import open_sightings, open_store

HEAD = "id\ttitle\tlink\timage_link\tprice\tavailability\n"
GOOD = "BUN-4\tBuns, four\t/p/BUN-4\t/i.jpg\t1.50 EUR\tout_of_stock\n"
OTHER = (
    '{"id": "BUN-4", "title": "Buns, four", "link": "/p/BUN-4", "price": 1.75, "currency": "EUR", "tags": ["bread"]}'
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(tailorbird, ["catalogue", *map(str, arguments)])


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    (tmp_path / "a.tsv").write_text(HEAD + GOOD)
    (tmp_path / "b.jsonl").write_text(OTHER)
    return tmp_path / "a.tsv"


@pytest.mark.parametrize(
    ("more", "flags", "code", "says"),
    [
        ("", (), 0, "1 product, 1 of them out of stock; 0 rows left out, 0 warnings"),
        ("BAD\t\t/p/BAD\t/i.jpg\t1 EUR\tin_stock\n", (), 1, "a.tsv:3: left out: `title` is missing\n  = help: "),
        (GOOD, (), 1, "missing 0, contradictory 0, duplicate 1, unreadable 0"),
        ("T\tT\t/p/T\t\t1 EUR\tin_stock\n", (), 0, "a.tsv:3: warning: `image_link` is missing"),
        ("T\tT\t/p/T\t\t1 EUR\tin_stock\n", ("--strict",), 1, "missing 1, contradictory 0"),
        ("T\tT\t/p/T\t\t1 EUR\tin_stock\n", (), 0, "they say price 100%, currency 100%, picture 50%, its size 0%"),
    ],
)
def test_a_feed_is_checked_by_line_and_told_in_all(
    more: str, flags: tuple[str, ...], code: int, says: str, feed: Path
) -> None:
    feed.write_text(HEAD + GOOD + more)
    result = run("check", feed, *flags)
    assert (result.exit_code, says in result.output) == (code, True), result.output


def test_what_two_feeds_say_differently_is_a_contradiction_at_its_line(feed: Path) -> None:
    result = run("check", feed, feed.with_name("b.jsonl"), "--format", "json")
    found = json.loads(result.output)
    (problem,) = found["problems"]
    assert (problem["flaw"], problem["line"], problem["is_warning"]) == ("contradictory", 1, True)
    assert problem["what"] == f"`BUN-4` has price `1.75`, and `1.5` in {feed}"
    assert [file["format"] for file in found["files"]] == ["Google Merchant, TSV", "JSON lines"]
    assert found["files"][0]["said"]["brand"] == 0.0 and result.exit_code == 0


def test_where_each_fact_of_a_product_comes_from_is_shown(feed: Path) -> None:
    result = run("show", "BUN-4", feed, feed.with_name("b.jsonl"))
    lines = result.output.splitlines()
    (price,) = [line for line in lines if line.startswith("price")]
    assert price.split() == ["price", "1.75", "EUR", f"{feed.with_name('b.jsonl')}:1", "`price`"]
    assert lines[lines.index(price) + 1].strip() == f"{feed}:2 `price` says 1.50 EUR"
    assert json.loads(run("show", "BUN-4", feed, "--format", "json").output)["facts"][0]["said"]["line"] == 2


def test_a_product_that_is_not_there_is_reported_with_the_nearest(feed: Path) -> None:
    result = run("show", "BUN-5", feed)
    assert result.exit_code == 1 and "did you mean `BUN-4`?" in result.output


def test_the_shops_own_catalogue_is_read_when_no_path_is_given(feed: Path) -> None:
    own = ("--catalogue", feed.with_name("b.jsonl"))
    assert "b.jsonl:1 `tags`" in run("show", "BUN-4", *own).output
    found = json.loads(run("stats", *own, "--format", "json").output)
    assert (found["products"], found["tags"], found["prices"]["EUR"]) == (1, {"bread": 1}, "1.75 to 1.75, median 1.75")
    missing = run("stats", "--catalogue", feed.with_name("none.jsonl"))
    assert missing.exit_code == 1 and "bring a feed in by `tailorbird import products FILE`" in missing.output


def test_a_file_without_products_fails(feed: Path) -> None:
    feed.write_text("")
    assert run("check", feed).exit_code == 1
    assert run("stats", feed).exit_code == 1
    assert run("check").exit_code == 2


@pytest.fixture
def store(tmp_path: Path) -> str:
    """What the shop's own pages told."""
    url = f"sqlite:{tmp_path / 'store.db'}"

    async def tell() -> None:
        await open_store(url).aclose()
        sightings = open_sightings(url)
        bun = Product("BUN-4", "Four buns", "/p/BUN-4", "bakery", "Mill", 2.0, "EUR", "/i.jpg", 600, 400)
        await sightings.put_sightings([Sighting("BUN-4", 1.0, bun), Sighting("OLD", 2.0, None)], most=10)
        await sightings.put_sightings([Sighting("MAT", 3.0, Product("MAT", "Mat", "/p/MAT", price=9.5))], most=10)
        await sightings.aclose()

    asyncio.run(tell())
    return url


def test_what_only_a_products_page_says_is_shown_as_its(feed: Path, store: str) -> None:
    lines = run("show", "BUN-4", feed, "--store", store).output.splitlines()
    said = {line.partition("  ")[0]: line.split()[-2] for line in lines if line[:1] != " "}
    assert (said["price"], said["brand"], said["its size"]) == (f"{feed}:2", "/p/BUN-4:1", "/p/BUN-4:1")
    (price,) = [number for number, line in enumerate(lines) if line.startswith("price")]
    assert lines[price + 1].strip() == "/p/BUN-4:1 `price` says 2.00 EUR"
    (stock,) = [line for line in lines if line.startswith("in stock")]
    assert stock.split()[:3] == ["in", "stock", "no"]
    alone = run("show", "MAT", feed, "--store", store)
    assert "/p/MAT:1 `availability`" in alone.output and alone.exit_code == 0


def test_what_a_products_page_says_otherwise_is_a_contradiction_of_the_feed(feed: Path, store: str) -> None:
    result = run("check", feed, "--store", store)
    assert f"{feed}:2: warning: `BUN-4` costs 2 on its page, 1.5 in the catalogue" in result.output
    assert result.exit_code == 0 and run("check", feed, "--store", store, "--strict").exit_code == 1
    missing = run("check", feed, "--store", f"{store}.none")
    assert missing.exit_code == 1 and "there is no store" in missing.output
