from __future__ import annotations

import random
from math import inf

import pytest

from proxy.catalogue.ranking import reordered

ORDER = [f"{n}" for n in range(20)]


def test_shifts_move_and_pins_stand() -> None:
    assert reordered(["a", "b", "c", "d"], {"c": 1.0}, {}) == ["a", "c", "b", "d"]
    assert reordered(["a", "b", "c", "d"], {"c": 2.0}, {}) == ["c", "a", "b", "d"]
    assert reordered(["a", "b", "c", "d"], {"a": -2.0}, {}) == ["b", "c", "a", "d"]
    assert reordered(["a", "b", "c", "d"], {"a": -9.0}, {}) == ["b", "c", "d", "a"]
    assert reordered(["a", "b", "c", "d"], {"c": 9.0}, {1: "d", 3: "a"}) == ["d", "c", "a", "b"]
    assert reordered(["a", "b"], {}, {1: "gone", 9: "a"}) == ["b", "a"]


def test_what_goes_to_the_end_stands_behind_all_others_in_its_order_however_far_and_pins_hold() -> None:
    assert reordered(["a", "b", "c", "d"], {"a": -inf, "b": -inf, "d": -9.0}, {}, largest=1) == ["c", "d", "a", "b"]
    assert reordered(["a", "b", "c", "d"], {"a": 3.0 - inf}, {2: "a"}) == ["b", "a", "c", "d"]


def test_a_card_moves_as_far_as_it_is_told_up_to_the_largest_move() -> None:
    for by, largest, place in ((10.0, 10, 5), (15.0, 20, 0), (15.0, 7, 8), (-4.0, 4, 19), (-3.0, 20, 18)):
        order = reordered(ORDER, {"15": by}, {}, largest=largest)
        assert order.index("15") == place
        assert [id for id in order if id != "15"] == [id for id in ORDER if id != "15"]


@pytest.mark.parametrize("largest", [0, 1, 4, 10])
def test_no_card_moves_further_than_is_allowed(largest: int) -> None:
    dice = random.Random(largest)
    for _ in range(300):
        places = {id: dice.uniform(-60, 60) for id in dice.sample(ORDER, 12)}
        order = reordered(ORDER, places, {}, largest=largest)
        assert sorted(order) == sorted(ORDER)
        assert all(abs(order.index(id) - place) <= largest for place, id in enumerate(ORDER))
