"""`tailorbird diff`: meaning first, then the lines."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.desk import NORWAY, RULES, Desk


def test_from_what_is_live_to_the_draft(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.save(NORWAY)
    code, output = desk.say("diff")
    assert code == 0
    assert output.splitlines()[:5] == [
        "Version 1 → draft",
        "  ~ Sale                                  country: NL, BE  →  NL, BE, NO",
        "--- Version 1/a.rules.yaml",
        "+++ draft/a.rules.yaml",
        "@@ -1,6 +1,6 @@",
    ]


def test_between_versions_and_folders_and_as_json(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.publish(NORWAY)
    (change,) = json.loads(desk.say("diff", "2", "1", "--format", "json")[1])
    assert (change["kind"], change["what"]) == ("~", "country: NL, BE, NO  →  NL, BE")
    assert "the rules mean the same" in desk.say("diff", "2", str(desk.rules))[1]
