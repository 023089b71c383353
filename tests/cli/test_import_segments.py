"""Importing who is in which segment: what is new is stored, what is not is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.model import Profile
from proxy.stores.joining import join
from tests.cli.desk import done

FILE = """\
customer id;audience;status
anna;VIP;
ben;Newsletter;entered
ben;Wholesale;left
no id!;VIP;
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that knows ben and cleo, of whom an import said that they are in Wholesale."""
    url = f"sqlite:{tmp_path}/s.db"
    listed = [Profile(name, segments=frozenset({"Wholesale"}), updated_at=1.0) for name in ("ben", "cleo")]
    done(url, lambda at: at.store.put_profiles(listed))
    return url


def run(text: str, tmp_path: Path, *arguments: str) -> Result:
    (tmp_path / "cdp.csv").write_text(text, encoding="utf-8")
    return CliRunner().invoke(tailorbird, ["import", "segments", str(tmp_path / "cdp.csv"), *arguments])


def segments(url: str, *visitor_ids: str) -> list[list[str]]:
    profiles = [done(url, lambda at, id=id: at.store.get_profile(id)) for id in visitor_ids]
    return [sorted(profile.segments) if profile else [] for profile in profiles]


def test_members_enter_and_leave_and_a_second_import_changes_nothing(url: str, tmp_path: Path) -> None:
    first, second = (run(FILE, tmp_path, "--store", url) for _ in range(2))
    assert segments(url, "anna", "ben", "cleo") == [["VIP"], ["Newsletter"], ["Wholesale"]]
    assert "cdp.csv:5: refused: `no id!` is no visitor id" in first.output
    assert "3 rows of Newsletter, VIP, Wholesale imported: 2 entered, 1 left; 1 row refused.\n" in first.output
    assert "imported: 0 entered, 0 left; 1 row refused.\n" in second.output
    assert (first.exit_code, second.exit_code) == (0, 0)


def test_an_import_is_undone_and_done_again(url: str, tmp_path: Path) -> None:
    text = "id\nanna\nben\n"
    for arguments, expected in (([], [["VIP"]] * 1), (["--leave"], [[]]), ([], [["VIP"]])):
        told = run(text, tmp_path, "--store", url, "--segment", "VIP", *arguments)
        assert told.exit_code == 0
        assert segments(url, "anna") == expected


def test_of_a_whole_list_all_others_leave_by_whatever_id_they_are_known(url: str, tmp_path: Path) -> None:
    run("id,segment\nphone,Wholesale\ncleo,VIP\n", tmp_path, "--store", url)
    done(url, lambda at: join(at.store, "phone", "dora", 1_795_435_200.0))
    told = run("id\nphone\nben\n", tmp_path, "--store", url, "--segment", "wholesale", "--whole")
    assert "1 other visitor left." in told.output
    assert segments(url, "ben", "dora", "cleo") == [["wholesale"], ["Wholesale"], ["VIP"]]


def test_of_a_whole_list_with_a_row_that_was_refused_nobody_leaves(url: str, tmp_path: Path) -> None:
    told = run("id\nanna\n?\n", tmp_path, "--store", url, "--segment", "Wholesale", "--whole")
    assert "nobody who is not in the file left: mend the rows that were refused" in told.stderr
    assert segments(url, "anna", "cleo") == [["Wholesale"], ["Wholesale"]]


def test_a_dry_run_stores_nothing_and_the_report_is_json_too(tmp_path: Path) -> None:
    told = run(FILE, tmp_path, "--store", f"sqlite:{tmp_path}/new.db", "--dry-run", "--format", "json")
    report = json.loads(told.stdout)
    assert (report["dry_run"], report["imported"], report["refused"], len(report["notes"])) == (True, 3, 1, 1)
    assert not (tmp_path / "new.db").exists()


def test_columns_are_named_and_a_file_without_any_member_fails(url: str, tmp_path: Path) -> None:
    told = run("who,list\nanna,VIP\n", tmp_path, "--store", url, "--column", "visitor=who", "--column", "segment=list")
    assert (told.exit_code, segments(url, "anna")) == (0, [["VIP"]])
    assert run("id,segment\n?,VIP\n", tmp_path, "--store", url).exit_code == 1
    assert run("id\nanna\n", tmp_path, "--store", url, "--whole", "--leave").exit_code == 2


def test_a_segment_that_no_rule_file_names_is_told_with_the_one_that_was_meant(url: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.rules.yaml").write_text("version: 1\nsegments: {VIP: {}, Wholesale: {}}\nrules: []\n")
    told = run("id,segment\nanna,vip\nben,Wholesal\n", tmp_path, "--store", url, "--rules", str(rules))
    assert "no rule file names the segment `Wholesal`; did you mean `Wholesale`?" in told.output
    assert "`vip`" not in told.output and told.exit_code == 0
    new = run("id,segment\nanna,Autumn\n", tmp_path, "--store", url, "--rules", str(rules))
    assert "`Autumn`; rules can ask it once `segments:` has `Autumn: {}`" in new.output
    (rules / "a.rules.yaml").write_text("version: [")
    assert (
        "no rule file" not in run("id,segment\nanna,Autumn\n", tmp_path, "--store", url, "--rules", str(rules)).output
    )
