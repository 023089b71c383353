"""`tailorbird replay`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.model import View
from tests.cli.desk import done

RULES = "version: 1\nrules:\n  - {name: Dutch, slot: home.hero, when: {country: NL}, show: {banner: {title: Dag}}}\n"
VIEWS = [
    View(1_795_435_200.0 + n, "v1", {"home.hero": "Dutch" if n % 2 else ""}, {"country": "NL" if n % 2 else "NO"})
    for n in range(10)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.rules.yaml").write_text(RULES)
    (rules / "slots.yaml").write_text("slots: {home.hero: {}}")
    return rules


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:{tmp_path}/views.db"
    done(url, lambda at: at.views.put_views(VIEWS, most=100))
    return url


def replay(*arguments: str) -> tuple[int, str]:
    told = CliRunner().invoke(tailorbird, ["replay", *arguments])
    return told.exit_code, told.output


def test_what_the_same_rules_showed_they_show_again(folder: Path, store: str) -> None:
    code, output = replay("--rules", str(folder), "--store", store)
    assert (code, output) == (0, f"10 page views replayed by {folder}: 0 views shown something else\n")


def test_what_other_rules_show_is_reported_with_exit_code_1(folder: Path, store: str) -> None:
    (folder / "a.rules.yaml").write_text(RULES.replace("NL", "NO"))
    code, output = replay("--rules", str(folder), "--store", store)
    assert code == 1
    assert "home.hero  10 views    Dutch → page default 5,  page default → Dutch 5" in output


def test_views_saved_to_a_file_are_replayed_from_it(folder: Path, store: str, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    assert replay("--store", store, "--rules", str(folder), "--save", str(file)) == (0, f"10 views written to {file}\n")
    code, output = replay(str(file), "--rules", str(folder), "--views", "4", "--format", "json")
    assert code == 0
    assert json.loads(output)["views"] == 4


def test_a_line_that_is_no_view_is_refused_with_its_number(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"at":1.0,"version":"v","shown":{}}\nnonsense\n')
    code, output = replay(str(file), "--rules", str(folder))
    assert code == 1
    assert "line 2 of" in output


def test_a_store_that_is_not_there_is_not_made(folder: Path, tmp_path: Path) -> None:
    code, output = replay("--rules", str(folder), "--store", f"sqlite:{tmp_path}/none.db")
    assert code == 1
    assert "there is no store" in output
    assert not (tmp_path / "none.db").exists()
