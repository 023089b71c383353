from __future__ import annotations

import pytest

from proxy.audience.merging import MOST_RULES, Merge
from proxy.cli.identity import read_merge_rules
from proxy.diagnostics import Finding, as_text


def read(text: str) -> tuple[dict[str, Merge], str]:
    findings: list[Finding] = []
    return read_merge_rules("merge.yaml", text.encode(), findings), as_text(findings, {"merge.yaml": text})


def test_a_line_is_a_rule_by_the_name_that_rule_files_have_for_the_attribute() -> None:
    found, problems = read("email: own\nFirst-Channel: oldest\nsize: newest\n")
    assert (found, problems) == ({"email": Merge.OWN, "first channel": Merge.OLDEST}, "")
    assert read("") == ({}, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("points: hihgest", 'did you mean "highest"'),
        ("points:\n  - highest", "a word or a text"),
        ("points: highest\nPoints: all", 'is "points", which has a rule already'),
        ("- points", "lines of `word: value`"),
        ("\n".join(f"a{n}: all" for n in range(MOST_RULES + 1)), "more than 50"),
        ("a: &x all", "would name a part of the file"),
    ],
    ids=["misspelt", "a list", "twice", "no lines", "too many", "an anchor"],
)
def test_what_makes_no_sense_is_reported_with_its_place(text: str, said: str) -> None:
    _, problems = read(text)
    assert "merge.yaml:" in problems and said in problems
