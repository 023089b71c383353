from __future__ import annotations

from math import inf
from typing import Any

import pytest

from proxy.audience.traits import TRAIT_MEASURES
from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.http.message import Request
from proxy.metrics import Tally
from proxy.model import Between, Event, Fact, Measure, OneOf, Profile, Reading, Visitor
from proxy.rulebook.compile import Publication
from proxy.visitors import equivalence
from proxy.visitors.context import Seen, context_from
from proxy.visitors.equivalence import MOST_NUMBERED, MOST_SPLITS, NO_NUMBER, EquivalenceClasses
from proxy.visitors.inputs import Inputs
from proxy.visitors.known import NOBODY, Known
from tests.decide.worlds import MOMENTS, SLOTS, World
from tests.wire.site import NOON, in_segment, published, shown

NEW, VIP = Visitor("anna", NOON - 60), Visitor("bert", NOON - 86_400, frozenset({"vip"}))
TOWN = Fact("town", OneOf(frozenset({"Oslo"})))
NEWNESS = Fact("visitor", OneOf(frozenset({"new"})))


def classes(*conditions: Fact, found: Tally | None = None) -> EquivalenceClasses:
    rules = published(*(shown("Hello", when=condition, order=order) for order, condition in enumerate(conditions)))
    return EquivalenceClasses(Inputs.of(rules, ("home.hero",)), found or Tally(), rules.measures)


def number(among: EquivalenceClasses, visitor: Visitor, profile: Profile | None = None, now: float = NOON) -> int:
    return among.number(among.values(visitor, profile, now), visitor, profile, now)


def test_visitors_equal_in_all_asked_values_have_one_class() -> None:
    among = classes(in_segment("vip"), TOWN)
    oslo = Profile("", {"town": "Oslo", "shoes": 42.0})
    assert number(among, NEW, oslo) == number(among, Visitor("cleo"), Profile("", {"town": "Oslo"}))
    of = {number(among, visitor, profile) for visitor in (NEW, VIP) for profile in (oslo, None)}
    assert len(of) == 4


@pytest.mark.parametrize("values", [(1.0, True), (1, 1.0), ("1", 1)])
def test_what_a_dict_takes_for_one_is_told_apart(values: tuple[Any, Any]) -> None:
    among = classes(TOWN)
    assert len({number(among, NEW, Profile("", {"town": value})) for value in values}) == 2


def test_segments_that_nobody_signed_are_told_apart() -> None:
    among = classes(in_segment("vip"))
    assert number(among, VIP) != number(among, Visitor("cleo", unverified=frozenset({"vip"})))


def test_visitors_with_unusual_state_have_no_class() -> None:
    odd: Any = ["Oslo"]
    assert number(classes(TOWN), NEW, Profile("", {"town": odd})) == NO_NUMBER


def test_numbers_that_were_forgotten_are_not_given_out_again() -> None:
    among = classes(TOWN)
    towns = [Profile("", {"town": str(town)}) for town in range(MOST_NUMBERED + 1)]
    assert len({number(among, NEW, town) for town in [*towns, towns[0]]}) == MOST_NUMBERED + 2


@pytest.mark.parametrize(
    ("inputs", "visitor", "until"),
    [(NEWNESS, NEW, NEW.first_seen_at + 1_800), (NEWNESS, VIP, inf), (TOWN, NEW, inf)],
)
def test_a_number_that_lasts_is_the_visitors_until_they_are_new_no_more(
    inputs: Fact, visitor: Visitor, until: float
) -> None:
    among = classes(inputs)
    assert among.is_lasting and among.holds_until(visitor, NOBODY, NOON) == until
    if until < inf:
        assert number(among, visitor) == number(among, visitor, now=until - 0.001) != number(among, visitor, now=until)


def bought(*, low: float) -> Fact:
    measure = Measure(Reading.COUNT, ("order completed",), 7 * 86_400)
    return Fact("bought: within 7 days", Between(low=low), measure=measure)


def ordered(*ats: float) -> Profile:
    return Profile("bert", history=tuple(Event(at, f"web:{at}", "order completed") for at in ats))


def test_what_is_read_off_what_visitors_do_lasts_until_time_changes_it() -> None:
    among = classes(bought(low=1.0))
    known = Known(NOON, ordered(NOON - 86_400), [])
    before = number(among, VIP, known.profile)
    until = among.holds_until(VIP, known, NOON)
    assert not among.is_lasting and until == NOON + 6 * 86_400
    assert (
        number(among, VIP, known.profile, now=until - 0.001) == before != number(among, VIP, known.profile, now=until)
    )


def test_counts_above_every_threshold_fall_into_one_class() -> None:
    among = classes(bought(low=2.0))
    once, twice, thrice = (number(among, VIP, ordered(*range(int(NOON) - many, int(NOON)))) for many in (1, 2, 3))
    assert once != twice == thrice


def test_a_number_that_is_shown_tells_those_apart_who_have_another() -> None:
    rule = shown("Your {orders|first} orders", when=Fact("orders", Between(low=2.0), measure=TRAIT_MEASURES["orders"]))
    publication = published(rule)
    among = EquivalenceClasses(Inputs.of(publication, ("home.hero",)), Tally(), publication.measures)
    of = {number(among, VIP, ordered(*range(int(NOON) - many, int(NOON)))) for many in (2, 3)}
    assert len(of) == 2


def test_only_profiles_that_are_asked_for_are_counted() -> None:
    found = Tally()
    assert classes(TOWN, found=found).found is found
    assert classes(NEWNESS, found=found).found is not found


# -- chance and caps


ANY_PAGE = Request(b"GET", b"/", b"", b"shop.example", ())


def somebody(world: World, now: float) -> tuple[Visitor, Profile | None]:
    """A visitor, who may have been shown some banners lately."""
    random, context, names = world.random, world.context(), ("one", "two", "three")
    shown = [
        Event(now - random.randrange(9_000), str(number), "banner shown", random.choice(names))
        for number in range(random.randrange(7))
    ]
    known = Profile("", dict(context.attributes), history=tuple(sorted(shown)), bucket_key=context.bucket_key)
    profile = random.choice((None, known, Profile("", bucket_key=context.bucket_key)))
    return Visitor(context.targeting_key, 0.0, random.choice((frozenset(), frozenset({"VIP"})))), profile


@pytest.mark.parametrize("most_splits", [0, MOST_SPLITS, 99])
def test_visitors_of_one_class_get_the_same_decisions_chance_and_caps_included(
    most_splits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equivalence, "MOST_SPLITS", most_splits)
    shared = guarded = capped = 0
    for seed in range(160):
        world = World(seed, with_chance=True)
        plan = compile_plan(world.rules, world.segments, world.holdouts)
        publication, first = (
            Publication("v1", plan, {}, (), tuple(world.rules), tuple(world.segments), ()),
            world.context(),
        )
        inputs = Inputs.of(publication, SLOTS)
        if inputs.tells_visitors_apart:
            continue
        guarded += bool(inputs.splits or inputs.caps)
        among, decided, first = (
            EquivalenceClasses(inputs, Tally(), publication.measures),
            dict[object, object](),
            world.context(),
        )
        said = tuple(first.attributes.get(name) for name in inputs.of_request)
        for _ in range(60):
            now = world.random.choice(MOMENTS)
            visitor, profile = somebody(world, now)
            values = among.values(visitor, profile, now)
            seen = Seen(ANY_PAGE, visitor, now, b"")
            here = decide(plan, context_from(seen, profile, inputs.attributes, said + values), SLOTS)
            mine, time = among.number(values, visitor, profile, now), plan.clock.period(now)[0]
            if mine != NO_NUMBER:
                shared += (mine, time) in decided
                assert decided.setdefault((mine, time), here) == here, f"seed {seed}: {now} {visitor} {profile}"
            capped += any(decision.detail == "capped" for decision in here.values())
    assert guarded > 20 and shared > 200 and capped > 20
