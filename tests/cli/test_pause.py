"""`tailorbird pause`: a switch anybody can find in a hurry."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.rulebook.pauses import Pause, What
from proxy.stores.versions import Versions
from tests.cli.desk import NORWAY, RULES, Desk


@pytest.mark.parametrize(
    ("words", "pause", "undo"),
    [
        (("rule", "Sale"), Pause(What.RULE, "Sale"), 'tailorbird resume rule "Sale"'),
        (("slot", "home.row"), Pause(What.SLOT, "home.row"), 'tailorbird resume slot "home.row"'),
        (("everything",), Pause(What.EVERYTHING), "tailorbird resume everything"),
    ],
)
def test_what_is_named_is_paused(tmp_path: Path, words: tuple[str, ...], pause: Pause, undo: str) -> None:
    desk = Desk(tmp_path)
    assert desk.say("pause", *words) == (0, f"{pause} is paused, until `{undo}`\n")
    assert Versions(desk.rules).pauses() == {pause}
    assert desk.say("pause", *words) == (0, f"{pause} is paused already\n")


@pytest.mark.parametrize(
    ("words", "help"),
    [
        (("rule", "Sael"), 'did you mean "Sale"?'),
        (("slot", "home.herro"), 'did you mean "home.hero"?'),
        (("everything", "else"), "everything has no name"),
    ],
)
def test_a_name_that_nothing_has_is_refused(tmp_path: Path, words: tuple[str, ...], help: str) -> None:
    code, output = Desk(tmp_path).say("pause", *words)
    assert (code, help in output) == (2, True)


def test_the_names_are_those_of_what_is_live(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.save(NORWAY.replace("Row,", "Shelf,"))
    assert desk.say("pause", "rule", "Row")[0] == 0
    assert desk.say("pause", "rule", "Shelf")[0] == 2


def test_a_folder_with_mistakes_can_still_be_paused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.save(RULES.replace("NL, BE", "NL, UK"))
    assert desk.say("pause", "rule", "Sale")[0] == 0


def test_a_name_is_found_however_its_blanks_stand(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.save(RULES.replace("name: Sale", 'name: "Winter\\nsale "'))
    assert desk.say("pause", "rule", "Winter sale")[0] == 0
    assert desk.say("resume", "rule", " Winter sale")[0] == 0
    assert not Versions(desk.rules).pauses()
