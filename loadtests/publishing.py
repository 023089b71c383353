"""What publishing many rules costs a worker, and how long its event loop waits meanwhile.

    python -m loadtests.publishing [--rules 10000] [--rounds 3]

Rules are checked and compiled in a thread, as in a worker. The longest turn of the event loop beside it is told in CPU
time of the process: what the loop waits for is the thread, and any clock on the wall tells of other processes. A thread
that only counts stands beside it: that is what any computing thread makes a loop wait on this machine. Of each the
least of the rounds is told, since what disturbs only adds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from loadtests.language import rule_files
from proxy import garbage
from proxy.rulebook.compile import load
from proxy.turns import TURN_SECONDS

COUNT_SECONDS = 1.0


class Cost(NamedTuple):
    """CPU seconds of one publication, and the longest turns of the event loop in milliseconds: beside it, and beside a
    thread that counts."""

    seconds: float
    publishing_ms: float
    counting_ms: float


def measured(rules: int, rounds: int = 3) -> Cost:
    """What publishing so many rules costs."""
    files = rule_files(rules)
    begun = time.process_time()
    publish(files)
    seconds = time.process_time() - begun
    turns = [[asyncio.run(longest_turn_ms(each)) for each in (partial(publish, files), count)] for _ in range(rounds)]
    publishing, counting = (min(each) for each in zip(*turns, strict=True))
    return Cost(seconds, publishing, counting)


def publish(files: Mapping[str, bytes]) -> None:
    """As a worker does it, and gives it up again at once."""
    with garbage.collector_paused():
        publication = load(files).publication
    if publication is None:
        raise ValueError("the rules for measuring have findings")
    parts = publication.parts
    del publication
    while parts:
        parts.pop()


def count() -> None:
    """Computes for a while."""
    ends = time.thread_time() + COUNT_SECONDS
    while time.thread_time() < ends:
        pass


async def longest_turn_ms(work: Callable[[], None]) -> float:
    """The longest turn of the event loop while something is done in a thread."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    beside = asyncio.create_task(asyncio.to_thread(work))
    longest, last = 0.0, time.process_time()
    while not beside.done():
        await asyncio.sleep(0)
        now = time.process_time()
        longest, last = max(longest, now - last), now
    sys.setswitchinterval(before)
    await beside
    return longest * 1_000


def sentence(rules: int, cost: Cost) -> str:
    """The cost for reading."""
    return (
        f"{rules:,} rules are checked and compiled in {cost.seconds:.1f} s of CPU. The longest turn of the event loop "
        f"meanwhile: {cost.publishing_ms:.1f} ms; beside a thread that only counts: {cost.counting_ms:.1f} ms."
    )


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(sentence(options.rules, measured(options.rules, options.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
