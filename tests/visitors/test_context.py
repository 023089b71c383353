from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audience.traits import STRANGER
from proxy.conditions.derived import base_of
from proxy.conditions.localtime import ZONED_ATTRIBUTES
from proxy.conditions.vocabulary import PHRASES
from proxy.http.message import Request
from proxy.model import AttributeValue, Event, Measure, Profile, Reading, Visitor
from proxy.visitors.context import (
    REQUEST_ATTRIBUTES,
    context_of,
    device_of,
    host_of,
    languages_of,
    needs_profile,
)
from proxy.visitors.places import PLACE_ATTRIBUTES, PlaceHeaders

NOW = 1_795_435_200.0
PHONE = (
    b"Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36"
)
TABLET = b"Mozilla/5.0 (Linux; Android 16; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
IPHONE = b"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148"
IPAD = b"Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Version/12.1 Mobile/15E148 Safari/604.1"
DESKTOP = b"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def request(path: bytes = b"/", query: bytes = b"", **fields: bytes) -> Request:
    headers = tuple((name.replace("_", "-").encode(), value) for name, value in fields.items())
    return Request(b"GET", path, query, b"shop.example", headers)


def known(
    asked: str, visited: Request, visitor: Visitor = Visitor(), profile: Profile | None = None, **more: PlaceHeaders
) -> AttributeValue | None:
    context = context_of(visited, visitor, profile, now=NOW, asked={asked}, **more)
    return context.attributes.get(asked)


# -- from the request


@pytest.mark.parametrize(
    ("attribute", "visited", "value"),
    [
        ("page", request(b"/c/trail%20shoes"), "/c/trail shoes"),
        ("page", request(b"/caf%C3%A9/%ff", b"q=1"), "/café/\ufffd"),
        ("page", request(b"/cart;jsessionid=1E669D.node1/a;colour=red"), "/cart/a;colour=red"),
        ("search term", request(query=b"q=trail+shoes%21"), "trail shoes!"),
        ("search term", request(query=b"page=2&search=sock"), "sock"),
        ("search term", request(query=b"s=hat&query=sock"), "sock"),
        ("search term", request(query=b"q="), None),
        ("refinement.colour", request(query=b"colour=red&size=42&colour=blue"), frozenset({"red", "blue"})),
        ("refinement.colour", request(query=b"size=42"), None),
        ("refinement.stock level", request(query=b"stock+level=low"), frozenset({"low"})),
        ("campaign", request(query=b"utm_campaign=Spring%20Sale"), "Spring Sale"),
        ("campaign.source", request(query=b"utm_source=newsletter"), "newsletter"),
        ("campaign.medium", request(query=b"utm_medium=email"), "email"),
        ("campaign.term", request(query=b"utm_term=shoes"), "shoes"),
        ("campaign.content", request(query=b"utm_content=a"), "a"),
        ("campaign", request(), None),
        ("referrer", request(referer=b"https://www.Google.com/search?q=shoes"), "google.com"),
        ("referrer", request(referer=b"https://www.shop.example:8443/c/shoes"), None),
        ("referrer", request(referer=b"about:blank"), None),
        ("referrer", request(referer=b"https://" + b"x" * 8_000 + b".example/"), None),
        ("referrer", request(), None),
        ("language", request(accept_language=b"nl-BE,nl;q=0.9,en;q=0.8"), frozenset({"nl-be", "nl"})),
        ("device", request(user_agent=PHONE), "phone"),
        ("device", request(user_agent=DESKTOP, sec_ch_ua_mobile=b"?1"), "phone"),
        ("device", request(), None),
    ],
)
def test_an_attribute_of_the_request(attribute: str, visited: Request, value: AttributeValue | None) -> None:
    assert known(attribute, visited) == value


@pytest.mark.parametrize(
    ("accept_language", "languages"),
    [
        (b"nl", {"nl"}),
        (b"en;q=0.5, nl-NL;q=0.9", {"nl-nl", "nl"}),
        (b"en , nl", {"en"}),
        (b"*, fr;q=0.1", {"fr"}),
        (b"en;q=0", None),
        (b"en;q=2, de", {"de"}),
        (b"zh-Hant-TW", {"zh-hant-tw", "zh"}),
        (b"", None),
        (b"\xff\x00,;;=,-", None),
        (b"de" + b" " * 400 + b"x", None),
        (b"x," * 50 + b"de", {"x"}),
    ],
)
def test_the_language_wanted_most(accept_language: bytes, languages: set[str] | None) -> None:
    assert languages_of(accept_language) == languages


@pytest.mark.parametrize(
    ("user_agent", "hint", "device"),
    [
        (PHONE, b"", "phone"),
        (PHONE, b"?1", "phone"),
        (TABLET, b"?0", "tablet"),
        (IPHONE, b"", "phone"),
        (IPAD, b"", "tablet"),
        (DESKTOP, b"", "desktop"),
        (DESKTOP, b"?0", "desktop"),
        (b"curl/8.5.0", b"", "desktop"),
        (b"", b"?1", "phone"),
        (b"", b"", None),
    ],
)
def test_the_device(user_agent: bytes, hint: bytes, device: str | None) -> None:
    assert device_of(user_agent, hint) == device


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (b"https://www.example.com/a//b", "example.com"),
        (b"http://user:secret@EXAMPLE.com:8080?x#y", "example.com"),
        (b"http://[2001:db8::1]:80/", "[2001:db8::1]"),
        (b"//shop.example", "shop.example"),
        (b"https://xn--mnchen-3ya.example/x", "münchen.example"),
        (b"https://xn--strae-oqa.example", "straße.example"),
        (b"https://xn--\xff.example", "xn--ÿ.example"),
        (b"/relative", ""),
        (b"", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_the_host_of_a_url(url: bytes, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("sent", "country"), [(b"NO", "NO"), (b" nl ", "NL"), (b"XX", None), (b"T1", None), (b"", None)]
)
def test_the_country_a_trusted_proxy_names(sent: bytes, country: str | None) -> None:
    assert known("country", request(cf_ipcountry=sent), place_headers={"country": b"cf-ipcountry"}) == country


def test_a_country_from_anyone_else_is_not_believed() -> None:
    assert known("country", request(cf_ipcountry=b"NO")) is None


def test_a_city_is_what_the_request_says_where_a_field_is_named_for_it_else_what_the_profile_says() -> None:
    visited, at_home = (
        request(cf_ipcity=b"Oslo", cf_region=b"03", cf_ipcountry=b"NO"),
        Profile("anna", {"city": "Gent"}),
    )
    fields = {"country": b"cf-ipcountry", "region": b"cf-region", "city": b"cf-ipcity"}
    told = context_of(visited, ANNA, at_home, now=NOW, place_headers=fields).attributes
    assert (told["country"], told["region"], told["city"]) == ("NO", "NO-03", "Oslo")
    assert known("city", visited, profile=at_home, place_headers=fields) == "Oslo"
    assert known("city", visited, profile=at_home) == "Gent"
    assert context_of(visited, ANNA, at_home, now=NOW).attributes["city"] == "Gent"


# -- from the visitor and the profile

ANNA = Visitor("anna", NOW - 86_400, frozenset({"VIP"}))
ANNAS_PROFILE = Profile("anna", {"orders": 4.0, "first name": "Anna"}, frozenset({"Trail runners"}))


@pytest.mark.parametrize(
    ("visitor", "kind"),
    [
        (Visitor(), "new"),
        (Visitor("v", NOW - 1_799), "new"),
        (Visitor("v", NOW - 1_800), "returning"),
        (ANNA, "returning"),
    ],
)
def test_a_visitor_is_new_for_half_an_hour(visitor: Visitor, kind: str) -> None:
    assert known("visitor", request(), visitor) == kind


def test_segments_are_those_of_cookie_and_profile_together() -> None:
    assert known("segment", request(), ANNA, ANNAS_PROFILE) == {"VIP", "Trail runners"}
    assert known("segment", request(), ANNA) == {"VIP"}
    assert known("segment", request()) is None


def test_segments_nobody_signed_count_as_segments_and_are_told_apart() -> None:
    hinted = Visitor("anna", 0.0, frozenset({"VIP"}), frozenset({"vip", "Sale hunters"}))
    context = context_of(request(), hinted, ANNAS_PROFILE, now=NOW)
    assert context.attributes["segment"] == {"VIP", "vip", "Sale hunters", "Trail runners"}
    assert context.unverified == {"Sale hunters"}


def test_profile_attributes_go_by_their_own_names() -> None:
    assert known("orders", request(), ANNA, ANNAS_PROFILE) == 4.0
    assert known("orders", request(), ANNA) is None
    assert known("shoe size", request(), ANNA, ANNAS_PROFILE) is None


def test_a_profile_cannot_pose_as_the_request() -> None:
    posing = Profile("anna", {"page": "/checkout", "country": "NO", "segment": "VIP", "refinement.colour": "red"})
    context = context_of(request(b"/"), Visitor("anna"), posing, now=NOW)
    assert context.attributes["page"] == "/"
    assert not {"country", "segment"} & context.attributes.keys()
    assert known("refinement.colour", request(), Visitor("anna"), posing) is None


# -- the whole


def test_only_what_is_asked_is_worked_out() -> None:
    context = context_of(request(b"/c/shoes"), ANNA, ANNAS_PROFILE, now=NOW, asked={"page", "orders", "country"})
    assert dict(context.attributes) == {"page": "/c/shoes", "orders": 4.0}
    assert (context.targeting_key, context.now) == ("anna", NOW)


def test_without_asking_everything_known_is_there() -> None:
    visited = request(b"/c/shoes", b"q=red&colour=red", user_agent=PHONE, cf_ipcountry=b"NO")
    context = context_of(visited, ANNA, ANNAS_PROFILE, now=NOW, place_headers={"country": b"cf-ipcountry"}, measures={})
    assert (
        context.attributes.items()
        >= {
            "country": "NO",
            "device": "phone",
            "page": "/c/shoes",
            "search term": "red",
            "visitor": "returning",
            "segment": frozenset({"VIP", "Trail runners"}),
            "refinement.q": frozenset({"red"}),
            "refinement.colour": frozenset({"red"}),
            "orders": 4.0,
            "first name": "Anna",
        }.items()
    )


def test_traits_are_read_off_the_history_at_the_moment_asked() -> None:
    orders = Measure(Reading.COUNT, ("order completed",), 3_600.0)
    anna = replace(ANNAS_PROFILE, history=(Event(NOW, "1", "order completed"),))

    def recent(now: float, profile: Profile | None = anna) -> AttributeValue | None:
        measures = {"recent": orders}
        context = context_of(request(), ANNA, profile, now=now, asked={"recent"}, measures=measures)
        return context.attributes.get("recent")

    assert (recent(NOW), recent(NOW + 3_599), recent(NOW + 3_600)) == (1.0, 1.0, 0.0)
    assert recent(NOW, STRANGER) == 0.0, "who was never here did nothing"
    assert recent(NOW, None) is None, "whom the store cannot tell us of may have"


def test_the_profile_is_needed_only_for_what_it_can_say() -> None:
    assert not needs_profile([*REQUEST_ATTRIBUTES, "weekday", "hours", "refinement.colour"])
    assert needs_profile(["page", "orders"])
    assert needs_profile(["segment"])
    assert not needs_profile([])


def test_every_phrase_an_editor_may_write_is_answered() -> None:
    of_requests = [phrase for phrase in PHRASES if phrase.measure is None]
    asked = {phrase.attribute for phrase in of_requests if phrase.stands_alone}
    asked |= {f"{phrase.attribute}.{part}" for phrase in of_requests for part in phrase.parts or ()}
    from_the_clock, from_a_login = {*ZONED_ATTRIBUTES, "now"}, {"time zone", "app version", "location"}
    assert {base_of(name) for name in asked} == {
        *REQUEST_ATTRIBUTES, *PLACE_ATTRIBUTES, "segment", "journey stage", *from_the_clock, *from_a_login
    }  # fmt: skip


def test_a_query_is_read_up_to_its_hundredth_parameter() -> None:
    query = b"&".join(b"p%d=x" % number for number in range(500))
    attributes = context_of(request(query=query), Visitor(), None, now=NOW).attributes
    assert sum(name.startswith("refinement.") for name in attributes) == 100


BYTES = st.binary(max_size=60)


@given(BYTES, BYTES, BYTES, BYTES, BYTES)
def test_any_request_has_a_context(path: bytes, query: bytes, referer: bytes, languages: bytes, country: bytes) -> None:
    visited = request(path, query, referer=referer, accept_language=languages, user_agent=languages, country=country)
    attributes = context_of(visited, Visitor(), None, now=NOW, place_headers={"country": b"country"}).attributes
    assert attributes["visitor"] == "new"
    assert all(value or value is False for name, value in attributes.items() if name != "page")
