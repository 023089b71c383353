from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold
from proxy.model import LONGEST_SUBJECT, Arrival, Event, Item, PackedEvent, Profile
from proxy.stores.packed_views import packed_part, packed_words, view
from proxy.stores.record import (
    MAX_BYTES,
    MAX_SAID_BYTES,
    arrivals_of,
    as_remembered,
    event_of,
    head_of,
    import_of,
    packed,
    packed_arrival,
    packed_event,
    packed_event_of,
    unpacked,
    unpacked_arrival,
    unpacked_visitor_id,
)
from proxy.visitors.view_content import MOST_SHOWN

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = TEXT | st.floats(allow_nan=False) | st.booleans() | st.frozensets(TEXT, max_size=5)
PROFILES = st.builds(
    Profile,
    TEXT,
    st.dictionaries(TEXT, VALUES, max_size=5),
    st.frozensets(TEXT, max_size=5),
    st.floats(0, 2e9),
    st.lists(st.builds(Event, st.floats(0, 2e9), TEXT, TEXT, TEXT, st.just((Item("a", price=2.0),))), max_size=3).map(
        tuple
    ),
    bucket_key=TEXT,
).map(lambda profile: replace(profile, listed=profile.segments))


@given(PROFILES)
def test_what_is_packed_comes_back(profile: Profile) -> None:
    assert unpacked(packed(profile), profile.visitor_id) == profile
    assert packed(profile).startswith(head_of(profile.visitor_id))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_profile_or_damaged(value: bytes) -> None:
    with pytest.raises(DamagedValueError):
        unpacked(value, "anna")


@given(PROFILES, st.integers(0, 200))
def test_a_value_cut_short_is_damaged(profile: Profile, length: int) -> None:
    value = packed(profile)
    with pytest.raises(DamagedValueError):
        unpacked(value[: min(length, len(value) - 1)], profile.visitor_id)


def test_another_visitors_value_is_damaged() -> None:
    with pytest.raises(DamagedValueError, match="another visitor"):
        unpacked(packed(Profile("ben")), "anna")


def test_a_later_format_is_damaged_not_guessed_at() -> None:
    with pytest.raises(DamagedValueError, match="format"):
        unpacked(msgspec.msgpack.encode([3, "anna", [0.0, ""], {}, [], {}, 0.0, [], ""]), "anna")


def imported(profile: Profile, known: Profile | None) -> Profile | None:
    """What a store holds after the import; None when it is no news."""
    arrival = import_of(profile, known)
    return fold(known, [arrival]) if arrival else None


def test_an_import_is_news_when_it_says_something_else_than_the_last() -> None:
    anna = Profile("anna", {"orders": 4.0, "brands": frozenset({"Hoka"})}, frozenset({"VIP"}), 1.0)
    stored = imported(anna, None)
    assert stored == anna
    assert imported(replace(anna, updated_at=2.0), stored) is None
    other = imported(replace(anna, attributes={"orders": 5.0}), stored)
    assert other == replace(anna, attributes={"orders": 5.0})
    assert imported(replace(anna, segments=frozenset()), stored) == replace(anna, segments=frozenset())
    assert imported(anna, other) == anna, "as before, after something else"


def test_an_import_counts_however_old_it_says_it_is() -> None:
    stored = imported(Profile("anna", {"orders": 4.0}, updated_at=9.0), None)
    again = imported(Profile("anna", {"orders": 5.0}, updated_at=1.0), stored)
    assert again is not None
    assert again.attributes == {"orders": 5.0}


def test_what_an_import_says_of_one_visitor_has_a_largest_size() -> None:
    assert imported(Profile("anna", {"story": "x" * (MAX_SAID_BYTES - 100)}), None)
    with pytest.raises(StoreError, match=f"more than {MAX_SAID_BYTES}"):
        import_of(Profile("anna", {"story": "x" * MAX_SAID_BYTES}), None)


def test_a_profile_has_a_largest_size() -> None:
    with pytest.raises(StoreError, match=f"more than {MAX_BYTES}"):
        packed(Profile("anna", {"story": "x" * MAX_BYTES}))
    with pytest.raises(DamagedValueError, match="too large"):
        unpacked(b"x" * (MAX_BYTES + 1), "anna")


def test_the_longest_history_fits() -> None:
    name = "⛺" * LONGEST_SUBJECT
    items = tuple(Item(f"{name[:62]}{number:02d}", name[:100], name[:50], 1.0, 1.0) for number in range(20))
    order = Event(1.0, "o" * 140, "order completed", "", items, 1.0)
    shown = Event(1.0, "e" * 140, "banner shown", name, items[:5], 1.0)
    page = Event(1.0, "p" * 140, "page viewed", name, (), 0.0, (name,) * MOST_SHOWN)
    history = tuple(replace_id(order, number) for number in range(1_000))
    for other in (shown, page):
        longest = history + tuple(replace_id(other, number) for number in range(750))
        assert unpacked(packed(Profile("anna", history=longest)), "anna").history == longest


def test_a_history_from_before_pages_named_their_banners_is_read() -> None:
    value = msgspec.msgpack.decode(packed(Profile("anna", history=(Event(1.0, "a", "page viewed", "/"),))))
    value[7] = [event[:6] for event in value[7]]
    assert unpacked(msgspec.msgpack.encode(value), "anna").history == (Event(1.0, "a", "page viewed", "/"),)


def replace_id(event: Event, number: int) -> Event:
    return msgspec.structs.replace(event, id=f"{event.id}{number:04d}")


def test_an_arrival_comes_back() -> None:
    item = Item("hoka-1", "shoes/trail", "Hoka", 139.95, 1.0)
    event = Event(5.0, "web:1", "product viewed", "", (item,), 139.95)
    arrival = Arrival("anna", event, "web", 6.0, {"size": "40", "brands": ["Hoka"]}, (), {"currency": "EUR"})
    assert unpacked_arrival(packed_arrival(arrival)) == arrival
    with pytest.raises(DamagedValueError):
        unpacked_arrival(packed_arrival(arrival)[:-1])


def test_a_packed_event_is_the_arrival_that_it_would_be() -> None:
    shown, details = ("sale", "summer"), {"slot home.hero": "b", "slot home.aside": "a", "depth": 2.0}
    event = Event(7.5, "page:ab:1-0", "page viewed", "/sale", (Item("a", price=2.0),), 3.0, shown)
    arrival = Arrival("anna", event, "page", 7.5, details=details)
    fields = 7.5, "page:ab:1-0", "page viewed", "/sale", (Item("a", price=2.0),), 3.0, packed_part(shown)
    assert packed_event("anna", "page", fields, packed_part(details)) == packed_event_of(arrival)
    assert arrivals_of([packed_event_of(arrival), arrival]) == [arrival, arrival]
    plain = Arrival("ben", Event(7.5, "page:ab:2-1", "searched", "boots"), "page", 7.5)
    assert arrivals_of([packed_event("ben", "page", (7.5, "page:ab:2-1", "searched", "boots", (), 0.0, ()))]) == [plain]


WORDS = packed_words(packed_part(("Sale", "Hello")), packed_part({"slot home.hero": "sale"}))
SEEN = Arrival("anna", Event(5.0, "web:1", "product viewed", "", (Item("hoka"),), 9.0), "web", 6.0)


@pytest.mark.parametrize(
    "told",
    [
        view("anna", 5.0, 1, "/sale", WORDS),
        packed_event("anna", "page", (5.0, "p", "searched", "x", (), 0.0, ())),
        SEEN,
    ],
    ids=["view", "packed", "arrival"],
)
def test_a_profile_keeps_of_it_what_happened_and_when_it_was_received(told: Arrival | PackedEvent) -> None:
    (arrival,) = arrivals_of([told])
    kept = as_remembered(told)
    assert (kept.visitor_id, kept.event, kept.received_at) == ("anna", arrival.event, arrival.received_at)
    assert event_of(told) == arrival.event
    assert fold(None, [kept]) == fold(None, [arrival])


def test_what_is_no_packed_event_is_damaged() -> None:
    for read in (as_remembered, event_of):
        with pytest.raises(DamagedValueError):
            read(PackedEvent("anna", "page viewed", b"\x99\xa4anna"))
    with pytest.raises(DamagedValueError):
        unpacked_visitor_id(WORDS)
