"""Sets that never miss one of theirs, and seldom take another for one."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.visitors.crowd import BITS_EACH, MOST_BITS, Crowd


@given(st.lists(st.text(max_size=64), max_size=300), st.integers(0, 200))
def test_who_is_in_it_is_never_missed_however_many_more_than_there_is_room_for(texts: list[str], room: int) -> None:
    crowd = Crowd(room)
    crowd.add_all(texts)
    assert all(text in crowd for text in texts)


def test_nobody_is_in_an_empty_one() -> None:
    crowd = Crowd(1_000)
    assert not any(f"visitor-{number}" in crowd for number in range(1_000))


@pytest.mark.parametrize("room", [1_000, 6_000])
def test_few_strangers_are_taken_for_one_of_its_own(room: int) -> None:
    random, crowd = Random(5), Crowd(room)
    crowd.add_all(f"{random.getrandbits(128):032x}" for _ in range(room))
    mistaken = sum(f"{random.getrandbits(128):032x}" in crowd for _ in range(10_000))
    assert mistaken < 10_000 / 20


def test_it_says_when_it_is_full_and_counts_nobody_twice() -> None:
    crowd = Crowd(100)
    for _ in range(50):
        crowd.add_all(f"visitor-{number}" for number in range(90))
    assert not crowd.is_full
    crowd.add_all(f"visitor-{number}" for number in range(1_000))
    assert crowd.is_full


def test_it_has_its_most_bytes_however_many_it_is_to_have_room_for() -> None:
    crowd = Crowd(10 * MOST_BITS // BITS_EACH)
    crowd.add("anna")
    assert "anna" in crowd
    assert not crowd.is_full
    assert len(crowd._bits) == MOST_BITS // 8
