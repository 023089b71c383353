"""What sets members apart."""

from __future__ import annotations

import pytest

from proxy.audience.drivers import drivers


def visitors(*rows: tuple[int, str]) -> list[frozenset[str]]:
    return [frozenset(features.split("|")) - {""} for count, features in rows for _ in range(count)]


def test_what_members_have_more_often_sets_them_apart_the_surest_first() -> None:
    found = drivers(
        visitors((60, "trail|north"), (40, "north"), (10, "trail|north"), (290, "south")), [True] * 100 + [False] * 300
    )
    assert [one.feature for one in found] == ["north", "trail"]
    assert (found[1].inside, found[1].outside) == (0.6, pytest.approx(1 / 30))
    assert found[1].lift == pytest.approx(17.2, rel=0.05)
    assert 1 < found[1].low < found[1].lift < found[1].high


def test_what_is_as_common_among_others_and_what_few_have_says_nothing() -> None:
    found = drivers(visitors((50, "trail"), (50, ""), (150, "trail"), (150, "")), [True] * 100 + [False] * 300)
    assert found == []
    assert drivers(visitors((4, "rare"), (96, ""), (300, "")), [True] * 100 + [False] * 300) == []


def test_without_members_or_without_others_there_is_nothing_to_compare() -> None:
    assert drivers(visitors((9, "a")), [True] * 9) == drivers(visitors((9, "a")), [False] * 9) == []
