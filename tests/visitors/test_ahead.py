from __future__ import annotations

from proxy.model import Arrival, Event, Profile
from proxy.visitors.ahead import Ahead


def seen(visitor_id: str, id: str) -> Arrival:
    return Arrival(visitor_id, Event(1.0, id, "page viewed", "/"), "browser", 1.0)


def test_events_under_way_count_for_their_visitor_alone() -> None:
    ahead = Ahead()
    ahead.add([seen("anna", "a"), seen("ben", "b")])
    assert [event.id for event in ahead.on(Profile("anna")).history] == ["a"]
    assert ahead.on(Profile("cleo")) == Profile("cleo")


def test_an_event_that_has_arrived_is_under_way_no_more() -> None:
    ahead = Ahead()
    ahead.add([seen("anna", "a"), seen("anna", "b")])
    ahead.drop([seen("anna", "a"), seen("nobody", "x")])
    assert [event.id for event in ahead.on(Profile("anna")).history] == ["b"]
    ahead.drop([seen("anna", "b")])
    assert ahead.on(Profile("anna")) == Profile("anna")


def test_an_event_that_the_store_has_after_all_counts_once() -> None:
    ahead = Ahead()
    ahead.add([seen("anna", "a")])
    once = ahead.on(Profile("anna"))
    assert ahead.on(once) == once
