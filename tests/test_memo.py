"""A full memo loses its oldest part, not all of it."""

from __future__ import annotations

import pytest

from proxy.memo import Memo, make_room


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


def test_what_is_told_to_be_large_takes_the_room_of_many() -> None:
    memo: Memo[int, str] = Memo(80)
    for number in range(80):
        memo.put(number, "small", 1)
    memo.put(80, "large", 40)
    assert (list(memo.known)[-1], memo.used_bytes) == (80, 40 + len(memo.known) - 1)
    assert memo.used_bytes <= 80 and next(iter(memo.known)) >= 40


def test_what_is_put_in_again_is_counted_once_and_what_is_dropped_not_at_all() -> None:
    memo: Memo[str, object] = Memo(10)
    for size in (9, 3):
        memo.put("a", None, size)
    memo.put("b", "too large", 11)
    assert (memo.known, memo.used_bytes) == ({"a": None}, 3)
    memo.drop("a")
    memo.drop("a")
    assert (memo.known, memo.used_bytes) == ({}, 0)
