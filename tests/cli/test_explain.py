"""`tailorbird explain`, as it is typed."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.rulebook.findings import FINDINGS


@pytest.mark.parametrize("code", [kind.code for kind in FINDINGS])
def test_every_code_is_explained_with_both_examples(code: str) -> None:
    result = CliRunner().invoke(tailorbird, ["explain", code.lower()], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.startswith(f"{code}: ") and "Wrong, in " in result.output and "Right:" in result.output


def test_an_unknown_code_is_a_mistake_in_the_command() -> None:
    result = CliRunner().invoke(tailorbird, ["explain", "R999"])
    assert result.exit_code == 2 and "there is no finding `R999`" in result.output
