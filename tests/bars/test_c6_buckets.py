"""Buckets are even, and an arm is the same after a login and a restart, in another process and on another channel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from proxy.bucketing import BUCKETS, bucket_by, seed_number
from proxy.decide.engine import decide
from proxy.model import EvaluationContext
from proxy.rulebook.compile import load

IDS = 1_000_000 if os.environ.get("BAR_FULL") else 200_000
AUTUMN = {
    "slots.yaml": "slots: {all.topbar: {}, home.hero: {}}",
    "a.rules.yaml": """
experiments:
  - name: Bar
    slot: all.topbar
    variants:
      - {name: control, share: 50%, show: nothing new}
      - {name: new, share: 50%, show: {banner: {title: New}}}
  - name: Hero
    slot: home.hero
    variants:
      - {name: a, show: nothing new}
      - {name: b, show: {banner: {title: B}}}
      - {name: c, show: {banner: {title: C}}}
""",
}
PRINT_ARMS = (
    "import json, sys; from tests.bars.test_c6_buckets import arms;"
    " print(json.dumps(arms(json.loads(sys.stdin.read()), 'kiosk')))"
)
MAKERS: dict[str, Callable[[Random, int], str]] = {
    "random 128 bits": lambda random, number: f"{random.getrandbits(128):032x}",
    "counted": lambda random, number: str(number),
    "addresses": lambda random, number: f"visitor.{number}@example.org",
}


def arms(ids: list[str], channel: str = "web", *, logged_in: bool = False) -> list[list[str]]:
    """The arms of each visitor in both experiments, from the files alone."""
    publication = load({name: text.encode() for name, text in AUTUMN.items()}).publication
    assert publication is not None
    found = []
    for id in ids:
        key, first_key = (f"customer {id}", id) if logged_in else (id, "")
        context = EvaluationContext(key, 0.0, channel=channel, bucket_key=first_key)
        found.append([decision.arm for decision in decide(publication.plan, context).values()])
    return found


def critical_chi_square(freedom: int) -> float:
    """What chi-square stays below in 99.9 % of the cases, by Wilson and Hilferty."""
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + 3.0902 * spread**0.5) ** 3)


@pytest.mark.bar("C6")
@pytest.mark.parametrize("kind", MAKERS)
def test_visitors_are_spread_evenly_over_buckets(kind: str) -> None:
    random, number = Random(2026), seed_number("experiment:Free shipping bar or return promise")
    make = MAKERS[kind]
    counts = Counter(bucket_by(number, make(random, each)) for each in range(IDS))
    expected = IDS / BUCKETS
    chi_square = sum((counts[each] - expected) ** 2 for each in range(BUCKETS)) / expected
    print(f"\n{IDS:,} ids, {kind}: chi-square {chi_square:,.0f}, below {critical_chi_square(BUCKETS - 1):,.0f}")
    assert chi_square < critical_chi_square(BUCKETS - 1)


@pytest.mark.bar("C6")
def test_arms_outlive_a_login_a_restart_another_process_and_another_channel() -> None:
    random = Random(7)
    ids = [f"{random.getrandbits(128):032x}" for _ in range(2_000)]
    here = arms(ids)
    assert {arm for each in here for arm in each} == {"control", "new", "a", "b", "c"}
    assert arms(ids, "app", logged_in=True) == here
    for hash_seed in ("1", "2"):
        elsewhere = subprocess.run(
            [sys.executable, "-c", PRINT_ARMS],
            input=json.dumps(ids),
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(elsewhere.stdout) == here
