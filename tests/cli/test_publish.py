"""`tailorbird publish`: a clean draft becomes the live version, anything else stays a draft."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.stores.history import Action
from proxy.stores.versions import Versions
from tests.cli.desk import NORWAY, RULES, Desk


def test_a_clean_draft_is_live(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.say("publish", "-m", "first") == (0, "Version 1 is live\n")
    (entry,) = Versions(desk.rules).history()
    assert (entry.action, entry.author, entry.message) == (Action.PUBLISHED, "Mia", "first")


def test_publishing_without_a_description_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    code, output = desk.say("publish", "-m", " ")
    assert code == 2 and "say what this changes" in output and not Versions(desk.rules).history()


def test_a_draft_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    code, output = desk.publish(RULES.replace("home.hero, when", "home.heroo, when").replace("NL, BE", "NL, UK"))
    assert code == 1
    assert "R301" in output
    assert "R304" in output
    assert Versions(desk.rules).live() == 0


def test_a_draft_whose_tests_fail_is_refused(tmp_path: Path) -> None:
    code, output = Desk(tmp_path).publish(RULES.replace("{country: NL}, expect", "{country: DE}, expect"))
    assert code == 1
    assert "not published: 0 errors, 0 tests passed, 1 failed" in output


def test_what_is_live_already_is_not_published_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    code, output = desk.publish(RULES)
    assert (code, "version 1 is live and has these files" in output) == (1, True)


def test_a_folder_that_is_live_as_saved_has_nothing_to_publish(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    Versions(desk.rules).load({"a.rules.yaml": RULES.encode()}, 1.0)
    code, output = desk.publish(NORWAY)
    assert (code, "TAILORBIRD_RULES_MODE=published" in output) == (1, True)
    desk.environment["TAILORBIRD_RULES_MODE"] = "published"
    assert desk.publish(NORWAY)[0] == 0


def test_where_a_second_person_must_approve_publishing_is_asking(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TAILORBIRD_APPROVAL="required")
    assert desk.publish(RULES) == (0, "Version 1 waits for a second person: tailorbird approve 1\n")
    assert Versions(desk.rules).live() == 0
    del desk.environment["TAILORBIRD_APPROVAL"]
    assert "waits for a second person" in desk.publish(NORWAY)[1], "the history remembers that it was required"


@pytest.mark.parametrize("word", ["maybe", ""])
def test_a_setting_that_is_no_answer_is_refused(tmp_path: Path, word: str) -> None:
    code, output = Desk(tmp_path, TAILORBIRD_APPROVAL=word).publish(RULES)
    assert (code, "write none, required or as before" in output) == (1, True)
