from __future__ import annotations

import pytest

from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold
from proxy.model import Arrival, Event, Link, Profile
from proxy.stores.record import packed, packed_arrival
from proxy.stores.redis_visitor import Stamp, Stored, keys_of, profile_of, stored_of, visitor_in

NOON = 1_795_435_200.0


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


def test_a_profile_is_the_checkpoint_with_the_news_folded_in_however_often() -> None:
    arrivals = [seen("anna", number) for number in range(6)]
    checkpoint = packed(fold(None, arrivals[:4]))
    stored = Stored(checkpoint, [packed_arrival(one) for one in reversed(arrivals[2:])])
    assert profile_of(stored, "anna") == fold(None, arrivals)
    assert profile_of(Stored(b"", stored.news), "anna") == fold(None, arrivals[2:])
    assert profile_of(Stored(b""), "anna") is None


def test_news_of_another_visitor_are_damage() -> None:
    with pytest.raises(DamagedValueError, match="another visitor's"):
        profile_of(Stored(b"", [packed_arrival(seen("ben", 1))]), "anna")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [("WRONGTYPE no such thing", DamagedValueError), ("LOADING the file", StoreError)],
)
def test_an_answer_that_is_an_error_says_whether_it_is_the_value_or_the_store(
    answer: str, problem: type[StoreError]
) -> None:
    for found in (stored_of(ValueError(answer), []), stored_of(b"", ValueError(answer))):
        assert type(found) is problem


def test_a_stamp_counts_checkpoints_and_says_whose_device_the_visitor_is() -> None:
    assert (Stamp().alias, Stamp().after(Profile("anna"))) == ("", b"1 ")
    device = Profile("d", links={"anna of the shop": Link(NOON)})
    stamp = Stamp(Stamp(b"1 ").after(device))
    assert (stamp.value, stamp.alias) == (b"2 anna of the shop", "anna of the shop")
    assert stamp.after(None) == b"3 "


def test_every_key_says_whose_it_is() -> None:
    for visitor_id in ("anna", "a}:{b", "ä"):
        assert {visitor_in(key.encode()) for key in keys_of(visitor_id)} == {visitor_id}
