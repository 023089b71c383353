from __future__ import annotations

from dataclasses import replace

from proxy.model import AllOf, Cap, Fact, Measure, OneOf, Reading
from proxy.visitors.asked import Asked
from tests.wire.site import in_segment, published, shown


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


def test_chance_and_caps_tell_visitors_apart() -> None:
    rule, title = shown("Now and then")
    capped = published((replace(rule, caps=(Cap("once", Measure(Reading.COUNT, ("banner shown",)), 1),)), title))
    assert Asked.by(capped, ("home.hero",)).tells_visitors_apart
    assert Asked.by(capped, ("home.hero",)).needs_history
    assert not Asked.by(capped, ("other.slot",)).tells_visitors_apart
