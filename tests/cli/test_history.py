"""`tailorbird history`: the latest first for people, everything as JSON for an audit."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.desk import NORWAY, RULES, Desk


def test_nothing_yet(tmp_path: Path) -> None:
    assert Desk(tmp_path).say("history") == (0, "nothing has happened yet\n")


def test_it_tells_who_did_what_and_which_is_live(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.publish(NORWAY, "--author", "Sam")
    desk.say("rollback", "-m", "too early")
    desk.say("pause", "rule", "Sale")
    lines = desk.say("history")[1].splitlines()
    assert [line.split()[0] for line in lines] == ["v1", "v1", "v2", "v1"]
    assert ["● live" in line for line in lines] == [False, True, False, False]
    assert "Mia  paused       rule Sale" in lines[0]
    assert 'rolled back  "too early"' in lines[1]
    assert lines[2].endswith("+1 −1")
    assert len(desk.say("history", "--last", "2")[1].splitlines()) == 2


def test_as_json_it_is_the_whole_trail(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    (entry,) = json.loads(desk.say("history", "--format", "json")[1])
    assert (entry["action"], entry["author"], entry["version"], len(entry["content"])) == ("published", "Mia", 1, 12)


def test_a_message_of_several_lines_is_one_row(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES, "-m", "too early:\n\n  the stock is not there\n")
    (row, *_) = desk.say("history")[1].splitlines()
    assert '"too early: the stock is not there"' in row
