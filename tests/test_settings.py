"""The table of settings is whole: help, units, sections."""

from __future__ import annotations

from proxy.settings import SECTIONS, rows


def test_every_setting_has_help_and_numbers_have_units() -> None:
    for row in rows():
        assert row.metadata["help"], row.name
        if isinstance(row.default, (int, float)) and not isinstance(row.default, bool) and "port" not in row.name:
            assert row.metadata["unit"] or "fraction" in row.name, row.name


def test_every_section_begins_with_a_setting() -> None:
    names = [row.name for row in rows()]
    assert [name for name in names if name in SECTIONS] == list(SECTIONS)
    assert names[0] in SECTIONS
