"""Buckets, held against golden examples, an implementation of the documented words alone, and chance itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from proxy.bucketing import BUCKETS, bounds, bucket, percent

GOLDEN = json.loads((Path(__file__).parent / "cases" / "buckets.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", GOLDEN, ids=lambda example: f"{example['seed']} {example['key'][:20]}")
def test_golden_examples(example: dict[str, str | int]) -> None:
    seed, key = str(example["seed"]), str(example["key"])
    assert bucket(seed, key) == example["bucket"]
    number = murmur3_32(seed.encode(), 0)
    assert (number, murmur3_32(key.encode(), number)) == (example["seed number"], example["hash"])


def test_buckets_are_those_that_the_docs_describe() -> None:
    for number in range(2_000):
        seed, key = f"experiment:{number % 7}", f"visitor {number} ø"
        assert bucket(seed, key) == murmur3_32(key.encode(), murmur3_32(seed.encode(), 0)) * 10_000 >> 32


@pytest.mark.parametrize(
    ("text", "seed", "hash"),
    [("", 0, 0), ("", 1, 0x514E28B7), ("hello", 0, 0x248BFA47), ("hello, world", 0, 0x149BBB7F)],
)
def test_the_implementation_of_these_tests_is_murmur3(text: str, seed: int, hash: int) -> None:
    assert murmur3_32(text.encode(), seed) == hash


def test_arms_lie_side_by_side_and_who_is_in_one_experiment_says_nothing_of_another() -> None:
    assert bounds([5_000, 2_500, 2_500]) == (5_000, 7_500, 10_000)
    pairs = Counter(
        (bucket("experiment:one", str(number)) * 4 // BUCKETS, bucket("experiment:two", str(number)) * 4 // BUCKETS)
        for number in range(64_000)
    )
    assert len(pairs) == 16
    assert sum((count - 4_000) ** 2 / 4_000 for count in pairs.values()) < 37.7  # chi-square, 15 df, 99.9 %


def test_a_key_that_is_no_text_for_utf_8_has_a_bucket_all_the_same() -> None:
    assert 0 <= bucket("experiment:one", "\ud800") < BUCKETS


def test_a_share_reads_as_percent() -> None:
    assert [percent(buckets) for buckets in (500, 1_234, 1, 10_000, 0)] == ["5 %", "12.34 %", "0.01 %", "100 %", "0 %"]


def murmur3_32(data: bytes, seed: int) -> int:
    """MurmurHash3_x86_32, from its published description."""
    mask, hash = 0xFFFFFFFF, seed
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        hash ^= _mixed(int.from_bytes(data[start : start + 4], "little"))
        hash = (hash << 13 | hash >> 19) & mask
        hash = (hash * 5 + 0xE6546B64) & mask
    hash ^= _mixed(int.from_bytes(data[whole:], "little"))
    hash ^= len(data)
    hash = (hash ^ hash >> 16) * 0x85EBCA6B & mask
    hash = (hash ^ hash >> 13) * 0xC2B2AE35 & mask
    return hash ^ hash >> 16


def _mixed(block: int) -> int:
    block = block * 0xCC9E2D51 & 0xFFFFFFFF
    block = (block << 15 | block >> 17) & 0xFFFFFFFF
    return block * 0x1B873593 & 0xFFFFFFFF
