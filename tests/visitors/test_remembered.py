"""What a worker remembers of visitors, and for how long it believes it."""

from __future__ import annotations

import threading

import pytest

from proxy.model import Arrival, Event, Link, PackedEvent, Profile
from proxy.stores.record import packed_event_of
from proxy.visitors.remembered import MISSING, MOST_SPARED, STALE_SECONDS, Remembered

NOW = 1_795_435_200.0
ANNA = Profile("anna", {"orders": 4.0})
PHONE = Profile("phone", links={"anna": Link(NOW)})


@pytest.mark.parametrize(
    ("read_at", "synced_at", "now", "is_fresh", "is_stale"),
    [
        (0, None, 4.9, True, True),
        (0, None, 5, False, True),
        (0, None, STALE_SECONDS, False, False),
        (0, 90, 94.9, True, True),
        (0, 90, 95, False, True),
        (0, 90, STALE_SECONDS + 50, False, True),
        (0, 90, STALE_SECONDS + 90, False, False),
        (90, 0, 94.9, True, True),
        (0, 90, -86_400, False, False),
    ],
)
def test_what_was_read_lately_or_looked_after_lately_is_believed(
    read_at: float, synced_at: float | None, now: float, is_fresh: bool, is_stale: bool
) -> None:
    memory = Remembered(10, 5.0)
    memory.put("anna", ANNA, [], NOW + read_at)
    if synced_at is not None:
        memory.synced(NOW + synced_at)
    assert memory.fresh("anna", NOW + now) == (ANNA if is_fresh else MISSING)
    assert memory.stale("anna", NOW + now) == (ANNA if is_stale else MISSING)


def test_no_look_vouches_where_memory_is_not_believed_at_all() -> None:
    memory = Remembered(10, 0.0)
    memory.put("anna", ANNA, [], NOW)
    memory.synced(NOW)
    assert memory.fresh("anna", NOW) is MISSING


def test_recently_used_profiles_stay_when_older_ones_are_forgotten() -> None:
    memory = Remembered(3, 5.0)
    for visitor_id in ("anna", "bert", "cleo"):
        memory.put(visitor_id, Profile(visitor_id), [], NOW)
    memory.fresh("anna", NOW)
    for visitor_id in ("dora", "emil"):
        memory.put(visitor_id, Profile(visitor_id), [], NOW)
    assert [name for name in ("anna", "bert", "cleo", "dora", "emil") if memory.held(name)] == ["anna", "dora", "emil"]
    memory.put("finn", Profile("finn"), [], NOW)
    assert memory.held("anna"), "it counts as having come when it was passed over"


def test_memory_is_bounded_where_everybody_is_asked_for() -> None:
    memory = Remembered(2 * MOST_SPARED, 5.0)
    for number in range(5 * MOST_SPARED):
        memory.put(str(number), Profile(str(number)), [], NOW)
        memory.fresh(str(number), NOW)
    assert sum(memory.held(str(number)) is not None for number in range(5 * MOST_SPARED)) == 2 * MOST_SPARED


def test_a_changed_profile_is_stale_but_better_than_none() -> None:
    memory = Remembered(10, 5.0)
    memory.put("anna", ANNA, [], NOW)
    memory.synced(NOW)
    for _ in range(3):
        memory.invalidate("anna")
    assert memory.fresh("anna", NOW) is MISSING
    assert memory.stale("anna", NOW + STALE_SECONDS - 1) == ANNA
    memory.put("anna", ANNA, [], NOW + 1)
    assert memory.fresh("anna", NOW + 2) == ANNA


def test_a_device_is_its_person_until_somebody_says_otherwise() -> None:
    memory = Remembered(10, 5.0)
    memory.put("anna", ANNA, [], NOW)
    memory.put("phone", PHONE, [], NOW)
    assert memory.person("phone") == "anna"
    assert memory.fresh("phone", NOW) == ANNA
    assert memory.among({"phone", "anna", "nobody"}) == {"phone", "anna"}
    memory.invalidate("phone")
    assert memory.fresh("phone", NOW) is MISSING
    assert memory.fresh("anna", NOW) == ANNA


def test_so_many_are_remembered_and_those_asked_for_stay() -> None:
    memory = Remembered(3, 5.0)
    for name in ("anna", "ben", "cleo"):
        memory.put(name, Profile(name), [], NOW)
    memory.fresh("anna", NOW)
    memory.put("dora", Profile("dora"), [], NOW)
    assert memory.among({"anna", "ben", "cleo", "dora"}) == {"anna", "cleo", "dora"}


def test_forgotten_profiles_are_unknown_at_once_and_freed_by_a_thread() -> None:
    class News(list[Arrival]):
        def __del__(self) -> None:
            freed.append(threading.current_thread())
            if len(freed) == 100:
                done.set()

    freed, done = list[threading.Thread](), threading.Event()
    memory = Remembered(100, 5.0)
    for number in range(100):
        memory.put(f"v{number}", ANNA, News(), NOW)
    memory.put("phone", PHONE, [], NOW)
    memory.forget()
    assert [memory.fresh(who, NOW) for who in ("v1", "v99", "phone")] == [MISSING] * 3
    assert done.wait(30)
    assert threading.current_thread() not in freed


def test_references_to_forgotten_profiles_are_empty() -> None:
    memory = Remembered(1, 5.0)
    gone = []
    for profile in (ANNA, ANNA, Profile("bert")):
        memory.put(profile.visitor_id, profile, [], NOW)
        gone.append(memory._known[profile.visitor_id])
    assert [(known.is_current, known.profile) for known in gone] == [
        (False, None), (False, None), (True, Profile("bert")),
    ]  # fmt: skip


def test_a_devices_profile_is_its_persons_until_split_off() -> None:
    memory = Remembered(10, 5.0)
    memory.put("anna", ANNA, [], NOW)
    memory.put("phone", PHONE, [], NOW)
    known = memory.basis("phone")
    assert known is not None and known is memory.basis("anna") and known.version == 0
    memory.apply_events(memory.by_person([view("phone", "1"), view("bert", "2")]))
    assert len(known.news) == 1
    memory.invalidate("phone")
    assert known.version == 1 and known.is_current and memory.basis("phone") is not known


def test_of_many_who_did_something_only_devices_are_told_as_their_persons() -> None:
    memory = Remembered(10, 5.0)
    memory.put("phone", PHONE, [], NOW)
    of_phone, of_bert = view("phone", "1"), view("bert", "2")
    persons, bert = memory.by_person([of_phone, of_bert])
    assert persons.visitor_id == "anna" and bert is of_bert


def view(visitor_id: str, number: str) -> PackedEvent:
    return packed_event_of(Arrival(visitor_id, Event(NOW, f"page:{number}", "page viewed", "/"), "page", NOW))
