"""`tailorbird rollback`: an earlier version is live again, and no work is lost by it."""

from __future__ import annotations

from pathlib import Path

from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions
from tests.cli.desk import NORWAY, RULES, Desk


def test_it_goes_back_by_one_or_to_a_number(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for rules in (RULES, NORWAY, RULES + "\n# three\n"):
        desk.publish(rules)
    assert desk.say("rollback") == (0, "Version 2 is live\n")
    assert desk.say("rollback") == (0, "Version 1 is live\n")
    assert desk.say("rollback", "3") == (0, "Version 3 is live\n")
    assert (desk.rules / "a.rules.yaml").read_text().endswith("# three\n"), "the draft is left as it is"


def test_there_is_nothing_before_the_first(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    code, output = desk.say("rollback")
    assert (code, "no version was live before this one" in output) == (1, True)


def test_what_was_only_asked_for_was_never_live(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TAILORBIRD_APPROVAL="required")
    desk.publish(RULES)
    desk.publish(NORWAY)
    desk.say("approve", "2", "--author", "Sam")
    assert desk.say("rollback")[0] == 1


def test_a_saved_folder_becomes_what_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for rules in (RULES, NORWAY):
        desk.save(rules)
        Versions(desk.rules).load(read_folder(desk.rules), 1.0)
    assert desk.say("rollback") == (0, "Version 1 is live\n")
    assert (desk.rules / "a.rules.yaml").read_text() == RULES


def test_changes_that_are_in_no_version_are_not_lost(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for rules in (RULES, NORWAY):
        desk.save(rules)
        Versions(desk.rules).load(read_folder(desk.rules), 1.0)
    desk.save("version: 1\nrules: [half done")
    code, output = desk.say("rollback")
    assert (code, "rolling back would lose them" in output) == (1, True)
    assert (desk.rules / "a.rules.yaml").read_text().endswith("half done")
