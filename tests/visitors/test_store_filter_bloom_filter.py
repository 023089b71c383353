"""Sets that never miss one of theirs, and seldom take another for one."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.visitors.store_filter import BITS_EACH, MOST_BITS, BloomFilter


@given(st.lists(st.text(max_size=64), max_size=300), st.integers(0, 200))
def test_an_overfull_filter_has_no_false_negatives(texts: list[str], room: int) -> None:
    bloom_filter = BloomFilter(room)
    bloom_filter.add_all(texts)
    assert all(text in bloom_filter for text in texts)


def test_an_empty_filter_holds_no_id() -> None:
    bloom_filter = BloomFilter(1_000)
    assert not any(f"visitor-{number}" in bloom_filter for number in range(1_000))


@pytest.mark.parametrize("room", [1_000, 6_000])
def test_few_strangers_are_taken_for_one_of_its_own(room: int) -> None:
    random, bloom_filter = Random(5), BloomFilter(room)
    bloom_filter.add_all(f"{random.getrandbits(128):032x}" for _ in range(room))
    mistaken = sum(f"{random.getrandbits(128):032x}" in bloom_filter for _ in range(10_000))
    assert mistaken < 10_000 / 20


def test_it_says_when_it_is_full_and_counts_nobody_twice() -> None:
    bloom_filter = BloomFilter(100)
    for _ in range(50):
        bloom_filter.add_all(f"visitor-{number}" for number in range(90))
    assert not bloom_filter.is_full
    bloom_filter.add_all(f"visitor-{number}" for number in range(1_000))
    assert bloom_filter.is_full


def test_it_has_its_most_bytes_however_many_it_is_to_have_room_for() -> None:
    bloom_filter = BloomFilter(10 * MOST_BITS // BITS_EACH)
    bloom_filter.add("anna")
    assert "anna" in bloom_filter
    assert not bloom_filter.is_full
    assert len(bloom_filter._bits) == MOST_BITS // 8
