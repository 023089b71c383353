"""`tailorbird rules`, as it is typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from click.testing import CliRunner

from proxy.cli import tailorbird

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(tailorbird, [*map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.output


def test_the_files_are_printed_as_one_object() -> None:
    code, output = run("rules", ROOT / "rules", "--format", "json")
    assert code == 0 and "home.rules.json" in json.loads(output)


def test_what_is_written_is_a_folder_of_rules_like_any_other(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", folder)
    assert run("rules", folder, "--to", folder)[0] == 0
    for file in folder.glob("*.rules.yaml"):
        file.unlink()
    code, output = run("test", folder)
    assert code == 0 and " 0 failed" in output


def test_a_folder_with_problems_is_reported(tmp_path: Path) -> None:
    assert run("rules", ROOT / "tests" / "cases" / "bad")[0] == 1
