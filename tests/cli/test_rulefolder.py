"""A rule folder from disk, as the commands read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.cli.rulefolder import read_rules

RULES = Path(__file__).parents[2] / "rules"


def test_the_folders_own_catalogue_counts_unless_another_is_named(tmp_path: Path) -> None:
    assert read_rules(RULES, None, None).publication is not None
    other = tmp_path / "other.jsonl"
    other.write_text('{"id": "X", "title": "X", "link": "/x"}\n')
    codes = {finding.code for finding in read_rules(RULES, other, None).findings}
    assert codes == {"R502"}


@pytest.mark.parametrize("command", ["check", "test"])
def test_the_folder_of_the_environment_is_the_one_that_is_meant(tmp_path: Path, command: str) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules:\n  - {name: A, slot: a, show: nothing news}\n")
    environment = {"TAILORBIRD_RULES": str(tmp_path)}
    assert CliRunner().invoke(tailorbird, [command], env=environment).exit_code == 1
    assert CliRunner().invoke(tailorbird, [command, str(RULES)], env=environment).exit_code == 0, (
        "named, it counts more"
    )


def test_the_folder_may_be_named_as_other_commands_name_it(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules:\n  - {name: A, slot: a, show: nothing news}\n")
    environment = {"TAILORBIRD_RULES": str(RULES)}
    assert CliRunner().invoke(tailorbird, ["check", "--rules", str(tmp_path)], env=environment).exit_code == 1
    assert CliRunner().invoke(tailorbird, ["check", str(RULES), "--rules", str(tmp_path)]).exit_code == 0
    gone = CliRunner().invoke(tailorbird, ["check", "--rules", "gone"], env=environment)
    told = " ".join(gone.output.split())
    assert gone.exit_code == 2
    assert "there is no rule folder `gone`; name yours, here or in TAILORBIRD_RULES" in told
    assert "the same as DIR" in CliRunner().invoke(tailorbird, ["publish", "--help"]).output


def test_what_is_wrong_in_a_catalogue_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = tmp_path / "products.jsonl"
    catalogue.write_text("nonsense\n")
    read_rules(RULES, catalogue, None)
    assert f"{catalogue}: line 1:" in capsys.readouterr().err


def test_looking_for_attributes_makes_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:{tmp_path}/shop/none.db"
    assert read_rules(RULES, None, url).publication is not None
    assert capsys.readouterr().err == f"nothing has been imported into `{url}` yet\n"
    assert not (tmp_path / "shop").exists()
