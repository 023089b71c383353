"""Chance without dice: a visitor and a seed give a bucket, always the same one, here and in any other language.

    seed number   murmur3_32 of the seed's UTF-8 bytes, seeded with 0
    hash          murmur3_32 of the key's UTF-8 bytes, seeded with the seed number
    bucket        (hash * 10000) >> 32, so 0 to 9999: a bucket is 0.01 % of the visitors

All three are unsigned integers, nothing is rounded. Each experiment, rollout, group and holdout has a seed of its own,
so that who is in one says nothing of who is in another. `docs/buckets.md` tells the same to who rebuilds it, and
`tests/cases/buckets.json` holds examples to check a rebuilt one by.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from mmh3 import mmh3_32_uintdigest

BUCKETS = 10_000
EXPERIMENT, ROLLOUT, GROUP, HOLDOUT = "experiment:", "rollout:", "group:", "holdout:"
"""What a seed begins with; a name follows."""


def bucket(seed: str, key: str) -> int:
    """The bucket of whoever `key` names, 0 to 9999."""
    return bucket_by(seed_number(seed), key)


def seed_number(seed: str) -> int:
    """The seed as the number that `bucket_by` takes, calculated once for a seed that is used often."""
    return mmh3_32_uintdigest(seed.encode("utf-8", "replace"), 0)


def bucket_by(number: int, key: str) -> int:
    """The bucket of whoever `key` names, by the number of a seed."""
    return mmh3_32_uintdigest(key.encode("utf-8", "replace"), number) * BUCKETS >> 32


def bounds(shares: Iterable[int]) -> tuple[int, ...]:
    """The ends of adjacent shares from bucket 0: for each, the first bucket after it."""
    return tuple(accumulate(shares))


def percent(buckets: int) -> str:
    """A number of buckets as an editor reads it: `5 %`, `12.34 %`."""
    return f"{buckets / 100:.2f}".rstrip("0").rstrip(".") + " %"
