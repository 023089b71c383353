"""Views of pages as bytes, with the words they have in common."""

from __future__ import annotations

import pytest

from proxy.errors import DamagedValueError
from proxy.model import Arrival, Event
from proxy.stores.packed_views import event_of_view, id_of_view, joined, packed_part, packed_words, view
from proxy.stores.record import arrivals_of, as_remembered, event_of, packed_arrival

WORDS = packed_words(packed_part(("Sale", "Hello")), packed_part({"slot home.hero": "sale"}))


@pytest.mark.parametrize("rules", [(), ("sale", "summer"), tuple(f"{number:02}{'ü' * 198}" for number in range(16))])
def test_a_view_and_its_words_are_the_arrival_that_they_would_be(rules: tuple[str, ...]) -> None:
    details = {f"slot {number}": "b" for number, _ in enumerate(rules)}
    opened = view("anna", 7.5, 0xAB1, "/sale", packed_words(packed_part(rules), packed_part(details)))
    event = Event(7.5, "page:ab1-0", "page viewed", "/sale", shown=rules)
    arrival = Arrival("anna", event, "page", 7.5, details=details)
    assert arrivals_of([opened]) == [arrival]
    assert joined(opened.own_bytes, opened.shared_bytes) == packed_arrival(arrival)
    assert event_of(opened) == event


def test_views_that_show_the_same_have_its_names_once_in_memory() -> None:
    first, second = (
        as_remembered(view(visitor, 5.0, 1, "/sale", bytes(bytearray(WORDS)))) for visitor in ("anna", "bert")
    )
    assert first.event.shown is second.event.shown and first.event.subject is second.event.subject


def test_the_events_of_one_view_have_ids_of_their_own() -> None:
    ids = [id_of_view(number, which) for number in (0, 1, 0x10, 2**63 - 1) for which in (0, 1, 10)]
    assert len(set(ids)) == len(ids)
    (arrival,) = arrivals_of([view("anna", 5.0, 2**63 - 1, "/", WORDS)])
    assert arrival.event.id == id_of_view(2**63 - 1) == "page:7fffffffffffffff-0"


@pytest.mark.parametrize("own", [b"\x94", b"\x94\xa4anna", view("anna", 5.0, 1, "/", WORDS).own_bytes[:-1]])
def test_what_is_no_view_is_damaged(own: bytes) -> None:
    for read in (joined, event_of_view):
        with pytest.raises(DamagedValueError):
            read(own, WORDS)
