"""Each head either makes one request or is refused; which, is a table."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from proxy.errors import RequestError
from proxy.http.incoming import HEALTH_PATH, Incoming, origin_form, refusal, require_small
from proxy.http.message import Request
from proxy.model import Headers
from proxy.settings import Settings

HOST = (b"host", b"shop.example")


def incoming(
    *fields: tuple[bytes, bytes], target: bytes = b"/", method: bytes = b"GET", version: str = "1.1", **settings: object
) -> Request:
    judge = Incoming(Settings(**settings))  # type: ignore[arg-type]
    return judge.request(method, target, version, fields, peer="192.0.2.7", scheme="http")


def test_a_request_is_what_its_head_says() -> None:
    request = incoming(HOST, (b"content-length", b"3"), target=b"/a%2fb/./c?q=%41", method=b"POST")
    assert (request.method, request.path, request.query) == (b"POST", b"/a%2Fb/c", b"q=%41")
    assert (request.host, request.client, request.scheme) == (b"shop.example", "192.0.2.7", "http")
    assert request.content_length == 3


@pytest.mark.parametrize(
    ("fields", "length", "has_body"),
    [
        ((), None, False),
        (((b"connection", b"keep-alive, x-debug"),), None, False),
        (((b"content-length", b"0"),), 0, False),
        (((b"content-length", b"007"),), 7, True),
        (((b"transfer-encoding", b"Chunked"),), None, True),
    ],
)
def test_a_body_is_framed_by_one_field(fields: Headers, length: int | None, has_body: bool) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b""

    coming = body()
    request = Incoming(Settings()).request(
        b"POST", b"/", "1.1", (HOST, *fields), peer="192.0.2.7", scheme="http", body=coming
    )
    assert (request.content_length, request.body is coming) == (length, has_body)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ([], {}),
        ([], {"version": "1.0"}),
        ([], {"allowed_hosts": ("shop.example",)}),
        ([(b"host", b"")], {"version": "1.0", "allowed_hosts": ("shop.example",)}),
        ([], {"version": "1.0", "allowed_hosts": ("shop.example",), "target": b"http://other.example/"}),
        ([(b"host", b"")], {}),
        ([(b"host", b"a b")], {}),
        ([HOST, HOST], {}),
        ([HOST, (b"host", b"other.example")], {}),
        ([HOST, (b"content-length", b"3"), (b"content-length", b"3")], {}),
        ([HOST, (b"content-length", b"+3")], {}),
        ([HOST, (b"content-length", b"")], {}),
        ([HOST, (b"content-length", b"3"), (b"transfer-encoding", b"chunked")], {}),
        ([HOST, (b"transfer-encoding", b"gzip, chunked")], {}),
        ([HOST, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], {}),
        ([HOST, (b"transfer-encoding", b"chunked")], {"version": "1.0"}),
        ([HOST, (b"connection", b"close, Content-Length")], {}),
        ([HOST, (b"connection", b"keep-alive"), (b"connection", b"cookie")], {}),
        ([HOST, (b"connection", b"cookie"), (b"connection", b"keep-alive")], {}),
        ([HOST], {"target": b"*", "method": b"OPTIONS"}),
        ([HOST], {"target": b"@evil.example/"}),
        ([HOST], {"target": b"http://evil.example/"}),
        ([HOST], {"target": b"http://user@shop.example/"}),
        ([HOST], {"target": b"ftp://shop.example/"}),
        ([HOST], {"target": b"/a#b"}),
        ([HOST], {"target": b"/a\x01b"}),
        ([HOST], {"target": b"/a b"}),
        ([HOST], {"target": "/é".encode()}),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(fields: list[tuple[bytes, bytes]], what: dict[str, object]) -> None:
    with pytest.raises(RequestError) as refused:
        incoming(*fields, **what)  # type: ignore[arg-type]
    assert refused.value.status == 400


def test_a_balancer_may_ask_for_our_health_by_any_name_and_by_none() -> None:
    for version, fields, host in (("1.0", (), b"localhost"), ("1.1", ((b"host", b"10.0.0.7:8080"),), b"10.0.0.7:8080")):
        asked = incoming(*fields, target=HEALTH_PATH, version=version, allowed_hosts=("shop.example",))
        assert (asked.path, asked.host) == (HEALTH_PATH, host)
    for version, fields in (("1.1", ()), ("1.1", ((b"host", b"a b"),)), ("1.0", ((b"host", b""),))):
        with pytest.raises(RequestError):
            incoming(*fields, target=HEALTH_PATH, version=version)
    for target in (HEALTH_PATH + b"/../x", HEALTH_PATH + b"?x", b"http://10.0.0.7" + HEALTH_PATH, b"/"):
        with pytest.raises(RequestError):
            incoming((b"host", b"10.0.0.7"), target=target, allowed_hosts=("shop.example",))


def test_before_http_1_1_a_request_without_host_is_for_the_first_that_is_served() -> None:
    request = incoming(version="1.0", allowed_hosts=("Shop.example:8443", "other.example"))
    assert (request.host, request.headers) == (b"shop.example:8443", ())
    assert (
        incoming((b"host", b"other.example"), version="1.0", allowed_hosts=("a", "other.example")).host
        == b"other.example"
    )


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"version": "0.9"}, 505),
        ({"version": "2.0"}, 505),
        ({"method": b"TRACE"}, 501),
        ({"method": b"CONNECT"}, 501),
        ({"allowed_hosts": ("other.example",)}, 421),
    ],
)
def test_what_is_not_served_is_refused_in_its_own_way(what: dict[str, object], status: int) -> None:
    with pytest.raises(RequestError) as refused:
        incoming(HOST, **what)  # type: ignore[arg-type]
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://shop.example/sale?x=1", b"/sale?x=1"),
        (b"HTTPS://Shop.Example", b"/"),
        (b"http://shop.example?x=1", b"/?x=1"),
        (b"//evil.example/x", b"//evil.example/x"),
    ],
)
def test_an_absolute_target_is_the_path_on_the_host_it_shares_with_the_host_field(target: bytes, path: bytes) -> None:
    assert origin_form(target, b"shop.example") == path


def test_a_field_with_an_underscore_is_not_there() -> None:
    assert incoming(HOST, (b"x_visitor_segment", b"vip"), (b"accept", b"*/*")).headers == (HOST, (b"accept", b"*/*"))


def test_only_a_trusted_proxy_says_how_the_client_came() -> None:
    said = (b"x-forwarded-proto", b"https")
    assert incoming(HOST, said).scheme == "http"
    assert incoming(HOST, said, trusted_proxies=("192.0.2.0/24",)).scheme == "https"


@pytest.mark.parametrize(
    ("target", "fields", "status"),
    [
        (b"/" * 101, [], 414),
        (b"/", [(b"a", b"b" * 60)], 431),
        (b"/", [(b"a", b"b")] * 11, 431),
        (b"/", [(b"a", b"b" * 40)] * 8, 431),
    ],
)
def test_a_head_beyond_a_limit_is_refused(target: bytes, fields: list[tuple[bytes, bytes]], status: int) -> None:
    limits = Settings(max_request_line_bytes=100, max_field_bytes=50, max_fields=10, max_head_bytes=200)
    with pytest.raises(RequestError) as refused:
        require_small(target, fields, limits)
    assert refused.value.status == status
    require_small(b"/", [(b"a", b"b" * 30)] * 5, limits)
    require_small(b"/" * 100, [(b"a", b"b" * 45), (b"a", b"b" * 45)], limits)  # each at its limit, and the sum
    require_small(b"/", [(b"a", b"b")] * 10, limits)
    with pytest.raises(RequestError):
        require_small(b"/" * 100, [(b"a", b"b" * 45), (b"a", b"b" * 41), (b"", b"c")], limits)


def test_a_refusal_is_never_kept_and_ends_the_connection() -> None:
    headers = dict(refusal(RequestError("busy", status=503)).headers)
    assert headers[b"connection"] == b"close"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"retry-after"] == b"1"


@pytest.mark.parametrize(
    ("peer", "named", "trusted", "warns"),
    [
        ("10.0.0.5", b"x-forwarded-proto", (), True),
        ("127.0.0.1", b"x-forwarded-for", ("10.0.0.0/8",), True),
        ("10.0.0.5", b"x-forwarded-proto", ("10.0.0.0/8",), False),
        ("10.0.0.5", b"x-request-id", (), False),
        ("192.0.2.7", b"x-forwarded-for", (), False),
        ("", b"x-forwarded-for", (), False),
    ],
)
def test_a_proxy_of_a_private_network_that_nobody_named_is_told_of_once(
    peer: str, named: bytes, trusted: tuple[str, ...], warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    judge = Incoming(Settings(trusted_proxies=trusted))
    for _ in range(2):
        judge.request(b"GET", b"/", "1.1", (HOST, (named, b"https")), peer=peer, scheme="http")
    assert [f"TAILORBIRD_TRUSTED_PROXIES={peer}" in message for message in caplog.messages] == [True] * warns


def test_what_comes_back_again_and_again_is_refused_and_the_operator_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    judge = Incoming(Settings())
    ours = b"1.1 tailorbird"
    for via in (b"1.1 varnish", ours, b"1.1 cdn, " + ours + b", " + ours):
        fields = [(b"host", b"shop.example"), (b"via", via)]
        judge.request(b"GET", b"/sale", "1.1", fields, peer="192.0.2.7", scheme="https")
    for fields in ([(b"via", b", ".join([ours] * 3))], [(b"via", ours)] * 3):
        with pytest.raises(RequestError) as refused:
            judge.request(
                b"GET", b"/sale", "1.1", [(b"host", b"shop.example"), *fields], peer="192.0.2.7", scheme="https"
            )
        assert refused.value.status == 508
    assert len(caplog.records) == 1 and "`/sale` comes back" in caplog.text and "the shop's own address" in caplog.text
