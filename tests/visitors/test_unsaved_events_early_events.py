"""What a store made of events that were counted before it had them."""

from __future__ import annotations

from msgspec.structs import replace

from proxy.model import Arrival, Event
from proxy.stores.record import packed_event_of
from proxy.visitors.unsaved_events import not_applied_early, visitors_not_stored

SEEN = Arrival("anna", Event(1.0, "page:1", "page viewed", "/"), "page", 1.0)
LATER = Arrival("anna", Event(2.0, "page:2", "page viewed", "/"), "page", 2.0)
HERS = replace(SEEN, visitor_id="mary", via="anna")


def test_what_was_taken_as_it_was_foreseen_is_nobody_elses() -> None:
    assert not_applied_early([SEEN, LATER], [SEEN, LATER]) == []
    assert not_applied_early([packed_event_of(SEEN)], [SEEN]) == [], "the same event, made anew"


def test_what_a_device_did_and_its_person_has_was_not_foreseen() -> None:
    assert not_applied_early([HERS, LATER], [SEEN, LATER]) == [HERS]


def test_visitors_with_events_that_were_not_stored_are_found() -> None:
    assert visitors_not_stored([LATER], [SEEN, LATER]) == {"anna"}
    assert visitors_not_stored([SEEN, packed_event_of(LATER)], [SEEN, LATER]) == set()
    assert visitors_not_stored([HERS], [SEEN]) == set(), "it is her person's"
