from __future__ import annotations

from dataclasses import replace

from proxy.model import AllOf, Between, Cap, Draw, Fact, Measure, OneOf, Reading
from proxy.visitors.asked import Asked
from tests.wire.site import NOON, in_segment, published, shown


def test_what_the_request_says_is_told_from_what_is_the_visitors() -> None:
    dutch = Fact("language", OneOf(frozenset({"nl"})))
    red = Fact("refinement.colour", OneOf(frozenset({"red"})))
    new = Fact("visitor", OneOf(frozenset({"new"})))
    publication = published(
        shown("Hello {name|you}", when=AllOf((dutch, red, new))), shown("VIPs", when=in_segment("vip"), order=1)
    )
    asked = Asked.by(publication, ("home.hero",))
    assert (asked.of_request, asked.of_visitor) == (("language", "refinement.colour"), ("name", "segment", "visitor"))
    assert (asked.needs_profile, asked.tells_visitors_apart, asked.needs_history) == (True, False, False)


def test_other_slots_ask_nothing_here() -> None:
    publication = published(shown("VIPs", "other.slot", when=in_segment("vip")))
    assert Asked.by(publication, ("home.hero",)) == Asked((), (), (), needs_profile=False, tells_visitors_apart=False)


def test_caps_are_read_off_the_history() -> None:
    rule, title = shown("Now and then")
    caps = tuple(Cap(f"cap {n}", Measure(Reading.COUNT, ("banner shown",)), n + 1.0) for n in range(30))
    asked = Asked.by(published((replace(rule, caps=caps), title)), ("home.hero",))
    assert (asked.needs_profile, asked.needs_history, asked.tells_visitors_apart) == (True, True, False)
    assert set(asked.caps) == {*caps} and not asked.reads_more
    assert not Asked.by(published((replace(rule, caps=caps), title)), ("other.slot",)).caps


def test_what_else_is_read_off_the_history_is_told_from_caps() -> None:
    asked = Asked.by(published(shown("Again", when=Fact("orders", Between(low=1.0)))), ("home.hero",))
    assert asked.needs_history and asked.reads_more


def test_chance_asks_who_it_is_and_no_history() -> None:
    rule, title = shown("Half of them")
    half = replace(rule, draws=(Draw("half", ((NOON, 5_000),)),))
    asked = Asked.by(published((half, title)), ("home.hero",))
    assert (asked.needs_profile, asked.needs_history, asked.tells_visitors_apart, len(asked.lots)) == (
        True, False, False, 1,
    )  # fmt: skip
