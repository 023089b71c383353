from __future__ import annotations

from dataclasses import replace

from proxy.decide.column import column
from proxy.decide.conjunctions import Literal, facts_of
from proxy.decide.membership import ComputedSegment, Membership, names_of, verified_names
from proxy.decide.plan import compile_plan
from proxy.model import IsKnown, OneOf, Segment
from tests.decide.worlds import World

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


def test_segments_that_do_not_ask_about_one_another_are_joined_as_if_gone_through_one_by_one() -> None:
    tangled = joined = 0
    for seed in range(400):
        world = World(seed)
        segments = [segment for segment in world.segments if not asks_for_segments(segment)]
        quick = compile_plan(world.rules, segments).membership
        slow = replace(quick)
        object.__setattr__(slow, "independent", None)
        assert quick.independent is not None
        tangled += sum(segment.residual is not None for segment in quick.segments)
        for _ in range(20):
            context = world.context()
            own_bits = world.random.getrandbits(200) & quick.segment_bits
            asked = own_bits, context.attributes.get("segment"), context.unverified
            assert quick.bits(asked) == slow.bits(asked), f"seed {seed}: {asked}"
            joined += quick.bits(asked) != quick.bits((0, *asked[1:]))
    assert tangled > 10 and joined > 100


def asks_for_segments(segment: Segment) -> bool:
    return any(fact.attribute == "segment" for fact in facts_of(segment.condition))


def test_where_segments_ask_about_one_another_they_do_not_stand_apart() -> None:
    assert (MEMBERSHIP.independent, MEMBERSHIP.depended_on) == (None, {"Buyers"})
    any_of_them = Literal("segment", IsKnown())
    anybody = replace(MEMBERSHIP, column=column([{any_of_them: 0b0010, VIP: 0b0100}], 0b1111))
    assert (anybody.independent, anybody.depended_on) == (None, {"Buyers", "VIP"})
    assert replace(MEMBERSHIP, column=column([{VIP: 0b0100}], 0b1111)).independent is not None
