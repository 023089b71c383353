from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.events.intake import (
    Access,
    Receipt,
    Rejected,
    ReportedEvent,
    Sender,
    accepted,
    stranger_id,
    traits_of,
    unix_time,
)
from proxy.model import Arrival, Event, Item

NOON = 1_795_435_200.0
NOW = Receipt(NOON, "r1")
BROWSER = Sender("web", Access.PUBLIC, "anna", b"key")
UNKNOWN = Sender("web", Access.PUBLIC, "", b"key")
TRUSTED = Sender("web", Access.TRUSTED, "anna", b"key")
SERVER = Sender("crm", Access.SERVER)
VIEW = ReportedEvent("page viewed", "m1", subject="/sale")


def arrival(said: ReportedEvent, sender: Sender = BROWSER, moment: Receipt = NOW) -> Arrival:
    verdict = accepted(said, sender, moment)
    assert isinstance(verdict, Arrival), verdict
    return verdict


def reason(said: ReportedEvent, sender: Sender = BROWSER, moment: Receipt = NOW) -> str:
    verdict = accepted(said, sender, moment)
    assert isinstance(verdict, Rejected), verdict
    assert verdict.what
    return verdict.reason


def test_an_event_is_the_cookies_visitors() -> None:
    assert arrival(VIEW) == Arrival("anna", Event(NOON, "web:m1", "page viewed", "/sale"), "web", NOON)


# -- whose


def test_a_browser_speaks_for_its_own_cookie_whatever_it_says() -> None:
    assert (
        arrival(ReportedEvent("page viewed", "m1", user_id="ben", anonymous_id="ben", subject="/")).visitor_id == "anna"
    )


def test_a_stranger_cannot_choose_to_be_somebody() -> None:
    for claimed in ("anna", stranger_id(b"key", "web", "x"), "anon_0123"):
        named = arrival(
            ReportedEvent("page viewed", "m1", user_id="anna", anonymous_id=claimed, subject="/"), UNKNOWN
        ).visitor_id
        assert named.startswith("anon_")
        assert named not in ("anna", claimed)
    assert stranger_id(b"key", "web", "x") == stranger_id(b"key", "web", "x")
    assert (
        len({stranger_id(b"key", "web", "x"), stranger_id(b"key", "app", "x"), stranger_id(b"other", "web", "x")}) == 3
    )


def test_a_server_speaks_for_anybody() -> None:
    both = arrival(ReportedEvent("page viewed", "m1", user_id="ben", anonymous_id="abc", subject="/"), SERVER)
    assert (both.visitor_id, both.details) == ("ben", {"anonymous id": "abc"})
    assert arrival(ReportedEvent("page viewed", "m1", anonymous_id="abc", subject="/"), SERVER).visitor_id == "abc"


@pytest.mark.parametrize(
    ("said", "sender", "why"),
    [
        (VIEW, UNKNOWN, "no-visitor"),
        (VIEW, SERVER, "no-visitor"),
        *(
            (ReportedEvent("identified", user_id=id), SERVER, "visitor-id")
            for id in ("null", "undefined", "-1", "000", "-")
        ),
        *(
            (ReportedEvent("identified", user_id=id), SERVER, "visitor-id")
            for id in ("a@b.example", "[object Object]", "x" * 65)
        ),
        (ReportedEvent("identified", anonymous_id="undefined"), UNKNOWN, "no-visitor"),
    ],
)
def test_an_event_of_nobody_is_refused(said: ReportedEvent, sender: Sender, why: str) -> None:
    assert reason(said, sender) == why


# -- who may say what


@pytest.mark.parametrize(
    "kind", ["order completed", "order refunded", "order cancelled", "aliased", "profile imported"]
)
def test_what_only_a_server_may_say_no_browser_says(kind: str) -> None:
    said = ReportedEvent(kind, "m1", user_id="anna", subject="anna", value=999.0)
    assert reason(said) == reason(said, UNKNOWN) == "server-only"
    assert arrival(said, SERVER).event.kind == kind


def test_a_trusted_key_says_it_of_its_own_visitor_alone() -> None:
    order = arrival(ReportedEvent("order completed", "m1", user_id="ben", order_id="1001", value=50.0), TRUSTED)
    assert (order.visitor_id, order.event.value) == ("anna", 50.0)
    assert order.details == {"user id": "ben"}


def test_an_order_is_one_whoever_tells_it_and_is_paid_back_in_parts() -> None:
    def id(kind: str, message: str) -> str:
        return arrival(ReportedEvent(kind, message, user_id="anna", order_id="7", value=9.0), SERVER).event.id

    assert id("order completed", "m1") == id("order completed", "m2") == "order completed:7"
    assert id("order refunded", "m1") == id("order refunded", "m1") != id("order refunded", "m2")
    assert id("order refunded", "") == "order refunded:7"


def test_a_browser_cannot_say_who_its_visitor_is() -> None:
    said = ReportedEvent("identified", "m1", user_id="anna", traits={"vip": True})
    assert arrival(said).traits == {}
    assert arrival(said, TRUSTED).traits == arrival(said, SERVER).traits == {"vip": True}


# -- when


@pytest.mark.parametrize(
    ("at", "sent_at", "happened"),
    [
        (None, None, 0.0),
        ("", None, 0.0),
        ("2026-11-23T11:59:00Z", None, -60.0),
        ("2026-11-23T12:59:00+01:00", None, -60.0),
        ("2026-11-23T11:59:00", None, -60.0),
        ("2026-11-23T11:59:00.123456789Z", None, -59.876544),
        (1_795_435_140, None, -60.0),
        (1_795_435_140_000, None, -60.0),
        ("2026-11-23T12:05:00Z", None, 0.0),  # in the future: now
        ("2026-11-23T15:00:00Z", NOON + 3 * 3_600 + 10, -10.0),  # a clock three hours fast
        ("2026-11-23T09:00:00Z", NOON - 3 * 3_600 + 10, -10.0),  # a clock three hours slow
        ("2026-11-23T12:00:05Z", NOON, 0.0),  # happened after it was sent
    ],
)
def test_an_event_happened_as_long_ago_as_its_sender_says(
    at: str | float | None, sent_at: float | None, happened: float
) -> None:
    said = ReportedEvent("page viewed", "m1", at, subject="/")
    assert arrival(said, moment=Receipt(NOON, "r1", sent_at=sent_at)).event.at == pytest.approx(
        NOON + happened, abs=1e-5
    )


def test_a_browser_may_be_a_week_late_and_a_server_decades() -> None:
    week_ago = ReportedEvent("page viewed", "m1", NOON - NOW.late_seconds, user_id="anna", subject="/")
    longer_ago = ReportedEvent("page viewed", "m1", NOON - NOW.late_seconds - 1, user_id="anna", subject="/")
    assert arrival(week_ago).event.at == NOON - NOW.late_seconds
    assert reason(longer_ago) == "too-old"
    assert arrival(longer_ago, SERVER)
    assert (
        reason(ReportedEvent("page viewed", "m1", "1989-12-31T23:59:59Z", user_id="anna", subject="/"), SERVER)
        == "too-old"
    )


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01T00:00:00Z", "NaN"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    assert reason(ReportedEvent("page viewed", "m1", at, subject="/")) == "timestamp"


@given(st.text(max_size=30) | st.floats() | st.integers() | st.none())
def test_whatever_is_given_as_a_time_is_one_or_none(value: str | float | None) -> None:
    assert isinstance(unix_time(value), float | None)


# -- which


def test_an_event_without_an_id_is_called_by_its_request_and_place() -> None:
    verdict = accepted(ReportedEvent("page viewed", subject="/"), BROWSER, NOW, 3)
    assert isinstance(verdict, Arrival)
    assert verdict.event.id == "web:r1-3"


def test_an_order_is_one_order_whoever_tells_of_it() -> None:
    ids = {
        arrival(ReportedEvent("order completed", message, order_id="1001"), sender).event.id
        for message, sender in (("m1", TRUSTED), ("m2", TRUSTED), ("", Sender("till", Access.TRUSTED, "anna")))
    }
    assert ids == {"order completed:1001"}


def test_a_message_id_has_a_length() -> None:
    assert arrival(ReportedEvent("page viewed", "m" * 100, subject="/"))
    assert reason(ReportedEvent("page viewed", "m" * 101, subject="/")) == "message-id"


# -- what


def test_a_kind_that_is_about_something_must_say_what() -> None:
    assert reason(ReportedEvent("product viewed", "m1")) == "no-items"
    assert reason(ReportedEvent("searched", "m1")) == "no-subject"


def test_of_a_cart_more_items_are_kept_than_of_a_list() -> None:
    items = tuple(Item(f"p{number}") for number in range(30))
    assert len(arrival(ReportedEvent("list viewed", "m1", subject="sale", items=items)).event.items) == 5
    assert len(arrival(ReportedEvent("cart viewed", "m1", items=items)).event.items) == 20


def test_traits_have_the_names_that_rule_files_have_for_them() -> None:
    said = {"firstName": "Anna", "loyalty_points": 12, "newsletter": True, "brands": ["Hoka", "Altra", "Hoka"]}
    assert traits_of(said) == {
        "first name": "Anna",
        "loyalty points": 12.0,
        "newsletter": True,
        "brands": ["Altra", "Hoka"],
    }


@pytest.mark.parametrize(
    "said",
    [
        {"address": {"city": "Gent"}},
        {"country": "NL"},
        {"segment": "VIP"},
        {"segments": ["VIP"]},
        {"x" * 65: 1},
        {"": 1},
        {"story": "x" * 501},
        {"many": ["x"] * 21},
        {"mixed": ["x", 1]},
        {"nothing": None},
        {"huge": 10**30},
    ],
)
def test_what_cannot_be_an_attribute_is_left_out(said: dict[str, object]) -> None:
    assert traits_of(said) == {}
