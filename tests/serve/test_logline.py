"""What is told of a request, as JSON: the same however it came, and never more than its line."""

from __future__ import annotations

import json
import os
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http.client import networks
from proxy.http.message import HeaderSet, OwnFields, Question, Request
from proxy.page.encode import Assembled
from proxy.serve.logline import Lines, LoggedRequest
from proxy.visitors.pending import ServedFrom, ServedPage

AGENT = (b"user-agent", b"Mozilla/5.0")
HEADER_SET = HeaderSet((AGENT, (b"accept", b"*/*")), b"shop.example", "https", "gzip")
QUESTION = Question(HEADER_SET, b"GET", b"/sale", b"page=2", b"https://shop.example/")
OWN = {b"cookie": b"a=1", b"x-forwarded-for": b"203.0.113.9", b"x-request-id": b"r-7"}
STATUS = b"cache-status: cdn; hit\r\ncache-status: tailorbird; hit; ttl=7"
HIT = b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n%b\r\n\r\n<p>" % STATUS


TRUSTED = networks(("10.0.0.0/8",))
LEAD = b"content-type: text/html\r\ncache-status: cdn; hit\r\ncache-status: tailorbird; hit; ttl=7\r\n"


def page(at: float, question: Question, own: OwnFields, client: str, lead: bytes = LEAD, length: int = 5) -> ServedPage:
    """As it is noted when it is given at once."""
    sent = Assembled((bytes(length),), length, b"", "identity")
    return at, "anna", ServedFrom(question, None, lead), None, sent, own, client


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """As it is documented."""

    time: str
    process: int
    client: str
    method: str
    host: str
    target: str
    status: int
    ms: float
    referer: str = ""
    user_agent: str = ""
    bytes: int | None = None
    cache: str = ""
    request_id: str = ""
    traceparent: str = ""
    whole: bool = True


def line(asked: LoggedRequest, head: Any = HIT, **more: Any) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(Lines(TRUSTED).of(1_700_000_000.25, asked, 200, head, **more))
    return written


@pytest.mark.parametrize("name", ["__tb", "writeKey", "api_secret"])
def test_what_opens_something_is_in_no_line(name: str) -> None:
    address = f"/sale?a=1&{name}=v1.secret&b=2"
    question = Question(HEADER_SET, b"GET", b"/sale", address[6:].encode(), f"https://shop.example{address}".encode())
    request = Request(
        b"GET", b"/sale", f"{name}=v1.secret".encode(), b"shop.example", ((b"referer", b"/?__tb=secret#x"),)
    )
    told = line((question, {}, "10.1.2.3")), line(request)
    assert told[0]["target"] == f"/sale?a=1&{name}=...&b=2"
    assert told[0]["referer"] == f"https://shop.example/sale?a=1&{name}=...&b=2"
    assert (told[1]["target"], told[1]["referer"]) == (f"/sale?{name}=...", "/?__tb=...#x")


def test_what_a_beacon_says_is_in_no_line() -> None:
    told = line(Request(b"GET", b"/_tb/g/collect", b"en=search&uid=anna&ep.search_term=socks", b"shop.example", ()))
    assert told["target"] == "/_tb/g/collect"


def test_a_line_says_who_asked_what_and_how_it_was_answered() -> None:
    assert line((QUESTION, OWN, "10.1.2.3"), seconds=0.0125) == {
        "time": "2023-11-14T22:13:20.250Z",
        "process": os.getpid(),
        "client": "203.0.113.9",
        "method": "GET",
        "host": "shop.example",
        "target": "/sale?page=2",
        "status": 200,
        "ms": 12.5,
        "bytes": 1234,
        "cache": "hit; ttl=7",
        "referer": "https://shop.example/",
        "user_agent": "Mozilla/5.0",
        "request_id": "r-7",
    }


def test_only_a_trusted_proxy_names_the_client() -> None:
    assert line((QUESTION, OWN, "192.0.2.1"))["client"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("head", "length", "cache"),
    [
        (((b"content-length", b"5"), (b"cache-status", b"tailorbird; fwd=miss")), 5, "fwd=miss"),
        (b"content-length: 0\r\ncache-status: tailorbird; fwd=uri-miss\r\n", 0, "fwd=uri-miss"),
        (((b"x-odd", b"content-length: 7"),), None, ""),
        (b"HTTP/1.1 200 OK\r\n\r\n\r\ncontent-length: 7\r\n", None, ""),
        ((), None, ""),
    ],
)
def test_of_the_answer_its_own_fields_count_whatever_its_head_is_given_as(
    head: Any, length: int | None, cache: str
) -> None:
    written = line((QUESTION, OWN, ""), head)
    assert (written.get("bytes"), written.get("cache", "")) == (length, cache)


@pytest.mark.parametrize(
    ("at", "time"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.9999, "2023-11-14T22:13:20.999Z"),
        (1_700_000_001.0, "2023-11-14T22:13:21.000Z"),
        (1_700_000_000.0015, "2023-11-14T22:13:20.001Z"),
    ],
)
def test_the_moment_is_told_to_the_millisecond(at: float, time: str) -> None:
    assert json.loads(Lines(()).joined([page(at, QUESTION, {}, "")]))["time"] == time


@pytest.mark.parametrize(
    ("peer", "own", "fields", "client"),
    [
        ("10.1.2.3", {}, (), "10.1.2.3"),
        ("10.1.2.3", {b"x-forwarded-for": b"203.0.113.9, 10.9.9.9"}, (), "203.0.113.9"),
        ("10.1.2.3", {b"x-forwarded-for": b"203.0.113.9"}, ((b"forwarded", b"for=198.51.100.7"),), "203.0.113.9"),
        ("10.1.2.3", {}, ((b"forwarded", b"for=198.51.100.7"),), "198.51.100.7"),
        ("10.1.2.3", {b"x-forwarded-for": b""}, ((b"forwarded", b"for=198.51.100.7"),), "198.51.100.7"),
        ("192.0.2.1", {b"x-forwarded-for": b"203.0.113.9"}, (), "192.0.2.1"),
        ("fe80::1%eth0", {}, (), "fe80::1%eth0"),
        ("", {}, (), ""),
    ],
)
def test_the_client_is_who_a_trusted_proxy_says_whichever_way_it_came(
    peer: str, own: OwnFields, fields: tuple[tuple[bytes, bytes], ...], client: str
) -> None:
    lines, question = Lines(TRUSTED), Question(HeaderSet(fields, b"", "http", "gzip"), b"GET", b"/", b"", None)
    bare = Request(b"GET", b"/", b"", b"", (*fields, *own.items()), client=peer)
    for _ in range(2):  # the second time from memory
        made = lines.joined([page(0.0, question, own, peer)]), lines.of(0.0, bare, 200, ())
        assert [json.loads(each)["client"] for each in made] == [client, client]


# Quotes, ends of lines and objects, escapes, halves of UTF-8, all controls: what somebody would write who wants a line
# of their own, or a field.
NASTY = (
    b'"', b'","status":200,"x":"', b"\\", b'\\"', b"\\u0000", b"\n", b"\r\n", b'"}\n{"time":"', b"\x00", b"\x1b[31m",
    b"\x7f", b"\x85", b"\xff", b"\xc3", b"\xc3\xa9", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xf0\x9f\x9b\x92", b"%00",
)  # fmt: skip


def requests_saying(value: bytes) -> tuple[Request, tuple[Question, OwnFields, str]]:
    """The same request, read field by field and by its question."""
    own = {b"cookie": value, b"x-request-id": value, b"traceparent": value}
    header_set = HeaderSet(((b"user-agent", value),), value, "https", "gzip")
    question = Question(header_set, b"GET", b"/" + value, value, value)
    headers = ((b"user-agent", value), (b"referer", value), *own.items())
    return Request(b"GET", b"/" + value, value, value, headers, client="192.0.2.1"), (question, own, "192.0.2.1")


@given(st.one_of(st.sampled_from(NASTY), st.binary(max_size=50), st.text(max_size=50).map(str.encode)))
def test_whatever_anybody_sends_it_is_one_line_that_reads_as_what_was_sent(value: bytes) -> None:
    lines, (bare, known) = Lines(()), requests_saying(value)
    head = b"cache-status: tailorbird; hit; ttl=7\r\nx-odd: %b\r\ncontent-length: 5" % value.translate(None, b"\r\n")
    made = [lines.joined([page(0.0, *known, head)]), *(lines.of(0.0, asked, 200, head) for asked in (bare, known))]
    assert len(set(made)) == 1
    assert made[0].endswith(b"}\n") and made[0].count(b"\n") == 1 and min(made[0][:-1]) >= 0x20
    told, text = msgspec.json.decode(made[0], type=Line), value.decode("utf-8", "replace")
    assert (told.referer, told.user_agent, told.request_id, told.traceparent) == (text,) * 4
    assert (told.target, told.host) == (bare.target.decode("latin-1"), value.decode("latin-1"))
    assert (told.status, told.bytes, told.cache) == (200, 5, "hit; ttl=7")


def test_no_line_gives_orders_to_a_terminal() -> None:
    agent = "a\x1b[2J\x9b2J\u202eb"
    asked = Request(b"GET", b"/", b"", b"shop.example", ((b"user-agent", agent.encode()),))
    written = Lines(()).of(0.0, asked, 200, HIT)
    assert json.loads(written)["user_agent"] == agent
    assert written.isascii() and written.strip().decode().isprintable()


def test_a_hit_has_the_line_that_any_answer_has() -> None:
    lines, lead = Lines(()), b"x: y\r\n" + LEAD
    for own in ({}, {b"cookie": b"a=1"}, {b"x-request-id": b"r"}, {b"cookie": b"a=1", b"traceparent": b"00-1"}):
        asked, head = (QUESTION, own, "192.0.2.1"), lead + b"content-length: 77\r\n"
        for _ in range(2):
            assert lines.joined([page(1.5, *asked, lead, 77)]) == lines.of(1.5, asked, 200, head)


def test_an_answer_that_broke_off_is_said_not_to_be_whole() -> None:
    assert line((QUESTION, {}, ""), is_whole=False)["whole"] is False
