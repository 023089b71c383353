from __future__ import annotations

from msgspec.structs import replace

from proxy.model import Arrival, Event
from proxy.visitors.unsaved_events import UnsavedEvents


def seen(visitor_id: str, id: str) -> Arrival:
    return Arrival(visitor_id, Event(1.0, id, "page viewed", "/"), "browser", 1.0)


def under_way(*arrivals: Arrival) -> UnsavedEvents:
    ahead = UnsavedEvents()
    ahead.add(arrivals, arrivals)
    return ahead


def test_events_under_way_count_for_their_visitor_alone() -> None:
    ahead = under_way(seen("anna", "a"), seen("ben", "b"))
    assert ahead.of("anna") == [seen("anna", "a")]
    assert ahead.of("cleo") == []


def test_an_event_that_has_arrived_is_under_way_no_more() -> None:
    ahead = under_way(seen("anna", "a"), seen("anna", "b"))
    ahead.drop([seen("anna", "a"), seen("nobody", "x")])
    assert ahead.of("anna") == [seen("anna", "b")]
    ahead.drop([seen("anna", "b")])
    assert ahead.of("anna") == []


def test_what_comes_after_somebody_asked_is_found_too() -> None:
    ahead = under_way(seen("anna", "a"), seen("ben", "b"))
    assert ahead.of("anna") == [seen("anna", "a")]
    more = [seen("ben", "c"), seen("anna", "d")]
    ahead.add(more, more)
    assert ahead.of("anna") == [seen("anna", "a"), seen("anna", "d")]
    ahead.drop([seen("anna", "a"), seen("ben", "b")])
    assert ahead.of("anna") == [seen("anna", "d")]
    ahead.drop(more[::-1])
    assert ahead.of("ben") == []


def test_what_a_device_did_is_its_persons_until_it_has_arrived_as_the_devices() -> None:
    ahead, told = UnsavedEvents(), [seen("phone", "a"), seen("anna", "b")]
    ahead.add(told, [seen("anna", "a"), told[1]])
    assert (ahead.of("anna"), ahead.of("phone")) == ([seen("anna", "a"), seen("anna", "b")], [])
    ahead.drop([seen("phone", "a")])
    assert ahead.of("anna") == list(ahead.all()) == [seen("anna", "b")]


def test_what_a_device_did_and_its_person_had_at_once_is_not_news_of_the_person() -> None:
    ahead = UnsavedEvents()
    at_once, before = seen("phone", "a"), seen("tablet", "b")
    ahead.add([at_once, before], [replace(at_once, visitor_id="anna"), before])
    fresh = [replace(one, visitor_id="anna", via=one.visitor_id) for one in (at_once, before)]
    assert ahead.unknown(fresh) == fresh[1:]
    assert ahead.unknown([seen("ben", "c")]) == [seen("ben", "c")]
