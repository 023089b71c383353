from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proxy.audience.consent import LEVEL
from proxy.audience.merging import Merge
from proxy.events import fold as folding
from proxy.events.fold import IMPORTED, fold, merged
from proxy.events.types import MOST, EventClass, class_of, classes_of
from proxy.model import Arrival, Event, Profile
from proxy.stores.record import packed, unpacked


def viewed(at: float, id: str, kind: str = "product viewed") -> Event:
    return Event(at, id, kind, "/p")


def told(at: float, id: str, received_at: float = 0.0, **traits: str | float | list[str]) -> Arrival:
    return Arrival("anna", Event(at, id, "identified"), "web", received_at, dict(traits))


def imported(at: float, number: int, *segments: str, **traits: str | float | list[str]) -> Arrival:
    return Arrival("anna", Event(at, f"import:{number:06d}", IMPORTED), "import", at, dict(traits), segments)


def test_an_event_enters_the_history_at_its_time() -> None:
    early, late = viewed(1.0, "b"), viewed(2.0, "a")
    profile = fold(Profile("anna", history=(late,)), [Arrival("anna", early, "web", 9.0)])
    assert profile == Profile("anna", updated_at=9.0, history=(early, late))


def test_the_same_event_twice_is_once() -> None:
    once = fold(None, [Arrival("anna", viewed(1.0, "a"))])
    assert fold(once, [Arrival("anna", viewed(1.0, "a"))] * 2) == once


def test_what_is_not_remembered_is_not_in_the_history() -> None:
    assert fold(None, [told(1.0, "a", size="40")]).history == ()


def test_of_each_class_the_newest_are_kept() -> None:
    most = MOST[EventClass.EXPOSURE]
    shown = [viewed(float(number), f"s{number:04d}", "banner shown") for number in range(most + 5)]
    order = viewed(0.5, "order", "order completed")
    assert merged([], [*shown, order]) == (order, *shown[5:])


def test_a_page_view_that_names_banners_is_kept_with_the_newest_of_either_class() -> None:
    pages = [Event(float(number), f"p{number}", "page viewed", "/", shown=("Sale",)) for number in range(300)]
    actions = [viewed(1_000.0 + number, f"d{number:03d}") for number in range(MOST[EventClass.ACTION])]
    assert merged([], [*pages, *actions]) == (*pages[-MOST[EventClass.EXPOSURE] :], *actions)
    banners = [
        viewed(2_000.0 + number, f"s{number:03d}", "banner shown") for number in range(MOST[EventClass.EXPOSURE])
    ]
    assert merged([], [*pages, *banners]) == (*pages, *banners)


def newest(events: Sequence[Event]) -> list[Event]:
    """The same, by looking at each in turn."""
    left, kept = dict(MOST), []
    for event in reversed(events):
        of = classes_of(event)
        if any(left[one] > 0 for one in of):
            kept.append(event)
        for one in of:
            left[one] -= 1
    return kept[::-1]


def test_whatever_the_mixture_what_is_kept_is_the_newest_of_each_class() -> None:
    random = Random(5)
    kinds = ["page viewed", "product viewed", "order completed", "banner shown", "banner clicked"]
    for _ in range(60):
        weights, share = [random.random() ** 3 for _ in kinds], random.random()
        drawn = random.choices(kinds, weights, k=random.randrange(240, 1_500))
        events = [
            Event(float(at), f"{at}", kind, shown=("Sale",) if random.random() < share else ())
            for at, kind in enumerate(drawn)
        ]
        kept = merged([], events)
        assert list(kept) == newest(events)
        assert merged(kept, events[-1:]) == kept
        later = Event(9_999.0, "later", "page viewed", shown=("Sale",))
        assert merged(kept, [later], of_one_log=True) == merged(kept, [later]) == tuple(newest([*events, later]))


def test_the_latest_word_on_an_attribute_counts() -> None:
    first, second = told(1.0, "a", size="40"), told(2.0, "a", size="41")
    assert fold(None, [first, second]).attributes == fold(None, [second, first]).attributes == {"size": "41"}


def test_an_import_is_the_latest_word_on_all_attributes() -> None:
    before, after = told(1.0, "a", size="40", town="Gent"), told(3.0, "b", town="Brugge")
    crm = imported(2.0, 1, "VIP", orders=4.0)
    profile = fold(None, [crm, after, before])
    assert profile.attributes == {"orders": 4.0, "town": "Brugge"}
    assert profile.segments == {"VIP"}


def test_an_import_that_says_nothing_of_consent_takes_none_back() -> None:
    refused, crm = told(1.0, "a", **{LEVEL: "none"}, size="40"), imported(2.0, 1, orders=4.0)
    more = [told(float(number + 3), "e", **{f"a{number:03d}": 1.0}) for number in range(folding.MAX_ATTRIBUTES)]
    for said in ([refused, crm], [crm, refused], [*more, crm, refused]):
        attributes = fold(None, said).attributes
        assert attributes[LEVEL] == "none" and attributes["orders"] == 4.0 and "size" not in attributes
    assert fold(None, [refused, imported(2.0, 1, **{LEVEL: "profile"})]).attributes[LEVEL] == "profile"


def test_what_was_told_longest_ago_is_forgotten_when_it_is_too_much() -> None:
    many = [told(float(number + 1), "e", **{f"a{number:03d}": 1.0}) for number in range(folding.MAX_ATTRIBUTES + 1)]
    crm = imported(0.5, 1, a000=7.0)
    assert fold(None, many).attributes.keys() == {f"a{number:03d}" for number in range(1, folding.MAX_ATTRIBUTES + 1)}
    assert fold(None, [*many, crm]).attributes["a000"] == 7.0, "the import's word is back"


def by_device(arrival: Arrival) -> Arrival:
    return msgspec.structs.replace(arrival, via="d1")


def test_trust_rules_apply_to_events_and_imports() -> None:
    rules = {"channel": Merge.OLDEST, "points": Merge.HIGHEST, "lists": Merge.ALL, "email": Merge.OWN}
    said = [
        told(1.0, "a", channel="search", points=5.0, lists=["news"], email="anna", size="40"),
        imported(2.0, 1, channel="shop", points=9.0, lists="sales", size="41"),
        imported(3.0, 2, points=1.0, size="42"),
        by_device(told(4.0, "b", channel="mail", points=2.0, email="guest", size="43")),
    ]
    expected = {
        "channel": "search",
        "points": 9.0,
        "lists": frozenset({"news", "sales"}),
        "email": "anna",
        "size": "43",
    }
    for order in permutations(said):
        assert fold(None, order, rules).attributes == expected


def test_a_devices_word_counts_until_the_person_has_one() -> None:
    rules = {"email": Merge.OWN}
    from_devices = fold(None, [by_device(told(2.0, "b", email="guest"))], rules)
    assert (from_devices.attributes, from_devices.from_devices) == ({"email": "guest"}, {"email"})
    own = fold(from_devices, [told(1.0, "a", email="anna")], rules)
    assert (own.attributes, own.from_devices) == ({"email": "anna"}, frozenset())


def test_segments_of_an_import_and_of_events_are_one_set() -> None:
    entered = Arrival("anna", Event(1.0, "cdp:1", "segment entered", "Runners"), traits={"runners": True})
    left = Arrival("anna", Event(4.0, "cdp:2", "segment left", "VIP"))
    for order in permutations([entered, imported(2.0, 1, "Wholesale", "VIP"), left, imported(3.0, 2, "VIP", "B2B")]):
        profile = fold(None, order)
        assert (profile.segments, profile.listed) == ({"Runners", "B2B"}, {"VIP", "B2B"})
    assert fold(None, [entered]).attributes == {"runners": True}


def test_what_has_a_rule_is_never_forgotten() -> None:
    many = [
        told(float(number + 2), f"e{number}", **{f"a{number:03d}": 1.0}) for number in range(folding.MAX_ATTRIBUTES + 9)
    ]
    first = told(1.0, "a", channel="search")
    profile = fold(None, [first, *many], {"channel": Merge.OLDEST})
    assert profile.attributes["channel"] == "search"
    assert len(profile.stamps) == folding.MAX_ATTRIBUTES + 1


KINDS = [
    "product viewed",
    "searched",
    "banner shown",
    "order completed",
    "identified",
    "segment entered",
    "segment left",
]
SHOWN: list[tuple[str, ...]] = [(), ("Sale",)]
EVENTS = st.builds(
    lambda at, number: Event(at, f"e{number}", KINDS[number % len(KINDS)], shown=SHOWN[number % len(SHOWN)]),
    st.integers(0, 12).map(float),
    st.integers(0, 12),
)
TRAITS = st.dictionaries(st.sampled_from("vwxyz"), st.sampled_from(["1", 2.0, True, ["a", "b"]]), max_size=3)
IMPORTS = st.builds(
    lambda at, number, traits, segments: Arrival(
        "anna", Event(at, f"import:{number}", IMPORTED), "import", at, traits, tuple(sorted(segments))
    ),
    st.integers(0, 12).map(float),
    st.integers(1, 9),
    TRAITS,
    st.sets(st.sampled_from("AB")),
)
ARRIVALS = st.lists(
    st.builds(lambda event, traits: Arrival("anna", event, "web", event.at, traits), EVENTS, TRAITS) | IMPORTS,
    min_size=1,
    max_size=12,
    unique_by=lambda arrival: arrival.event.id,
)


@given(ARRIVALS, st.randoms(use_true_random=False), st.integers(1, 3))
def test_any_order_any_steps_and_any_repeats_give_the_same_bytes(
    arrivals: list[Arrival], chance: object, step: int
) -> None:
    shuffled = arrivals + arrivals[::2]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    with small_bounds():
        profile: Profile | None = None
        for start in range(0, len(shuffled), step):
            profile = fold(profile, shuffled[start : start + step])
        assert profile is not None
        assert packed(profile) == packed(fold(None, arrivals))


RULES = st.dictionaries(st.sampled_from("vwxyz"), st.sampled_from([rule for rule in Merge if rule != Merge.NEWEST]))


@given(ARRIVALS, RULES, st.lists(st.booleans(), min_size=12, max_size=12), st.randoms(use_true_random=False))
def test_so_they_do_by_whatever_rules(
    arrivals: list[Arrival], rules: dict[str, Merge], came_by_device: list[bool], chance: object
) -> None:
    """By device or not, with imports in between, event by event: as all at once."""
    said = [
        by_device(arrival) if by and arrival.event.kind != IMPORTED else arrival
        for arrival, by in zip(arrivals, came_by_device, strict=False)
    ]
    shuffled = said + said[::2]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    with small_bounds():
        profile: Profile | None = None
        for arrival in shuffled:
            profile = fold(profile, [arrival], rules)
        assert profile is not None
        assert packed(profile) == packed(fold(None, said, rules))
        assert unpacked(packed(profile), "anna").from_devices == profile.from_devices


@given(st.lists(EVENTS, max_size=8), st.lists(EVENTS, max_size=8), st.lists(EVENTS, max_size=8))
def test_histories_merge_in_any_order(a: Sequence[Event], b: Sequence[Event], c: Sequence[Event]) -> None:
    with small_bounds():
        a, b, c = merged((), a), merged((), b), merged((), c)
        assert merged(merged(a, b), c) == merged(a, merged(b, c)) == merged(merged(c, b), a)
        assert merged(merged(a, b), b) == merged(a, b)


@given(st.lists(EVENTS, max_size=12), st.lists(EVENTS, max_size=4), st.booleans())
def test_what_is_merged_is_what_the_rule_says(before: list[Event], more: list[Event], are_newer: bool) -> None:
    """However it comes, at the end or in between, a history is the newest of each class."""
    if are_newer:
        more = [Event(one.at + 100, f"n{place}", one.kind, shown=one.shown) for place, one in enumerate(sorted(more))]
    with small_bounds():
        history = merged((), before)
        assert merged(history, more) == by_the_rule([*history, *more])


def by_the_rule(events: Sequence[Event]) -> tuple[Event, ...]:
    """All events, each once, of which those stay that have too few newer ones in one of their classes."""
    latest = {event.id: event for event in sorted(events) if class_of(event.kind) is not EventClass.NONE}
    known = sorted(latest.values())
    if len(known) <= min(MOST.values()):
        return tuple(known)

    def newer(event: Event, of: EventClass) -> int:
        return sum(other > event and of in classes_of(other) for other in known)

    return tuple(one for one in known if any(newer(one, of) < MOST[of] for of in classes_of(one)))


class small_bounds:
    """Bounds that a dozen events meet."""

    def __enter__(self) -> None:
        self._before = dict(MOST), folding.MAX_ATTRIBUTES
        MOST.update({EventClass.ORDER: 2, EventClass.ACTION: 3, EventClass.EXPOSURE: 1})
        folding.MAX_ATTRIBUTES = 2

    def __exit__(self, *_: object) -> None:
        MOST.update(self._before[0])
        folding.MAX_ATTRIBUTES = self._before[1]
