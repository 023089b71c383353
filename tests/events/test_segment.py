from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.events.intake import Access, Receipt, Rejected, Sender
from proxy.events.segment import MAX_EVENT_BYTES, Batch, arrivals_in, batch_of
from proxy.model import Arrival, Event, Item

NOON = 1_795_435_200.0
SERVER = Sender("crm", Access.SERVER)
VIP = {"computation_class": "audience", "computation_key": "vip", "computation_id": "aud_1"}
ENTERED, TOLD = ("segment entered", "vip"), ("identified", "")


def verdicts(body: Any, named: str = "batch", sender: Sender = SERVER) -> list[Arrival | Rejected]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    batch = batch_of(raw)
    assert isinstance(batch, Batch), batch
    return [verdict for _, verdict in arrivals_in(raw, batch, named, sender, Receipt(NOON, "r1"), most=2_500)]


def one(named: str, **call: Any) -> Arrival:
    (verdict,) = verdicts({"userId": "anna", "messageId": "m1", **call}, named)
    assert isinstance(verdict, Arrival), verdict
    return verdict


def test_a_track_call_of_their_spec() -> None:
    order = one(
        "track",
        event="Order Completed",
        timestamp="2026-11-23T11:00:00.000Z",
        properties={
            "order_id": "1001",
            "revenue": 139.95,
            "currency": "EUR",
            "products": [{"product_id": "hoka-1", "category": "shoes/trail", "brand": "Hoka", "price": 139.95}],
        },
    )
    item = Item("hoka-1", "shoes/trail", "Hoka", 139.95)
    assert order.event == Event(NOON - 3_600, "order completed:1001", "order completed", "", (item,), 139.95)
    assert order.details == {"order_id": "1001", "revenue": 139.95, "currency": "EUR"}


@pytest.mark.parametrize(
    ("named", "call", "kind", "subject"),
    [
        ("track", {"event": "PRODUCTS SEARCHED", "properties": {"query": "trail shoes"}}, "searched", "trail shoes"),
        ("track", {"event": "Product List Viewed", "properties": {"category": "Shoes"}}, "list viewed", "Shoes"),
        ("track", {"event": "Promotion Clicked", "properties": {"promotion_id": "spring"}}, "banner clicked", "spring"),
        ("track", {"event": "Signed Up"}, "custom event", "Signed Up"),
        ("page", {"properties": {"path": "/sale"}}, "page viewed", "/sale"),
        ("page", {"context": {"page": {"path": "/sale"}}}, "page viewed", "/sale"),
        ("page", {"name": "Sale"}, "page viewed", "Sale"),
        ("screen", {"name": "Sale"}, "screen viewed", "Sale"),
        ("group", {"groupId": 7}, "grouped", "7"),
        ("alias", {"previousId": "abc"}, "aliased", "abc"),
        ("identify", {"traits": {"size": "40"}}, "identified", ""),
        ("track", {"event": "Audience Entered", "properties": {"audience_key": "vip", "vip": True}}, *ENTERED),
        ("track", {"event": "Audience Exited", "context": {"personas": VIP}}, "segment left", "vip"),
        ("identify", {"traits": {"vip": True}, "context": {"personas": VIP}}, *ENTERED),
        ("identify", {"traits": {"vip": False}, "context": {"personas": VIP}}, "segment left", "vip"),
        ("identify", {"traits": {"vip": "gold"}, "context": {"personas": VIP}}, "identified", ""),
        ("identify", {"traits": {"vip": True}, "context": {"personas": VIP | {"computation_class": "trait"}}}, *TOLD),
    ],
)
def test_calls_are_kinds(named: str, call: dict[str, Any], kind: str, subject: str) -> None:
    event = one(named, **call).event
    assert (event.kind, event.subject) == (kind, subject)


def test_identify_tells_traits() -> None:
    assert one("identify", traits={"firstName": "Anna"}).traits == {"first name": "Anna"}
    in_context = {"traits": {"firstName": "Anna"}}
    assert one("identify", context=in_context).traits == {"first name": "Anna"}, "where RudderStack's SDKs say them"


def test_a_batch_names_its_calls_and_shares_when_it_was_sent() -> None:
    body = {
        "sentAt": "2026-11-23T13:00:00Z",
        "batch": [
            {"type": "page", "userId": "anna", "messageId": "m1", "name": "a", "timestamp": "2026-11-23T12:59:00Z"},
            {"type": "page", "userId": 42, "messageId": "m2", "name": "b"},
        ],
    }
    first, second = verdicts(body)
    assert isinstance(first, Arrival)
    assert isinstance(second, Arrival)
    assert (first.event.at, first.event.id) == (NOON - 60, "crm:m1")
    assert (second.visitor_id, second.event.at) == ("42", NOON)


def test_one_bad_call_costs_the_others_nothing() -> None:
    good = {"type": "page", "userId": "anna", "name": "a"}
    bad = [7, {"type": "dance", "userId": "anna"}, {"type": "track", "userId": "anna"}, {"type": "page", "userId": []}]
    long = {**good, "properties": {"story": "x" * MAX_EVENT_BYTES}}
    read = verdicts({"batch": [good, *bad, long, good]})
    assert [verdict.reason if isinstance(verdict, Rejected) else "" for verdict in read] == [
        "",
        "not-json",
        "type",
        "no-subject",
        "not-json",
        "too-large",
        "",
    ]


def test_a_batch_has_an_end() -> None:
    read = verdicts({"batch": [{"type": "page", "userId": "anna", "name": "a"}] * (2_500 + 2)})
    assert [verdict.reason for verdict in read if isinstance(verdict, Rejected)] == ["too-many"] * 2


def test_null_is_as_if_it_had_been_left_out() -> None:
    assert one("page", name="a", properties=None, context=None, timestamp=None, anonymousId=None).event.at == NOON


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"batch": 3}', b"\xff", b"[" * 100_000])
def test_what_is_no_body_is_refused_whole(body: bytes) -> None:
    refusal = batch_of(body)
    assert isinstance(refusal, Rejected)
    assert refusal.reason == "not-json"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["type", "event", "name", "userId", "anonymousId", "messageId", "timestamp", "properties", "traits", "context"]
CALLS = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8)
TYPES = st.sampled_from(["track", "page", "screen", "identify", "group", "alias", "batch"])


@given(st.lists(CALLS, max_size=3), TYPES)
def test_any_call_is_an_arrival_or_refused_with_a_reason(calls: list[Any], named: str) -> None:
    read = verdicts({"batch": calls}, named)
    assert len(read) == len(calls)
    assert all(isinstance(verdict, Arrival) or (verdict.reason and verdict.what) for verdict in read)
