"""The reference pages are made from the tables."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import proxy.cli
from proxy.cli import COMMANDS, tailorbird
from proxy.cli.docs import MADE, PAGES, SECTIONS, table
from proxy.conditions.vocabulary import PHRASES
from proxy.rulebook.findings import FINDINGS
from proxy.settings import rows


def test_bars_in_cells_do_not_end_them() -> None:
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |\n"


def test_each_page_is_written_and_names_every_row(tmp_path: Path) -> None:
    result = CliRunner().invoke(tailorbird, ["docs", str(tmp_path / "reference")])
    assert result.exit_code == 0, result.output
    pages = {path.name: path.read_text() for path in (tmp_path / "reference").iterdir()}
    assert set(pages) == set(PAGES)
    assert all(text.startswith(MADE) for text in pages.values())
    assert all(f"`TAILORBIRD_{row.name.upper()}`" in pages["settings.md"] for row in rows())
    assert all(f"`{phrase.key}`" in pages["vocabulary.md"] for phrase in PHRASES)
    assert all(f"## {finding.code}" in pages["findings.md"] for finding in FINDINGS)
    assert all(f"`{row.name}`" in pages["commands.md"] for row in COMMANDS)


def test_a_folder_that_cannot_be_made_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(tailorbird, ["docs", str(tmp_path / "file" / "docs")])
    assert result.exit_code == 1
    assert result.output == f"tailorbird: `{tmp_path}/file/docs`: Not a directory\n"


@pytest.mark.parametrize("name", [row.name for row in COMMANDS])
def test_every_row_is_a_module_with_a_command_that_says_what_it_does(name: str) -> None:
    module = Path(proxy.cli.__file__).parent / f"{name}_.py"
    module = module if module.exists() else module.with_name(f"{name}.py")
    assert module.exists(), f"`{name}` has a row of COMMANDS in proxy/cli/__init__.py: write its `command` in {module}"
    command = tailorbird.get_command(click.Context(tailorbird), name)
    assert command is not None and command.help, f"the docstring of `command` in {module} is its help"


def test_a_misspelled_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(tailorbird, ["chekc"])
    assert result.exit_code == 2
    assert 'there is no command `chekc`; did you mean "check"?' in result.output


def test_every_section_begins_with_a_setting() -> None:
    names = [row.name for row in rows()]
    assert [name for name in names if name in SECTIONS] == list(SECTIONS)
    assert names[0] in SECTIONS
