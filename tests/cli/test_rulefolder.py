"""A rule folder from disk, as the commands read it."""

from __future__ import annotations

from pathlib import Path

from proxy.cli.rulefolder import read_rules

RULES = Path(__file__).parents[2] / "rules"


def test_the_folders_own_catalogue_counts_unless_another_is_named(tmp_path: Path) -> None:
    assert read_rules(RULES, None, None).publication is not None
    other = tmp_path / "other.jsonl"
    other.write_text('{"id": "X", "title": "X", "link": "/x"}\n')
    codes = {finding.code for finding in read_rules(RULES, other, None).findings}
    assert codes == {"R502"}
