from __future__ import annotations

from proxy.decide.column import column
from proxy.decide.conjunctions import Literal
from proxy.decide.membership import ComputedSegment, Membership, names_of, verified_names
from proxy.model import OneOf

# Bit 0 makes Buyers; bit 1 makes VIP of who is in Buyers; bit 2 asks for VIP, bit 3 for a verified VIP.
BUYERS, VIP = (Literal("segment", OneOf(frozenset({name}))) for name in ("Buyers", "VIP"))
MEMBERSHIP = Membership(
    (ComputedSegment("Buyers", 0b0001, None), ComputedSegment("VIP", 0b0010, None)),
    0b0011,
    column([{BUYERS: 0b0010, VIP: 0b0100}], 0b1111),
    column([{VIP: 0b1000}], 0b1111),
)
NOBODY: frozenset[str] = frozenset()


def test_a_segment_may_stand_on_another() -> None:
    assert MEMBERSHIP.bits((0b0011, None, NOBODY)) == 0b1111
    assert MEMBERSHIP.bits((0b0010, None, NOBODY)) == 0b0001
    assert MEMBERSHIP.bits((0b0010, frozenset({"buyers"}), NOBODY)) == 0b1111


def test_an_unverified_segment_counts_only_where_that_is_enough() -> None:
    assert MEMBERSHIP.bits((0, frozenset({"VIP"}), frozenset({"vip"}))) == 0b0101
    assert MEMBERSHIP.bits((0b0010, frozenset({"Buyers"}), frozenset({"buyers"}))) == 0b0111


def test_what_names_no_segments_is_in_none() -> None:
    assert [names_of(named) for named in (None, 3.0, True, "VIP")] == [NOBODY, NOBODY, NOBODY, {"VIP"}]
    assert verified_names(frozenset({"VIP", "Buyers"}), frozenset({"vip"})) == {"Buyers"}
