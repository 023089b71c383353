from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.events.ga4 import MOST_OF_ALL, arrivals_in
from proxy.events.intake import Access, Receipt, Rejected, Sender
from proxy.model import Arrival, Event, Item

NOON = 1_795_435_200.0
BROWSER = Sender("web", Access.PUBLIC, "anna", b"key")
SERVER = Sender("shop", Access.SERVER)


def verdicts(body: Any = b"", query: bytes = b"", sender: Sender = BROWSER) -> list[Arrival | Rejected]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [verdict for _, verdict in arrivals_in(raw, query, sender, Receipt(NOON, "r1"), most=2_500)]


def one(body: Any = b"", query: bytes = b"", sender: Sender = BROWSER) -> Arrival:
    (verdict,) = verdicts(body, query, sender)
    assert isinstance(verdict, Arrival), verdict
    return verdict


ITEM = {"item_id": "hoka-1", "item_brand": "Hoka", "item_category": "shoes", "item_category2": "trail", "price": 139.95}


def test_what_a_page_pushes_onto_the_data_layer() -> None:
    pushed = {"event": "view_item", "ecommerce": {"currency": "EUR", "value": 139.95, "items": [ITEM]}}
    seen = one(pushed)
    assert seen.event == Event(
        NOON, "web:r1-0", "product viewed", "", (Item("hoka-1", "shoes/trail", "Hoka", 139.95),), 139.95
    )
    assert seen.details == {"currency": "EUR", "value": 139.95}
    assert len(verdicts([pushed, pushed])) == 2


def test_the_measurement_protocol_from_a_server() -> None:
    purchase = {"name": "purchase", "params": {"transaction_id": "1001", "value": 50, "items": [ITEM]}}
    order = one({"client_id": "abc", "user_id": "anna", "events": [purchase]}, sender=SERVER)
    assert (order.visitor_id, order.event.id, order.event.value) == ("anna", "order completed:1001", 50.0)
    (refused,) = verdicts({"client_id": "abc", "events": [purchase]})
    assert isinstance(refused, Rejected)
    assert refused.reason == "server-only"


def test_a_beacons_query_string() -> None:
    view = one(query=b"v=2&tid=G-1&cid=12.3&en=page_view&dl=https%3A%2F%2Fshop.example%2Fsale%3Fa%3D1")
    assert (view.event.kind, view.event.subject) == ("page viewed", "/sale")
    seen = one(query=b"v=2&en=view_item&pr1=idhoka-1~nmHoka~brHoka~cashoes~pr139.95~qt1&ep.currency=EUR")
    assert seen.event.items == (Item("hoka-1", "shoes", "Hoka", 139.95),)
    assert seen.details["currency"] == "EUR"


def test_an_address_that_is_none_and_very_many_parameters_cost_no_event() -> None:
    assert one(query=b"en=page_view&dl=http%3A%2F%2F[&ep.page_path=%2Fsale").event.subject == "/sale"
    assert (
        one({"event": "page_view", "params": {"page_location": "http://[", "page_path": "/sale"}}).event.subject
        == "/sale"
    )
    many = b"&".join(b"ep.a%d=1" % number for number in range(500))
    assert one(query=b"en=page_view&dl=http%3A%2F%2Fshop.example%2Fsale&" + many).event.subject == "/sale"
    assert one(b"en=page_view&dl=http%3A%2F%2Fshop.example%2Fsale&" + many).event.subject == "/sale"


def test_a_beacons_lines_are_an_event_each() -> None:
    read = verdicts(b"en=view_item_list&ep.item_list_id=sale\r\nen=scroll\n", b"v=2&cid=1")
    assert [verdict.event.kind for verdict in read if isinstance(verdict, Arrival)] == ["list viewed", "custom event"]


def test_the_parameters_of_the_address_are_not_read_again_for_very_many_lines() -> None:
    shared = b"&".join(b"pr%d=idSKU~nmA~pr1" % number for number in range(200))
    *taken, last = verdicts(b"\n".join([b"en=view_item"] * 2_500), shared)
    assert len(taken) == MOST_OF_ALL // 201
    assert all(isinstance(verdict, Arrival) for verdict in taken)
    assert isinstance(last, Rejected) and last.reason == "too-many"


@pytest.mark.parametrize(
    ("body", "why"), [(b"{", "not-json"), (b"[3]", "not-json"), (b'{"event": "gtm.js"}', "type"), (b"", "type")]
)
def test_what_is_no_event_is_refused(body: bytes, why: str) -> None:
    (refused,) = verdicts(body)
    assert isinstance(refused, Rejected)
    assert refused.reason == why


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_arrivals_or_refused_with_a_reason(body: bytes, query: bytes) -> None:
    assert all(isinstance(verdict, Arrival) or verdict.what for verdict in verdicts(body, query))


def test_a_moment_that_is_none_is_refused_and_nothing_worse() -> None:
    (refused,) = verdicts(b'{"name": "view_item", "timestamp_micros": %b, "client_id": "abc"}' % (b"9" * 400))
    assert isinstance(refused, Rejected) and refused.reason == "not-json"
