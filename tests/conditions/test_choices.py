"""A value that a phrase cannot have is told, with what it may have been."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.conditions.choices import check_values
from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Kind, Phrase
from proxy.diagnostics import Finding, Place

HERE = Place("a.rules.yaml", 3, 9, 14)
DEVICE = Phrase("device", "device", Kind.TEXT, "", choices=("phone", "tablet", "desktop"))
HOURS = Phrase("hours", "hours", Kind.HOURS, "")
SEGMENT = Phrase("segment", "segment", Kind.SET, "", choices=("VIP",))


@pytest.mark.parametrize(
    ("phrase", "value", "said"),
    [
        (DEVICE, "Phone", None),
        (DEVICE, "mobile", "write: phone"),
        (HOURS, "9:00-17:00", None),
        (SEGMENT, "vip", None),
        (SEGMENT, "VIPs", 'did you mean "VIP"?'),
        (replace(SEGMENT, choices=()), "VIP", "under `segments:`; one that a cookie or an import brings, as `VIP: {}`"),
    ],
)
def test_what_a_phrase_cannot_have_is_reported_with_what_it_may_have_been(
    phrase: Phrase, value: str, said: str | None
) -> None:
    findings: list[Finding] = []
    check_values(phrase, [value], Scalar(value, HERE), findings)
    assert [finding.place for finding in findings] == [HERE] * (said is not None)
    assert said is None or said in findings[0].help
