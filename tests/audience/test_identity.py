"""Who is who: what may be joined, and that a person is the union of their devices in whatever order it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.audience.identity import (
    MOST_DEVICES,
    MOST_DEVICES_A_WEEK,
    WEEK_SECONDS,
    join_events,
    moved_to_person,
    returned_to_device,
    routed,
    unmerge_events,
    why_not_joined,
)
from proxy.events.fold import fold
from proxy.model import Arrival, Event, Link, Profile

NOW = 1_700_000_000.0
DEVICE, PERSON = Profile("d1"), Profile("anna")


def with_links(profile: Profile, **links: Link) -> Profile:
    return replace(profile, links=links)


def devices(count: int, ago: float) -> Profile:
    return with_links(PERSON, **{f"d{number}x": Link(NOW - ago, is_device=True) for number in range(count)})


@pytest.mark.parametrize(
    ("device", "person", "reason"),
    [
        (DEVICE, PERSON, ""),
        (Profile("anna"), PERSON, "the same"),
        (DEVICE, Profile("null"), "nobody"),
        (DEVICE, Profile("[object Object]"), "nobody"),
        (DEVICE, Profile("0000-0000"), "nobody"),
        (Profile("undefined"), PERSON, "nobody"),
        (with_links(DEVICE, anna=Link(NOW)), PERSON, "joined"),
        (with_links(DEVICE, anna=Link(NOW, is_parted=True)), PERSON, "parted"),
        (with_links(DEVICE, ben=Link(NOW)), PERSON, "another person"),
        (with_links(DEVICE, ben=Link(NOW, is_parted=True)), PERSON, ""),
        (with_links(DEVICE, d2=Link(NOW, is_device=True)), PERSON, "two persons"),
        (replace(DEVICE, imported=(NOW, "import:1:x")), PERSON, "two persons"),
        (DEVICE, with_links(PERSON, carol=Link(NOW)), "a device"),
        (DEVICE, devices(MOST_DEVICES_A_WEEK, WEEK_SECONDS), ""),
        (DEVICE, devices(MOST_DEVICES_A_WEEK, WEEK_SECONDS - 1), "too many devices"),
        (DEVICE, devices(MOST_DEVICES, 10 * WEEK_SECONDS), "too many devices"),
    ],
)
def test_two_ids_are_joined_unless_there_is_a_reason_not_to(device: Profile, person: Profile, reason: str) -> None:
    assert why_not_joined(device, person, NOW) == reason


def test_a_devices_events_keep_their_ids_and_name_the_device() -> None:
    seen = Arrival("d1", Event(NOW, "web:1", "product viewed"), traits={"size": "40"})
    imported = Arrival("d1", Event(NOW, "import:1", "profile imported"))
    (copy,) = moved_to_person([seen, imported], "anna")
    assert (copy.visitor_id, copy.via, copy.event, copy.traits) == ("anna", "d1", seen.event, seen.traits)
    assert returned_to_device([copy, Arrival("anna", Event(NOW, "crm:1", "identified"))], "d1") == [seen]


def test_later_events_of_a_device_are_its_persons() -> None:
    seen = Arrival("d1", Event(NOW, "web:1", "product viewed"))
    device = with_links(DEVICE, anna=Link(NOW))
    assert routed(seen, device.alias).visitor_id == "anna"
    assert routed(seen, DEVICE.alias) is seen
    imported = Arrival("d1", Event(NOW, "import:1", "profile imported"))
    for told in (imported, *join_events(DEVICE, "anna", NOW, NOW), *unmerge_events("d1", "anna", NOW)):
        assert routed(told, device.alias) is told


# -- the algebra: a shop as a log by visitor, to which everything is said in any order

SEEN = st.builds(
    lambda device, number: Arrival(
        device,
        Event(NOW + number, f"web:{number}", "product viewed"),
        received_at=NOW,
        traits={"size": str(number)} if number % 3 == 0 else {},
    ),
    st.sampled_from(["d1", "d2", "d3"]),
    st.integers(0, 8),
)
JOINS = st.sampled_from(["d1", "d2", "d3"])
SAID = st.lists(SEEN | JOINS, max_size=24)


class Shop:
    """What a store does, without one: a log by visitor and event id, and profiles that follow from it."""

    def __init__(self) -> None:
        self.logs: dict[str, dict[str, Arrival]] = {}
        self.profiles: dict[str, Profile] = {}

    def apply(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            known = self.profiles.get(arrival.visitor_id)
            whose = routed(arrival, known.alias if known else "")
            log = self.logs.setdefault(whose.visitor_id, {})
            if whose.event.id not in log:
                log[whose.event.id] = whose
                self.profiles[whose.visitor_id] = fold(self.profiles.get(whose.visitor_id), [whose])

    def join(self, device_id: str) -> None:
        device = self.profiles.get(device_id, Profile(device_id))
        if not why_not_joined(device, self.profiles.get("anna", Profile("anna")), NOW):
            log = list(self.logs.get(device_id, {}).values())
            for_person, for_device = join_events(device, "anna", NOW + int(device_id[1]), NOW)
            self.apply([*moved_to_person(log, "anna"), for_person, for_device])

    def rebuilt(self, visitor_id: str) -> Profile:
        return fold(None, sorted(self.logs[visitor_id].values(), key=lambda arrival: arrival.event))


@settings(deadline=None)
@given(SAID, st.permutations(["d1", "d2", "d3"]))
def test_a_persons_history_is_the_union_in_whatever_order_devices_join(
    said: list[Arrival | str], order: list[str]
) -> None:
    shop, other = Shop(), Shop()
    for one in said:
        shop.join(one) if isinstance(one, str) else shop.apply([one])
    for device in ("d1", "d2", "d3"):
        shop.join(device)
    events = [one for one in said if isinstance(one, Arrival)]
    for device in order:  # joined from the first, everything said backwards and twice
        other.join(device)
    other.apply([*reversed(events), *events])
    assert shop.profiles["anna"] == other.profiles["anna"] == shop.rebuilt("anna")
    assert {event.id for event in shop.profiles["anna"].history} == {one.event.id for one in events}
    assert shop.profiles["anna"].bucket_key == "d1", "chance goes on by the eldest"


@settings(deadline=None)
@given(SAID)
def test_a_message_sent_again_by_the_person_after_a_join_counts_once(said: list[Arrival | str]) -> None:
    shop = Shop()
    for one in said:
        shop.join(one) if isinstance(one, str) else shop.apply([one])
    for device in ("d1", "d2", "d3"):
        shop.join(device)
    before = shop.profiles["anna"]
    shop.apply([replaced(one, "anna") for one in said if isinstance(one, Arrival)])
    assert shop.profiles["anna"] == before


def replaced(arrival: Arrival, visitor_id: str) -> Arrival:
    return Arrival(visitor_id, arrival.event, received_at=arrival.received_at, traits=arrival.traits)
