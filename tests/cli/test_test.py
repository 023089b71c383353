"""`tailorbird test`, as it is typed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird

ROOT = Path(__file__).parents[2]
RULES = """\
rules: [{name: A, slot: s, when: {country: NO}, show: {banner: {title: Hi}}}]
tests:
  - {name: Norway, visitor: {country: NO}, expect: {s: A}}
  - {name: Sweden, visitor: {country: SE}, expect: {s: A}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slots.yaml").write_text("slots: {s: {}}")
    (tmp_path / "a.rules.yaml").write_text(RULES)
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(tailorbird, ["test", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.output


def test_the_shipped_rules_pass() -> None:
    code, output = run(ROOT / "rules")
    assert code == 0 and re.search(r" 0 failed\. (\d+) of \1 rules are tested", output)


def test_a_failure_exits_1_and_says_why(folder: Path) -> None:
    code, output = run(folder)
    assert code == 1 and "1 passed, 1 failed. 1 of 1 rules are tested" in output
    assert 's should show "A", but shows nothing new' in output and "✘ country: NO  (SE)" in output


def test_a_folder_with_mistakes_is_told_instead_of_tested(folder: Path) -> None:
    (folder / "slots.yaml").unlink()
    code, output = run(folder)
    assert code == 1 and "R301" in output and "passed" not in output


def test_programs_get_json(folder: Path) -> None:
    told = json.loads(run(folder, "--format", "json")[1])
    assert [test["passed"] for test in told["tests"]] == [True, False] and told["untested"] == []


def test_junit_gets_a_case_for_each_test(folder: Path) -> None:
    suite = ElementTree.fromstring(run(folder, "--format", "junit")[1].split("\n", 1)[1])
    assert [(case.get("name"), case.find("failure") is not None) for case in suite] == [
        ("Norway", False),
        ("Sweden", True),
    ]


def test_some_tests_may_be_run_alone(folder: Path) -> None:
    code, output = run(folder, "--run", "^NOR")
    assert code == 0 and "ok    Norway" in output and "Sweden" not in output
    assert run(folder, "--run", "(")[0] == 2
    code, output = run(folder, "--run", "Norwegians")
    assert (code, "no test has `Norwegians` in its name" in output) == (2, True), "else nothing fails in CI"


def test_coverage_is_told_by_rule_and_may_be_demanded(folder: Path) -> None:
    (folder / "b.rules.yaml").write_text("rules: [{name: B, slot: s, show: nothing new}]")
    code, output = run(folder, "--run", "Norway", "--coverage")
    assert code == 0 and "\n  ✔ A  " in output and "1 test\nb.rules.yaml\n  ✘ B" in output
    assert output.endswith("50 % of the rules are tested\n")
    assert run(folder, "--run", "Norway", "--threshold", "50")[0] == 0
    assert run(folder, "--run", "Norway", "--threshold", "51")[0] == 1


def test_junit_may_be_written_beside_the_report(folder: Path, tmp_path: Path) -> None:
    code, output = run(folder, "--junit", tmp_path / "report.xml")
    assert code == 1 and "FAIL  Sweden" in output
    assert ElementTree.parse(tmp_path / "report.xml").getroot().get("failures") == "1"
