"""Each finding of how a file is written is in the table once; their examples are tried in test_findings.py."""

from __future__ import annotations

from proxy.rulebook.findings import FINDINGS
from proxy.rulebook.syntax_findings import WRITING


def test_they_stand_in_order_and_come_first() -> None:
    codes = [kind.code for kind in WRITING]
    assert codes == ["Y001", "Y002", "Y003", "Y004", "R101", "R102", "R103", "R104"]
    assert FINDINGS[: len(WRITING)] == WRITING
