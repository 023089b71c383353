"""The nouns keep the promises others rest on: those that say what happened."""

from __future__ import annotations

from proxy.model import Event


def test_events_are_in_order_of_time_then_id() -> None:
    events = [Event(2.0, "a", "searched"), Event(1.0, "z", "searched"), Event(1.0, "b", "page viewed")]
    assert [event.id for event in sorted(events)] == ["b", "z", "a"]
