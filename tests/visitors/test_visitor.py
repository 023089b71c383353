"""Cookies read and minted. The cases in `cases/cookies.json` are for every system that mints our cookies, in whatever
language: `docs/cookies.md`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.http.message import cookies_named
from proxy.metrics import Metrics
from proxy.model import Visitor
from proxy.visitors.signing import Keyring
from proxy.visitors.visitor import ANONYMOUS, NOBODYS, Cookies

ROOT = Path(__file__).parents[2]
TABLE = json.loads((ROOT / "tests/cases/cookies.json").read_text())
NOW = 1_795_435_200.0
SECRET = "a newer key of 24 bytes!"
COOKIES = Cookies(SECRET)
ANNA = COOKIES.visitor_pair("anna", NOW - 86_400)
ANNAS_SEGMENTS = COOKIES.segments_pair("anna", ["VIP", "Läufer im Trail"], NOW)


def header(*pairs: bytes) -> bytes:
    return b"; ".join(pairs)


def signed(purpose: bytes, payload: bytes) -> bytes:
    return Keyring(SECRET).sign(purpose, payload)


# -- finding ours among others


@given(st.lists(st.sampled_from([b"tb", b"=", b";", b" ", b"\t", b"x", b'"'])).map(b"".join))
@example(b"tb=tb=")
@example(b"x=tb=; tb=1 tb=2;tb=")
def test_cookies_are_found_wherever_they_begin(cookie_header: bytes) -> None:
    found = re.findall(rb"(?:^|;)[ \t]*tb=([^;]*)", cookie_header)
    assert cookies_named(b"tb=", cookie_header) == [value.strip(b" \t") for value in found]


# -- the table


@pytest.mark.parametrize("case", TABLE["mint"], ids=lambda case: case["name"])
def test_a_cookie_of_the_table_is_minted_byte_for_byte(case: dict[str, Any]) -> None:
    cookies = Cookies(case["secret"])
    if "segments" in case:
        seconds = case["expires_at"] - case["issued_at"]
        pair = cookies.segments_pair(case["visitor"], case["segments"], case["issued_at"], seconds)
    else:
        pair = cookies.visitor_pair(case["visitor"], case["issued_at"])
    assert pair.decode() == case["cookie"]


@pytest.mark.parametrize("case", TABLE["read"], ids=lambda case: case["name"])
def test_a_header_of_the_table_is_read_as_it_says(case: dict[str, Any]) -> None:
    visitor = Cookies(case["secret"]).read(case["header"].encode(), case["now"])
    assert (visitor.id, sorted(visitor.segments)) == (case["visitor"], case["segments"])


# -- reading


def test_a_request_without_cookies_is_anonymous() -> None:
    assert COOKIES.read(b"", NOW) == ANONYMOUS
    assert COOKIES.read(b"session=abc; theme=dark", NOW) == ANONYMOUS


def test_our_cookies_are_found_among_others() -> None:
    sent = header(b"a=1", ANNA, b"b=__Host-tb_v=2", ANNAS_SEGMENTS, b"c")
    assert COOKIES.read(sent, NOW) == Visitor("anna", NOW - 86_400, frozenset({"VIP", "Läufer im Trail"}))


def test_segments_alone_say_nothing() -> None:
    assert COOKIES.read(ANNAS_SEGMENTS, NOW) == ANONYMOUS


def test_segments_of_another_visitor_are_ignored() -> None:
    ben = COOKIES.visitor_pair("ben", NOW)
    assert COOKIES.read(header(ben, ANNAS_SEGMENTS), NOW) == Visitor("ben", NOW)


def test_segments_count_until_they_expire_however_often_they_were_read() -> None:
    cookies, sent = Cookies(SECRET), header(ANNA, ANNAS_SEGMENTS)
    read = [bool(cookies.read(sent, NOW + seconds).segments) for seconds in (0, 1_799, 1_800, 86_400, 10)]
    assert read == [True, True, False, False, True]


def test_a_minter_whose_clock_is_a_minute_ahead_is_believed_and_an_hour_is_not() -> None:
    for ahead, counts in ((60, True), (3_600, False)):
        segments = COOKIES.segments_pair("anna", ["VIP"], NOW + ahead)
        assert bool(COOKIES.read(header(ANNA, segments), NOW).segments) is counts


def test_who_came_while_a_clock_was_hours_ahead_stays_who_they_are_once_it_is_right() -> None:
    assert COOKIES.read(COOKIES.visitor_pair("anna", NOW + 3_600), NOW) == Visitor("anna", NOW + 3_600)
    assert COOKIES.read(COOKIES.visitor_pair("anna", NOW * 1_000), NOW) == ANONYMOUS, "in milliseconds"


@pytest.mark.parametrize("twice", [ANNA, ANNAS_SEGMENTS, b"__Host-tb_v=", b"__Host-tb_s=planted"])
def test_a_cookie_of_ours_that_comes_twice_makes_the_visitor_anonymous(twice: bytes) -> None:
    assert COOKIES.read(header(ANNA, ANNAS_SEGMENTS, twice), NOW) == ANONYMOUS
    assert COOKIES.read(header(twice, ANNA, ANNAS_SEGMENTS), NOW) == ANONYMOUS


def test_a_name_in_other_letters_or_without_the_prefix_is_not_ours() -> None:
    value = ANNA.partition(b"=")[2]
    for name in (b"__host-tb_v", b"__HOST-TB_V", b"tb_v", b"__Secure-tb_v", b"x__Host-tb_v"):
        assert COOKIES.read(name + b"=" + value, NOW) == ANONYMOUS
        assert COOKIES.read(header(ANNA, name + b"=" + value), NOW).id == "anna"


def test_a_value_of_one_cookie_is_worthless_in_the_other() -> None:
    visitor, segments = (pair.partition(b"=")[2] for pair in (ANNA, ANNAS_SEGMENTS))
    assert COOKIES.read(b"__Host-tb_v=" + segments, NOW) == ANONYMOUS
    assert COOKIES.read(header(ANNA, b"__Host-tb_s=" + visitor), NOW).segments == frozenset()


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"anna"}',
        b'{"id":"anna","iat":1.5}',
        b'{"id":"anna","iat":-1}',
        b'{"id":"anna","iat":1e400}',
        b'{"id":"anna","iat":9999999999999999999999999}',
        b'{"id":"","iat":1}',
        b'{"id":"an na","iat":1}',
        b'{"id":"anna\\n","iat":1}',
        b'{"id":"' + b"a" * 65 + b'","iat":1}',
        b'{"id":7,"iat":1}',
        b'{"id":"\xff","iat":1}',
        b"[" * 200,
        b"null",
        b"",
    ],
)
def test_a_valid_signature_over_malformed_content_is_ignored(payload: bytes) -> None:
    value = signed(b"tailorbird visitor v1", payload)
    assert COOKIES.read(b"__Host-tb_v=" + value, NOW) == ANONYMOUS


@pytest.mark.parametrize(
    "payload", [b'{"iat":1,"exp":1e400,"segments":["VIP"]}', b'{"iat":1,"exp":9e9,"segments":"VIP"}', b"{}", b"\xff"]
)
def test_segments_that_make_no_sense_leave_the_visitor_known(payload: bytes) -> None:
    value = signed(b"tailorbird segments v1\nanna", payload)
    assert COOKIES.read(header(ANNA, b"__Host-tb_s=" + value), NOW) == Visitor("anna", NOW - 86_400)


def test_a_cookie_longer_than_512_bytes_is_ignored() -> None:
    value = signed(b"tailorbird visitor v1", b'{"iat":1,"id":"anna"' + b" " * 400 + b"}")
    assert len(value) > 512
    assert COOKIES.read(b"__Host-tb_v=" + value, NOW) == ANONYMOUS


FRAGMENTS = st.sampled_from(
    [ANNA, ANNAS_SEGMENTS, b"__Host-tb_v", b"__Host-tb_s=", b"=", b";", b" ", b'"', b"\0", b"v1."]
)


@settings(max_examples=500)
@given(st.lists(FRAGMENTS | st.binary(max_size=30), max_size=12).map(b"".join))
def test_any_header_is_read_without_an_exception_and_gives_nobody_elses_visitor(sent: bytes) -> None:
    visitor = Cookies(SECRET, unsigned="cdp").read(sent, NOW)
    assert visitor.id in ("", "anna")
    assert visitor.segments <= {"VIP", "Läufer im Trail"}


def test_made_up_cookies_do_not_fill_the_memory() -> None:
    cookies = Cookies(SECRET)
    for number in range(100):
        cookies.read(header(ANNA, b"__Host-tb_s=made-up-%d" % number), NOW)
        cookies.read(b"__Host-tb_v=made-up-%d" % number, NOW)
    assert len(cookies._memo) == 0
    for spaces in range(10):
        cookies.read(header(ANNA, ANNAS_SEGMENTS) + b" " * spaces, NOW)
    assert len(cookies._memo) == 1


@given(
    st.lists(
        st.sampled_from([ANNA, ANNAS_SEGMENTS, b"a=1", b"__Host-tb_p=x", b"__Host-tb_v", b"; ", b";", b" ", b"\t="])
    )
)
@example([b"a=1", b"; ", ANNA, b"; ", ANNAS_SEGMENTS, b"; ", b"a=1"])
def test_a_remembered_verification_gives_what_reading_would(pieces: list[bytes]) -> None:
    cookie_header = b"".join(pieces)
    for before in (ANNA, header(ANNA, ANNAS_SEGMENTS)):
        COOKIES.read(before, NOW)
    assert COOKIES.known(cookie_header, NOW) in (None, COOKIES.read(cookie_header, NOW))
    assert not (b"__Host-tb_p" in cookie_header and COOKIES.known(cookie_header, NOW))


@pytest.mark.parametrize("before", [b"", b"a=1; ", b"a=1; b; "])
@pytest.mark.parametrize("after", [b"", b"; a=1", b";a"])
@pytest.mark.parametrize("ours", [(ANNA,), (ANNA, ANNAS_SEGMENTS)])
def test_whose_cookies_are_genuine_is_known_by_them_as_browsers_write_them(
    before: bytes, after: bytes, ours: tuple[bytes, ...]
) -> None:
    cookie_header = before + header(*ours) + after
    read = Cookies(SECRET).read(cookie_header, NOW)
    assert read.id == "anna" and bool(read.segments) == (len(ours) == 2)
    assert Cookies(SECRET).known(cookie_header, NOW) == read


@pytest.mark.parametrize(
    "ours",
    [
        (),
        (ANNA[:-1],),
        (ANNAS_SEGMENTS,),
        (ANNAS_SEGMENTS, ANNA),
        (ANNA, ANNA),
        (ANNA, ANNAS_SEGMENTS[:-1]),
        (ANNA, ANNAS_SEGMENTS, b"__Host-tb_p=a-preview"),
    ],
    ids=["none", "forged", "no visitor", "other order", "twice", "forged segments", "a preview"],
)
def test_other_visitors_are_unknown_until_read(ours: tuple[bytes, ...]) -> None:
    cookies = Cookies(SECRET)
    assert cookies.known(header(*ours), NOW) is None
    assert cookies.known(header(*ours), NOW) is None, "nothing of it is remembered"


def test_a_header_without_a_cookie_of_ours_is_told_from_one_that_must_be_read() -> None:
    cookies = Cookies(SECRET)
    assert all(cookies.verified(sent, NOW) is NOBODYS for sent in (b"", b"a=1", b"tb_v=1; a=1"))
    assert cookies.verified(b"__Host-tb_p=a-preview", NOW) is None


def test_where_hints_are_read_nobody_is_known_by_our_cookies_alone() -> None:
    cookies = Cookies(SECRET, unsigned="hints")
    assert cookies.read(ANNA, NOW).id == "anna"
    assert cookies.known(ANNA, NOW) is None
    assert cookies.verified(b"a=1", NOW) is None


def test_a_key_that_was_taken_away_no_longer_counts() -> None:
    rotated = Cookies(f"another key of 24 bytes!,{SECRET}")
    assert rotated.read(ANNA, NOW).id == "anna"
    metrics = Metrics()
    others = Cookies("another key of 24 bytes!", metrics=metrics)
    assert others.read(ANNA, NOW) == ANONYMOUS
    assert Cookies(SECRET, metrics=metrics).read(ANNA[:-1], NOW) == ANONYMOUS
    assert metrics.by_value("tailorbird_cookies_ignored_total") == {"key": 1, "content": 1}


# -- an unsigned cookie the operator named


def test_an_unsigned_cookie_is_read_only_when_named() -> None:
    sent = header(ANNA, b"cdp_segments=VIP")
    assert COOKIES.read(sent, NOW).unverified == frozenset()
    named = Cookies(SECRET, unsigned="cdp_segments").read(sent, NOW)
    assert (named.id, named.segments, named.unverified) == ("anna", frozenset(), frozenset({"VIP"}))


def test_an_unsigned_cookie_is_a_hint_for_the_anonymous_too() -> None:
    visitor = Cookies(SECRET, unsigned="cdp").read(b"cdp=VIP", NOW)
    assert visitor == Visitor(unverified=frozenset({"VIP"}))
