"""A condition while somebody types it."""

from __future__ import annotations

import pytest

from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding
from proxy.model import EVERYBODY, AllOf
from proxy.rulebook.names import Names
from proxy.rulebook.typed import typed_condition

NAMES = Names(words(("VIP",), {}, (), ()), ("VIP",), ())


def test_lines_are_read_as_after_when() -> None:
    findings: list[Finding] = []
    condition = typed_condition("orders: at least 3\nsegment: VIP", NAMES, findings)
    assert not findings
    assert isinstance(condition, AllOf)
    assert len(condition.parts) == 2


@pytest.mark.parametrize("text", ["", "  \n"])
def test_who_has_typed_nothing_means_everybody(text: str) -> None:
    findings: list[Finding] = []
    assert (typed_condition(text, NAMES, findings), findings) == (EVERYBODY, [])


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [("country: NL\nordrs: at least 3", "R101", 2), ("orders: [", "Y001", 2), ("orders", "R104", 1)],
)
def test_what_cannot_be_read_yet_is_told_by_line(text: str, code: str, line: int) -> None:
    findings: list[Finding] = []
    typed_condition(text, NAMES, findings)
    assert [(one.code, one.place.line) for one in findings] == [(code, line)]
