"""Importing orders and events: stored once however often it is run, told line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Profile
from tests.cli.desk import done

ORDERS = """\
order id;customer id;date;sku;price
1;anna;2026-10-01;A;10,50
1;anna;2026-10-01;B;4
2;ben;2025-01-01;A;10,50
x;cleo;soon;A;1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "orders.csv"
    file.write_text(ORDERS, encoding="utf-8")
    return file


def run(what: str, *arguments: object) -> Result:
    return CliRunner().invoke(tailorbird, ["import", what, *map(str, arguments)])


def stored(url: str, visitor_id: str) -> Profile | None:
    profile: Profile | None = done(url, lambda at: at.store.get_profile(visitor_id))
    return profile


def test_orders_are_in_the_history_and_a_second_import_changes_nothing(file: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.db"
    first, second = run("orders", file, "--store", url), run("orders", file, "--store", url)
    assert "orders.csv:5: refused: `soon` is no time" in first.output
    assert "2 orders of 2 visitors imported: 2 new; 1 row refused.\n" in first.output
    assert "2 orders of 2 visitors imported: 0 new; 1 row refused.\n" in second.output
    anna = stored(url, "anna")
    assert anna is not None
    assert [(event.kind, event.value, len(event.items)) for event in anna.history] == [("order completed", 14.5, 2)]


def test_a_column_that_nobody_reads_is_told_beside_what_was_imported(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("Bestellung;customer id;date;Summe\n1;anna;2026-10-01 10:00;10,50\n", encoding="utf-8")
    told, named = run("orders", file, "--dry-run"), run("orders", file, "--dry-run", "--column", "value=Summe")
    assert "orders.csv:2: not read: `bestellung`, `summe`; what is missed is named by --column WHAT=NAME" in told.output
    assert "orders.csv:2: not read: `bestellung`; " in named.output


def test_a_time_window_says_who_is_lost(file: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.db"
    told = run("orders", file, "--store", url, "--since", "2026-01-01", "--format", "json")
    totals = json.loads(told.output)
    assert {key: totals[key] for key in ("imported", "changed", "too_old", "lost", "visitors", "refused")} == {
        "imported": 1,
        "changed": 1,
        "too_old": 1,
        "lost": 1,
        "visitors": 1,
        "refused": 1,
    }
    assert stored(url, "ben") is None


def test_a_dry_run_stores_nothing(file: Path, tmp_path: Path) -> None:
    told = run("orders", file, "--dry-run", "--store", f"sqlite:{tmp_path}/s.db")
    assert "2 orders of 2 visitors imported: nothing stored (dry run)" in told.output
    assert not (tmp_path / "s.db").exists()


def test_events_of_several_kinds_go_in_together(tmp_path: Path) -> None:
    file, url = tmp_path / "events.jsonl", f"sqlite:{tmp_path}/s.db"
    rows = [{"visitor": "anna", "event": "product viewed", "time": "2026-10-01", "sku": "A"}] * 2
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert "2 events of 1 visitor imported: 2 new" in run("events", file, "--store", url).output
    assert "2 events of 1 visitor imported: 0 new" in run("events", file, "--store", url).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--column", "price"], "write one of visitor, time"),
        (["--column", "colour=x"], "write one of visitor, time"),
        (["--timezone", "Mars/Base"], "there is no time zone"),
        (["--since", "soon"], "does not match"),
    ],
)
def test_a_mistake_is_reported(arguments: list[str], said: str, file: Path) -> None:
    told = run("orders", file, "--dry-run", *arguments)
    assert told.exit_code == 2 and said in told.output


def test_nothing_imported_is_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("visitor,date\n,\n", encoding="utf-8")
    assert run("orders", file, "--dry-run").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            [],
            "no column holds the visitor id (help: call it `visitor id`, `id` or `customer id`, or name it by --column",
        ),
        (
            ["--column", "visitor=Kunde", "--column", "time=Dattum"],
            'no column is called `dattum` (help: did you mean "dat',
        ),
    ],
)
def test_columns_in_another_language_are_named_and_must_be_there(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "bestellungen.csv"
    file.write_text("Kunde;Datum;Artikel;Preis\nanna;25.11.2025;BUN-4;3,50\n", encoding="utf-8")
    refused = run("orders", file, "--dry-run", *arguments)
    assert refused.exit_code == 1 and said in refused.output
    named = ("visitor=Kunde", "time=Datum", "product=Artikel", "price=Preis")
    told = run("orders", file, "--dry-run", *(word for pair in named for word in ("--column", pair)))
    assert "1 order of 1 visitor imported" in told.output
