"""The table of settings is whole: help and units; and every setting is read."""

from __future__ import annotations

import ast
from pathlib import Path

from proxy.settings import rows

PROXY = Path(__file__).parent.parent / "proxy"


def test_every_setting_has_help_and_numbers_have_units() -> None:
    for row in rows():
        assert row.metadata["help"], f"`{row.name}` needs a help"
        if isinstance(row.default, (int, float)) and not isinstance(row.default, bool) and "port" not in row.name:
            has_unit = row.metadata["unit"] or "fraction" in row.name
            assert has_unit, f"`{row.name}` is a number: say of what, in the third argument of its row"


def test_every_setting_is_read() -> None:
    read = {
        node.attr
        for path in PROXY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and not path.name.endswith("settings.py")
    }
    assert [row.name for row in rows() if row.name not in read] == [], "nothing in proxy/ reads these"
