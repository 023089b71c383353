"""Erasing somebody from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Arrival, Event
from tests.cli.desk import done

NOON = 1_795_435_200.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that knows anna."""
    url = f"sqlite:{tmp_path}/s.db"
    done(url, lambda at: at.store.apply([Arrival("anna", Event(NOON, "web:1", "page viewed", "/"))]))
    return url


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(tailorbird, [*arguments], input=answer)


def test_a_receipt_is_printed_and_nothing_is_left(url: str, tmp_path: Path) -> None:
    told = run("erase", "anna", "--store", url, "--yes")
    assert told.exit_code == 0
    receipt = json.loads(told.output)
    assert receipt["erased"] == {
        "page views": 0,
        "messages to webhooks": 0,
        "events": 1,
        "profiles": 1,
        "events not taken": 0,
    }
    assert set(receipt["left"].values()) == {0}
    assert not any(b"anna" in path.read_bytes() for path in tmp_path.iterdir())


def test_it_asks_first(url: str) -> None:
    refused = run("erase", "anna", "--store", url, answer="n\n")
    assert refused.exit_code == 1
    assert len(json.loads(run("export", "anna", "--store", url).output)["events"]) == 1


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert run("erase", "anna", "--store", f"sqlite:{tmp_path}/none.db", "--yes").exit_code == 1
    assert not (tmp_path / "none.db").exists()


def test_several_are_erased_in_one_go_and_each_has_a_receipt(url: str, tmp_path: Path) -> None:
    done(url, lambda at: at.store.apply([Arrival("ben", Event(NOON, "web:2", "page viewed", "/"))]))
    told = run("erase", "anna", "ben", "nobody", "--store", url, "--yes")
    receipts = json.loads(told.output)
    assert told.exit_code == 0
    assert [(one["visitor"], one["erased"]["events"]) for one in receipts] == [("anna", 1), ("ben", 1), ("nobody", 0)]
    assert not any(name in path.read_bytes() for path in tmp_path.iterdir() for name in (b"anna", b"ben"))
