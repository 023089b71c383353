"""Eight mistakes in one rule file: all told at once, at their line and column, with a fitting help, exit code 1."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird

CASES = Path(__file__).parent.parent / "cases"


@pytest.mark.bar("A7")
def test_all_eight_mistakes_are_told_in_the_agreed_words() -> None:
    result = CliRunner().invoke(tailorbird, ["check", str(CASES / "bad")])
    print(f"\n{result.output}exit code {result.exit_code}")
    assert result.output == (CASES / "bad.txt").read_text(encoding="utf-8")
    assert result.exit_code == 1
