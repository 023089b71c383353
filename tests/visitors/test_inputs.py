from __future__ import annotations

from dataclasses import replace

from proxy.conditions.derived import NAME, derived_name
from proxy.model import AllOf, Arm, Between, Cap, Draw, Experiment, Fact, Measure, OneOf, Reading
from proxy.rulebook.compile import Publication
from proxy.visitors.inputs import Inputs
from tests.wire.site import NOON, in_segment, published, shown


def test_what_the_request_says_is_told_from_what_is_the_visitors() -> None:
    dutch = Fact("language", OneOf(frozenset({"nl"})))
    red = Fact("refinement.colour", OneOf(frozenset({"red"})))
    new = Fact("visitor", OneOf(frozenset({"new"})))
    publication = published(
        shown("Hello {name|you}", when=AllOf((dutch, red, new))), shown("VIPs", when=in_segment("vip"), order=1)
    )
    inputs = Inputs.of(publication, ("home.hero",))
    assert (inputs.of_request, inputs.of_visitor) == (("language", "refinement.colour"), ("name", "segment", "visitor"))
    assert (inputs.needs_profile, inputs.tells_visitors_apart, inputs.needs_history) == (True, False, False)


def test_other_slots_ask_nothing_here() -> None:
    publication = published(shown("VIPs", "other.slot", when=in_segment("vip")))
    assert Inputs.of(publication, ("home.hero",)) == Inputs((), (), (), needs_profile=False, tells_visitors_apart=False)


def test_caps_are_read_off_the_history() -> None:
    rule, title = shown("Now and then")
    caps = tuple(Cap(f"cap {n}", Measure(Reading.COUNT, ("banner shown",)), n + 1.0) for n in range(30))
    inputs = Inputs.of(published((replace(rule, caps=caps), title)), ("home.hero",))
    assert (inputs.needs_profile, inputs.needs_history, inputs.tells_visitors_apart) == (True, True, False)
    assert set(inputs.caps) == {*caps}
    assert not Inputs.of(published((replace(rule, caps=caps), title)), ("other.slot",)).caps


def test_what_else_is_read_off_the_history_is_told_from_caps() -> None:
    inputs = Inputs.of(published(shown("Again", when=Fact("orders", Between(low=1.0)))), ("home.hero",))
    assert inputs.needs_history and isinstance(inputs.sources[0], int)


def test_chance_asks_who_it_is_and_no_history() -> None:
    rule, title = shown("Half of them")
    half = replace(rule, draws=(Draw("half", ((NOON, 5_000),)),))
    inputs = Inputs.of(published((half, title)), ("home.hero",))
    assert (inputs.needs_profile, inputs.needs_history, inputs.tells_visitors_apart, len(inputs.splits)) == (
        True, False, False, 1,
    )  # fmt: skip


IN_BERN = Fact(derived_name("city", NAME), OneOf(frozenset({"bern"})))
DUTCH = Fact("language", OneOf(frozenset({"nl"})))


def test_a_place_is_the_requests_where_it_tells_it_and_else_the_visitors() -> None:
    publication = published(shown("In Bern", when=AllOf((IN_BERN, DUTCH))))
    told = Inputs.of(publication, ("home.hero",), {"country", "city"})
    assert (told.of_request, told.of_place, told.of_visitor) == (("language",), ("city",), ())
    assert told.attributes == ("language", "city") and not told.needs_profile
    own = Inputs.of(publication, ("home.hero",), {"country"})
    assert (own.of_place, own.of_visitor, own.needs_profile) == ((), ("city",), True)


def of_cities(publication: Publication) -> list[object]:
    inputs = Inputs.of(publication, ("home.hero",), {"city"})
    return [inputs.as_they_matter((name,)) for name in ("Bern", "Oslo", "Rome")]


def test_a_place_matters_by_what_it_makes_possible() -> None:
    bern, oslo, rome = of_cities(published(shown("In Bern", when=IN_BERN)))
    assert bern != oslo == rome
    assert len({*of_cities(published(shown("In {city|town}", when=IN_BERN)))}) == 3, "its name is shown"
    rule, title = shown("In Bern", when=IN_BERN)
    by_city = replace(rule, experiment=Experiment((Arm("one", 5_000), Arm("two", 5_000)), split_by="city"))
    assert len({*of_cities(published((by_city, title)))}) == 3, "its name draws"
    bern, oslo, rome = of_cities(published(shown("In Bern", when=Fact("city", OneOf(frozenset({"bern"}))))))
    assert bern != oslo == rome, "as rules for programs write it"
