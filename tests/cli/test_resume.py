"""`tailorbird resume`: one thing, or all of them."""

from __future__ import annotations

from pathlib import Path

from proxy.stores.versions import Versions
from tests.cli.desk import Desk


def test_one_thing_goes_on_and_then_the_rest(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for words in (("rule", "Sale"), ("slot", "home.row"), ("everything",)):
        desk.say("pause", *words)
    assert desk.say("resume", "rule", "Sale") == (0, "rule Sale goes on\n")
    assert desk.say("resume") == (0, "everything goes on\nslot home.row goes on\n")
    assert desk.say("resume") == (0, "nothing is paused\n")
    assert Versions(desk.rules).pauses() == frozenset()


def test_what_is_not_paused_is_reported_with_what_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.say("pause", "rule", "Sale")
    code, output = desk.say("resume", "rule", "Row")
    assert (code, "what is paused: rule Sale" in output) == (1, True)
