from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.conditions.clocks import CLOCKS
from proxy.decide.engine import decide
from proxy.model import EvaluationContext
from tests.rulebook.conftest import Publish, publish

__all__ = ["publish"]

RULE = "timezone: Europe/Amsterdam\nrules:\n  - {name: A, slot: home.hero, when: {%s}, show: {banner: promo}}\n"


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("day of the month: 25", [25]),
        ("day of the month: at least 29", [29, 30]),
        ("day of the month: between 1 and 3", [1, 2, 3]),
        ("days left in the month: 0", [30]),
        ("days left in the month: at most 2", [28, 29, 30]),
        ("weekday: friday, days left in the month: less than 7", [27]),
    ],
)
def test_the_days_of_a_month_are_those_of_the_files_clocks(line: str, days: list[int], publish: Publish) -> None:
    loaded = publish(RULE % line)
    assert loaded.publication is not None, loaded.findings
    shown = []
    for day in range(1, 31):
        for hour in (0, 12, 22):  # 23:00 on the clocks of Amsterdam
            now = datetime(2026, 11, day, hour, tzinfo=UTC).timestamp()
            if decide(loaded.publication.plan, EvaluationContext(now=now))["home.hero"].rule:
                shown.append(day)
    assert shown == [day for day in days for _ in range(3)]


def test_every_phrase_of_the_time_says_whose_clocks_it_reads() -> None:
    assert all("zone" in phrase.help for phrase in CLOCKS)
