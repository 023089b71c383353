from __future__ import annotations

import pytest

from proxy.serve.backlog import Backlog
from proxy.settings import Settings


@pytest.mark.parametrize(
    ("sizes", "replaced", "is_stuck"),
    [
        ([100, 100, 100], 0, True),
        ([100, 100, 91], 0, True),
        ([100, 100, 90], 0, False),
        ([100, 100, 100], 10, False),
        ([100, 0, 100], 0, False),
        ([0, 0, 0], 0, False),
    ],
    ids=["nothing taken", "too little taken", "enough taken", "enough taken and replaced", "all taken", "never any"],
)
def test_a_client_is_stuck_that_takes_too_little_in_too_long(sizes: list[int], replaced: int, is_stuck: bool) -> None:
    backlog = Backlog(Settings(download_seconds=10, download_bytes=10))
    looks = []
    for now, size in zip((0, 9, 10), sizes, strict=True):
        looks.append(backlog.is_stuck(now, size, next_look=0.5))
        backlog.replaced(replaced)
        replaced = 0
    assert looks == [False, False, is_stuck]


def test_each_stretch_of_time_is_judged_by_itself() -> None:
    backlog = Backlog(Settings(download_seconds=10, download_bytes=10))
    looks = [backlog.is_stuck(now, size, 0.5) for now, size in ((0, 100), (10, 50), (20, 40), (30, 39))]
    assert looks == [False, False, False, True]
