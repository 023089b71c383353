"""`tailorbird check`, as it is typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "cases" / "bad"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(tailorbird, ["check", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.output


def test_a_clean_folder_says_so_and_exits_0() -> None:
    code, output = run(ROOT / "rules")
    assert code == 0 and output.endswith(" rules, no problems.\n")


def test_the_sample_of_eight_mistakes_prints_them_all_and_exits_1() -> None:
    code, output = run(BAD)
    assert code == 1 and output == (ROOT / "tests" / "cases" / "bad.txt").read_text(encoding="utf-8")


def test_the_folder_is_rules_when_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run()[0] == 1  # an empty folder is more often an accident than a wish
    (tmp_path / "rules" / "a.rules.yaml").write_text("rules: []")
    assert run() == (0, "1 file, 0 rules, no problems.\n")


def test_no_such_folder_is_a_mistake_in_the_command() -> None:
    assert run(BAD / "nowhere")[0] == 2


def test_files_that_are_called_otherwise_are_reported_with_their_right_names(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules: []")
    (tmp_path / "old").mkdir()
    (tmp_path / ".tailorbird").mkdir()
    for name in ("winter.yaml", "summer.rules.yml", "spring.rules.yaml.txt", "old/a.rules.yaml", ".tailorbird/b.yaml"):
        (tmp_path / name).write_text("version: 1\nrules: []\n")
    (tmp_path / "slot.yml").write_text("\ufeffslots:\n  home.hero: {}\n", "utf-8")
    (tmp_path / "compose.yaml").write_text("services:\n  shop:\n    rules: none\n")
    result = CliRunner().invoke(tailorbird, ["check", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "1 file, 0 rules, no problems.\n")
    assert result.stderr.splitlines() == [
        "`old/a.rules.yaml` is not read: call it a.rules.yaml, in the folder itself",
        "`slot.yml` is not read: call it slots.yaml",
        "`spring.rules.yaml.txt` is not read: call it spring.rules.yaml",
        "`summer.rules.yml` is not read: call it summer.rules.yaml",
        "`winter.yaml` is not read: call it winter.rules.yaml",
    ]


def test_programs_get_json() -> None:
    code, output = run(BAD, "--format", "json")
    found = json.loads(output)
    assert code == 1 and len(found) == 8
    assert found[0]["code"] == "R301" and found[0]["place"]["line"] == 8


def test_github_gets_annotations() -> None:
    _, output = run(BAD, "--format", "github")
    first = output.split("\n")[0]
    assert first.startswith(f"::error file={BAD}/bad.rules.yaml,line=8,col=11,endColumn=21,title=R301::no page has")
    assert len(output.strip().split("\n")) == 8


def test_junit_gets_a_case_for_each_file() -> None:
    _, output = run(BAD, "--format", "junit")
    suite = ElementTree.fromstring(output.split("\n", 1)[1])
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["bad.rules.yaml"] and suite.get("failures") == "1"


def test_a_warning_passes_unless_strict(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules: []")
    (tmp_path / "products.jsonl").write_text("{}\n")
    code, output = run(tmp_path)
    assert code == 0 and "R505" in output
    assert 'failures="0"' in run(tmp_path, "--format", "junit")[1]
    assert 'failures="1"' in run(tmp_path, "--format", "junit", "--strict")[1]
    assert run(tmp_path, "--strict")[0] == 1


def test_a_catalogue_may_be_named_and_a_store_asked_for_imported_attributes(tmp_path: Path) -> None:
    (tmp_path / "slots.yaml").write_text("slots: {s: {}}")
    show = "show: {products: {strategy: {chosen: SKU-1042}}}"
    (tmp_path / "a.rules.yaml").write_text(f"rules: [{{name: A, slot: s, when: {{loyalty: gold}}, {show}}}]")
    profiles = tmp_path / "profiles.jsonl"
    profiles.write_text('{"visitor": "v1", "loyalty": "gold"}\n')
    assert run(tmp_path)[1].count("R101") == 1 and run(tmp_path)[1].count("R502") == 1
    store = f"sqlite:{tmp_path / 'store.db'}"
    CliRunner().invoke(tailorbird, ["import", "profiles", str(profiles), "--store", store], catch_exceptions=False)
    assert run(tmp_path, "--catalogue", ROOT / "rules" / "products.jsonl", "--store", store)[0] == 0


def test_fix_tells_blanks_in_words(tmp_path: Path) -> None:
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    (tmp_path / "a.rules.yaml").write_text("rules:\n  - name: A\n\tslot: home.hero\n    show: nothing new\n")
    assert "a.rules.yaml:3: Y001 blanks are mended" in run(tmp_path, "--fix")[1]


def test_fix_mends_what_it_can_in_the_files_and_tells_the_rest(tmp_path: Path) -> None:
    rules = tmp_path / "bad"
    shutil.copytree(BAD, rules)
    before = (rules / "bad.rules.yaml").read_text()
    code, output = run(rules, "--fix")
    assert 'bad.rules.yaml:9: R101 "priorty" is now "priority"' in output
    assert code == 1 and output.endswith("1 problem found in 1 file.\n") and "R201" in output  # two rules of one name
    after = (rules / "bad.rules.yaml").read_text()
    changed = [new for old, new in zip(before.split("\n"), after.split("\n"), strict=True) if old != new]
    assert changed[:2] == ["    slot: home.hero", "    priority: high"] and len(changed) == 8
    assert run(rules, "--fix") == run(rules)


def test_json_has_the_edits_that_mend() -> None:
    found = json.loads(run(BAD, "--format", "json")[1])
    assert found[0]["edits"] == [{"line": 8, "column": 11, "end": 21, "replacement": "home.hero"}]
