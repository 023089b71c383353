"""`tailorbird import rules`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "slots.yaml").write_text("slots: {s: {}}")
    (tmp_path / "rules" / "a.rules.yaml").write_text("rules: []")
    return tmp_path


def run(folder: Path, text: str, *options: str, encoding: str = "utf-8") -> tuple[int, str]:
    (folder / "sale.csv").write_text(text, encoding)
    arguments = ["import", "rules", str(folder / "sale.csv"), "--rules", str(folder / "rules"), *options]
    result = CliRunner().invoke(tailorbird, arguments)
    return result.exit_code, result.output


def test_a_clean_table_becomes_a_rule_file(folder: Path) -> None:
    code, output = run(folder, "name,slot,country,title\nA,s,NO,Hi\nB,s,NL,Ho\n")
    assert code == 0 and output.startswith("2 rules written to ")
    assert "country: NO" in (folder / "rules" / "sale.rules.yaml").read_text()
    assert CliRunner().invoke(tailorbird, ["check", str(folder / "rules")]).exit_code == 0


def test_a_spreadsheets_own_encoding_is_read_and_told_and_what_is_no_text_is_refused(folder: Path) -> None:
    code, output = run(folder, "name;slot;title\nGrüße;s;5 € weniger\n", encoding="cp1252")
    assert code == 0 and "sale.csv: is not UTF-8, read as Windows-1252" in output
    assert "5 € weniger" in (folder / "rules" / "sale.rules.yaml").read_text("utf-8")
    code, output = run(folder, "name;slot;title\nGrüße;s;x\n", encoding="utf-16")
    assert (code, "is no text (help: save the spreadsheet as CSV" in output) == (1, True)


def test_problems_are_told_by_row_and_nothing_is_written(folder: Path) -> None:
    code, output = run(folder, "name,slot,country,title\nA,s,NO,Hi\nB,s,Atlantis,Ho\n")
    assert code == 1 and 'sale.csv: row 3: "country" cannot be "Atlantis"' in output
    assert not (folder / "rules" / "sale.rules.yaml").exists()


def test_a_dry_run_prints_the_file(folder: Path) -> None:
    code, output = run(folder, "name,slot,title\nA,s,Hi\n", "--dry-run", "--timezone", "Europe/Oslo")
    assert code == 0 and "timezone: Europe/Oslo" in output and "  - name: A\n" in output
    assert not (folder / "rules" / "sale.rules.yaml").exists()


def test_what_check_would_mend_is_mended_and_told_by_row(folder: Path) -> None:
    code, output = run(folder, "name;slot;from;country;title\nA;s;24.12.2026;SE,DK;Hi\n")
    text = (folder / "rules" / "sale.rules.yaml").read_text()
    assert (code, "from: 2026-12-24" in text, "country: [SE, DK]" in text) == (0, True, True)
    assert "sale.csv: row 2: `24.12.2026` read as 2026-12-24" in output


def test_a_file_that_somebody_wrote_is_not_overwritten_but_what_a_table_made_is(folder: Path) -> None:
    own = folder / "rules" / "sale.rules.yaml"
    own.write_text("rules: []  # mine\n")
    code, output = run(folder, "name,slot,title\nA,s,Hi\n")
    assert (code, own.read_text()) == (1, "rules: []  # mine\n")
    assert "is there already, and was not made of a table (help: give the table another name" in output
    own.unlink()
    assert [run(folder, f"name,slot,title\nA,s,{title}\n")[0] for title in ("Hi", "Ho")] == [0, 0]
    assert "title: Ho" in own.read_text()
