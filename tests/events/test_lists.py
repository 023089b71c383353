"""Lists of who came into an outside segment and who left it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.events.intake import Access, Receipt, Rejected, Sender
from proxy.events.lists import arrivals_in, list_in
from proxy.model import Arrival

NOW = 1_795_435_200.0
CDP = Sender("cdp", Access.SERVER)
OBJECTS = {"add": [{"id": "c-1"}, {"external_id": "c-2"}], "remove": [{"user_id": 3}]}


def told(body: Any, sender: Sender = CDP, most: int = 2_500) -> list[tuple[str, str, str] | str]:
    raw = json.dumps(body).encode()
    listed = list_in(raw)
    assert listed is not None
    return [
        verdict.reason
        if isinstance(verdict, Rejected)
        else (verdict.visitor_id, verdict.event.kind, verdict.event.subject)
        for _, verdict in arrivals_in(raw, listed, sender, Receipt(NOW, "r"), most=most)
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"segment": "VIP", "add": ["c-1", {"userId": "c-2"}], "remove": [3]},
        {"type": "audiencelist", "properties": {"audienceName": "VIP", "listData": OBJECTS}},
        {"audience_id": "VIP", "properties": {"listData": {"add": ["c-1", "c-2"], "remove": ["3"]}}},
    ],
    ids=["ours", "RudderStack's", "RudderStack's with ids"],
)
def test_each_of_a_list_comes_into_the_segment_or_leaves_it(body: Any) -> None:
    assert told(body) == [
        ("c-1", "segment entered", "VIP"),
        ("c-2", "segment entered", "VIP"),
        ("3", "segment left", "VIP"),
    ]


def test_one_that_makes_no_sense_costs_the_others_nothing() -> None:
    assert told({"segment": "VIP", "add": ["anna@shop.example", None, {"email": "x"}, "c-1"]}) == [
        "visitor-id",
        "no-visitor",
        "no-visitor",
        ("c-1", "segment entered", "VIP"),
    ]
    assert told({"add": ["c-1"]}) == ["no-subject"], "of which segment?"
    assert told({"segment": "VIP", "add": ["c-1", "c-2"]}, most=1)[1] == "too-many"


@pytest.mark.parametrize("access", [Access.PUBLIC, Access.TRUSTED])
def test_only_a_server_says_who_is_in_a_segment(access: Access) -> None:
    assert told({"segment": "VIP", "add": ["c-1"]}, Sender("app", access, "c-1")) == ["server-only"]


def test_a_list_sent_again_is_the_same_events() -> None:
    raw = json.dumps({"segment": "VIP", "messageId": "m1", "add": ["a", "b"], "timestamp": "2026-11-20T00:00:00Z"})

    def ids(request: str) -> list[str]:
        listed = list_in(raw.encode())
        assert listed is not None
        found = arrivals_in(raw.encode(), listed, CDP, Receipt(NOW, request), most=10)
        return [verdict.event.id for _, verdict in found if isinstance(verdict, Arrival)]

    assert ids("r1") == ids("r2") == ["cdp:m1-0", "cdp:m1-1"]


def test_what_is_no_list_is_a_call() -> None:
    for body in (b'{"type":"track","event":"Audience Entered"}', b'{"batch": []}', b"[]", b"no json", b'{"add": 3}'):
        assert list_in(body) is None
