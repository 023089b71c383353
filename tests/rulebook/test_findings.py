"""Every finding is in the table, and the table's examples are true."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path

import pytest

from proxy.model import View
from proxy.rulebook.finding_kinds import FindingKind
from proxy.rulebook.findings import FINDINGS
from proxy.rulebook.lints import Site
from tests.rulebook.conftest import Publish

SITE = Site(
    1_795_600_000.0, [View(1_795_600_000.0 - age, "v", {"home.hero": ""}, {"orders": 3.0}) for age in range(1_000)]
)
PROXY = Path(__file__).parents[2] / "proxy"


@pytest.mark.parametrize("kind", FINDINGS, ids=lambda kind: kind.code)
def test_the_wrong_example_gives_the_finding_and_the_right_one_is_clean(kind: FindingKind, publish: Publish) -> None:
    publish = partial(publish, site=SITE) if kind.code.startswith("L") else publish
    found = publish(kind.wrong, kind.file).findings
    assert {finding.code for finding in found} == {kind.code}, "what `wrong` of its row gives"
    assert all(finding.help and finding.place.line for finding in found), "each finding needs a help and a line"
    assert publish(kind.right, kind.file).findings == [], "what `right` of its row gives"
    assert kind.title and kind.explanation


def test_every_code_that_is_given_is_in_the_table() -> None:
    given = {
        node.args[0].value
        for part in ("conditions", "rulebook")
        for path in (PROXY / part).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    codes = [kind.code for kind in FINDINGS]
    assert given - set(codes) == set(), "need a row in a table of findings"
    assert len(given) > 10
    assert codes == sorted(set(codes), key=_in_table), "a row stands out of order"


def _in_table(code: str) -> tuple[int, int]:
    return "YRL".index(code[0]), int(code[1:])
