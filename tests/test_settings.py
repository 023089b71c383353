"""The table of settings is whole: help and units."""

from __future__ import annotations

from proxy.settings import rows


def test_every_setting_has_help_and_numbers_have_units() -> None:
    for row in rows():
        assert row.metadata["help"], row.name
        if isinstance(row.default, (int, float)) and not isinstance(row.default, bool) and "port" not in row.name:
            assert row.metadata["unit"] or "fraction" in row.name, row.name
