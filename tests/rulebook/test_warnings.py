"""Each class of warnings is in the table once; their examples are tried in test_findings.py."""

from __future__ import annotations

from proxy.rulebook.warnings import WARNINGS


def test_the_classes_stand_in_order() -> None:
    codes = [kind.code for kind in WARNINGS]
    assert codes == [f"L{number}" for number in range(1, len(codes) + 1)], "the next number is free, at the end"
