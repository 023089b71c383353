"""Who is in the segments of an outside system, whatever was said in which order."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audience.outside import ENTERED, LEFT, MOST_OUTSIDE, memberships_after, segments_of
from proxy.model import Arrival, Event, Membership


def said(at: float, kind: str, name: str) -> Arrival:
    return Arrival("anna", Event(at, f"cdp:{at:g}", kind, name))


def known(*arrivals: Arrival) -> dict[str, Membership]:
    start: dict[str, Membership] = {}
    return dict(reduce(memberships_after, arrivals, start))


@pytest.mark.parametrize(
    ("arrivals", "listed", "imported_at", "names"),
    [
        ([said(1, ENTERED, "VIP")], [], 0, {"VIP"}),
        ([said(1, ENTERED, "VIP"), said(2, LEFT, "vip")], [], 0, set()),
        ([said(2, LEFT, "VIP"), said(1, ENTERED, "VIP")], [], 0, set()),
        ([said(1, ENTERED, "VIP")], ["Wholesale"], 5, {"VIP", "Wholesale"}),
        ([said(1, LEFT, "Wholesale")], ["Wholesale"], 5, {"Wholesale"}),
        ([said(9, LEFT, "wholesale")], ["Wholesale"], 5, set()),
        ([said(9, ENTERED, "wholesale")], ["Wholesale"], 5, {"wholesale"}),
    ],
    ids=["entered", "left", "late", "beside an import", "listed since", "left since", "once"],
)
def test_the_latest_word_on_each_counts(
    arrivals: list[Arrival], listed: list[str], imported_at: float, names: set[str]
) -> None:
    assert segments_of(listed, (imported_at, "import:1"), known(*arrivals)) == names


def test_of_very_many_the_newest_are_known() -> None:
    many = [said(float(number), ENTERED, f"s{number}") for number in range(MOST_OUTSIDE + 5)]
    assert known(*many) == known(*many[::-1])
    assert len(known(*many)) == MOST_OUTSIDE and "s4" not in known(*many)


NAMES = st.sampled_from(["VIP", "vip", "B"])
SAID = st.lists(
    st.builds(said, st.integers(0, 20).map(float), st.sampled_from([ENTERED, LEFT]), NAMES),
    max_size=8,
    unique_by=lambda arrival: arrival.event.id,
)


@given(SAID, st.randoms(use_true_random=False))
def test_any_order_and_any_repeats_come_to_the_same(arrivals: list[Arrival], chance: object) -> None:
    shuffled = arrivals + arrivals[::2]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert known(*shuffled) == known(*arrivals)
