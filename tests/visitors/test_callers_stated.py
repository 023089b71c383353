from __future__ import annotations

from typing import Any

import pytest

from proxy.errors import RequestError
from proxy.visitors.callers import StatedContext, stated_context


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"page": "/sale?utm_source=mail"}, StatedContext("/sale?utm_source=mail")),
        ({"language": "nl-BE"}, StatedContext(attributes={"language": frozenset({"nl-be", "nl"})})),
        ({"device": "Phone", "visitor": "new"}, StatedContext(attributes={"device": "phone", "visitor": "new"})),
        ({"searchTerm": " boots "}, StatedContext(attributes={"search term": "boots"})),
        ({"campaign.source": "mail"}, StatedContext(attributes={"campaign.source": "mail"})),
        ({"referrer": "https://www.news.example/a"}, StatedContext(attributes={"referrer": "news.example"})),
        ({"appVersion": "2.1", "timeZone": "Z"}, StatedContext(attributes={"app version": "2.1", "time zone": "Z"})),
        ({"location": "52.09, 5.12"}, StatedContext(attributes={"location": "52.09, 5.12"})),
        ({"device": "fridge", "page": 7, "language": ["nl"]}, StatedContext(ignored=("device", "page", "language"))),
        ({"bought": "boots", "hours": "9", "x": "y" * 600}, StatedContext(ignored=("bought", "hours", "x"))),
        ({"page": "/" * 2_001, "referrer": "z" * 501, "language": "nl" + " " * 500},
         StatedContext(ignored=("page", "referrer", "language"))),
    ],
)  # fmt: skip
def test_what_a_device_knows_of_itself_anybody_says(told: dict[str, Any], expected: StatedContext) -> None:
    assert stated_context(told, by_server=False) == stated_context(told, by_server=True) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"country": "no"}, StatedContext(attributes={"country": "NO"})),
        ({"firstName": "Anna", "spent": 250, "isMember": True, "sizes": ["M", "L"]}, StatedContext(
            attributes={"first name": "Anna", "spent": 250.0, "is member": True, "sizes": frozenset({"M", "L"})})),
        ({"orders": "6", "lifetimeSpend": 812.5}, StatedContext(attributes={"orders": 6.0, "lifetime spend": 812.5})),
        ({"segments": ["vip", "Trail runners"]}, StatedContext(segments=frozenset({"vip", "Trail runners"}))),
    ],
)  # fmt: skip
def test_what_a_shop_knows_its_servers_say_alone(told: dict[str, Any], expected: StatedContext) -> None:
    assert stated_context(told, by_server=True) == expected
    assert stated_context(told, by_server=False) == StatedContext(ignored=tuple(told))


@pytest.mark.parametrize(
    "told", [{"country": "Norway"}, {"segments": ["vip", 7]}, {"plan": {"a": 1}}, {"": "x"}, {"orders": "six"}]
)
def test_what_makes_no_sense_is_ignored_from_servers_too(told: dict[str, Any]) -> None:
    assert stated_context(told, by_server=True) == StatedContext(ignored=tuple(told))


def test_a_name_that_no_attribute_can_have_is_ignored_however_long() -> None:
    long = {"aB" * 32: "x", "a" * 65: "x", "page" * 16_000: "/"}
    assert stated_context(long, by_server=True) == StatedContext(ignored=tuple(long))


def test_no_more_names_are_looked_up_than_anybody_has_a_use_for() -> None:
    assert len(stated_context({f"a{number}": "x" for number in range(200)}, by_server=True).attributes) == 200
    with pytest.raises(RequestError, match="at most 200 names"):
        stated_context({f"a{number}": "x" for number in range(201)}, by_server=False)
