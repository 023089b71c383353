"""Where grades part, as a folder says it."""

from __future__ import annotations

import pytest

from proxy.model import Fact
from tests.rulebook.conftest import Publish

RULE = "rules: [{name: R, slot: home.hero, show: nothing new, when: {recency: at least 4}}]"


def test_a_folder_says_where_its_grades_part(publish: Publish) -> None:
    loaded = publish("rfm: {recency: [10, 20, 30, 40.5], frequency: [2, 3, 5, 9]}\n" + RULE)
    assert loaded.publication is not None, loaded.findings
    condition = loaded.publication.rules[0].condition
    assert isinstance(condition, Fact) and condition.measure
    assert condition.measure.grades == (10, 20, 30, 40.5)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{recncy: [1, 2, 3, 4]}", "R101"),
        ("{recency: 30}", "R104"),
        ("{recency: [1, 2, 3]}", "R304"),
        ("{recency: [1, 3, 2, 4]}", "R304"),
        ("{recency: [1, 2, 3, lots]}", "R303"),
    ],
)
def test_a_mistake_is_reported(line: str, code: str, publish: Publish) -> None:
    assert [finding.code for finding in publish(f"rfm: {line}\n{RULE}").findings] == [code]
