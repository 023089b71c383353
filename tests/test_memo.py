"""A full memo loses its oldest part, not all of it."""

from __future__ import annotations

import pytest

from proxy.memo import make_room


@pytest.mark.parametrize(("held", "left"), [(0, 0), (79, 79), (80, 70)])
def test_an_eighth_makes_room_when_it_is_full(held: int, left: int) -> None:
    memo = dict.fromkeys(range(held))
    make_room(memo, 80)
    assert list(memo) == list(range(held - left, held))


def test_it_never_holds_more_and_never_much_less() -> None:
    memo: dict[int, None] = {}
    sizes = []
    for number in range(10_000):
        make_room(memo, 80)
        memo[number] = None
        sizes.append(len(memo))
    assert (min(sizes[80:]), max(sizes)) == (71, 80)


def test_the_smallest_memo_holds_one() -> None:
    memo = {"a": 1}
    make_room(memo, 1)
    assert memo == {}
