"""Which word is believed, and that it makes no difference how the words come."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audience.merging import MOST_MEMBERS, Merge, StampedValue, merge_values
from proxy.model import AttributeValue

WORDS = [
    StampedValue((1.0, "a"), "first"),
    StampedValue((2.0, "b"), 7.0, is_own=False),
    StampedValue((3.0, "c"), 3.0),
    StampedValue((4.0, "d"), "last", is_own=False),
]


def of(rule: Merge, words: list[StampedValue]) -> StampedValue:
    found: StampedValue | None = None
    for word in words:
        found = merge_values(rule, word, found)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (Merge.NEWEST, "last"),
        (Merge.OLDEST, "first"),
        (Merge.HIGHEST, 7.0),
        (Merge.LOWEST, 3.0),
        (Merge.ALL, frozenset({"first", "7", "3", "last"})),
        (Merge.OWN, 3.0),
    ],
)
def test_each_rule_believes_its_word_in_whatever_order_they_come(rule: Merge, value: AttributeValue) -> None:
    assert {of(rule, list(order)).value for order in permutations(WORDS)} == {value}


def test_of_yes_and_no_the_yes_is_higher_and_text_counts_where_there_is_no_number() -> None:
    assert of(Merge.HIGHEST, [StampedValue((1.0, "a"), True), StampedValue((2.0, "b"), False)]).value is True
    assert of(Merge.HIGHEST, [StampedValue((1.0, "a"), "gold"), StampedValue((2.0, "b"), "red")]).value == "red"
    assert of(Merge.HIGHEST, [StampedValue((1.0, "a"), float("nan")), StampedValue((2.0, "b"), 1.0)]).value == 1.0


def test_a_set_of_all_is_not_without_end() -> None:
    names = [f"n{number:03d}" for number in range(MOST_MEMBERS + 20)]
    words = [StampedValue((float(place), name), name) for place, name in enumerate(names)]
    assert of(Merge.ALL, words[::-1]).value == of(Merge.ALL, words).value == frozenset(names[:MOST_MEMBERS])
    assert of(Merge.ALL, [StampedValue((1.0, "a"), frozenset(names))]).value == frozenset(names[:MOST_MEMBERS])


VALUES = st.sampled_from(["a", "b", 1.0, 2.0, -3.0, True, False, frozenset({"a", "c"}), frozenset()])
SAID = st.lists(
    st.builds(lambda number, value, is_own: StampedValue((float(number // 2), f"e{number}"), value, is_own),
              st.integers(0, 9), VALUES, st.booleans()),
    min_size=1, max_size=8, unique_by=lambda word: word.stamp,
)  # fmt: skip


@given(st.sampled_from(list(Merge)), SAID, st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_order_any_grouping_and_any_repeats_come_to_the_same(
    rule: Merge, words: list[StampedValue], chance: object, cut: int
) -> None:
    shuffled = words + words[::2]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    parts = [part for part in (shuffled[:cut], shuffled[cut:]) if part]
    assert reduce(lambda one, other: merge_values(rule, one, other), [of(rule, part) for part in parts]) == of(
        rule, words
    )
