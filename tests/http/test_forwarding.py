"""What goes on to the origin, field by field."""

from __future__ import annotations

import pytest

from proxy.errors import RequestError
from proxy.http.client import networks
from proxy.http.forwarding import (
    request_head,
    request_headers,
    shared_headers,
    without_our_cookies,
)
from proxy.http.message import HeaderSet, Question, Request, of_lines


def asking(*fields: tuple[bytes, bytes], client: str = "203.0.113.9", scheme: str = "https") -> Request:
    return Request(b"GET", b"/c/shoes", b"", b"shop.example", fields, scheme, client)


def sent(
    *fields: tuple[bytes, bytes], client: str = "203.0.113.9", trusted: tuple[str, ...] = ()
) -> dict[bytes, bytes]:
    headers = request_headers(asking(*fields, client=client), host=b"shop.internal:8000", trusted=networks(trusted))
    assert len({name for name, _ in headers}) == len(headers)
    return dict(headers)


# -- the visitor's own request -------------------------------------------------------------------------------------


def test_the_origin_is_told_client_and_proxy() -> None:
    assert sent((b"host", b"shop.example"), (b"accept", b"*/*")) == {
        b"host": b"shop.internal:8000",
        b"accept": b"*/*",
        b"forwarded": b'for=203.0.113.9;host="shop.example";proto=https',
        b"x-forwarded-for": b"203.0.113.9",
        b"x-forwarded-proto": b"https",
        b"x-forwarded-host": b"shop.example",
        b"via": b"1.1 tailorbird",
        b"surrogate-capability": b'tailorbird="ESI/1.0"',
    }


@pytest.mark.parametrize(
    "name",
    b"connection keep-alive proxy-connection proxy-authorization te trailer transfer-encoding upgrade expect "
    b"content-length proxy http2-settings x-original-url x-rewrite-url x_visitor_segment content_length".split(),
)
def test_a_field_for_this_hop_or_of_no_good_use_stops_here(name: bytes) -> None:
    assert name not in sent((name, b"x-anything"))


def test_a_field_named_by_connection_stops_here() -> None:
    fields = sent((b"connection", b"X-Debug , close"), (b"x-debug", b"1"), (b"connection", b"foo"), (b"foo", b"2"))
    assert not {b"x-debug", b"foo", b"connection"} & fields.keys()


@pytest.mark.parametrize(
    "name", [b"Host", b"content-length", b"Transfer-Encoding", b"cookie", b"AUTHORIZATION", b"content-type"]
)
def test_connection_may_not_take_away_what_the_request_is(name: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        sent((b"connection", b"close, " + name))
    assert caught.value.status == 400


def test_connection_may_not_take_away_what_we_say() -> None:
    ours = [b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"forwarded", b"via"]
    fields = sent((b"connection", b", ".join(ours)))
    assert {name: fields[name] for name in ours} == {name: sent()[name] for name in ours}


@pytest.mark.parametrize(
    "name",
    b"forwarded x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port x-forwarded-prefix x-real-ip "
    b"true-client-ip cf-connecting-ip x-client-ip".split(),
)
def test_a_strangers_claim_about_itself_is_not_passed_on(name: bytes) -> None:
    assert b"6.6.6.6" not in b" ".join(sent((name, b"6.6.6.6")).values())


def test_a_trusted_proxys_word_is_passed_on_and_added_to() -> None:
    fields = sent(
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"x-forwarded-for", b"10.0.0.2"),
        (b"forwarded", b"for=192.0.2.1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"www.shop.example"),
        (b"x-real-ip", b"192.0.2.1"),
        (b"via", b"2 cdn"),
        client="10.0.0.1",
        trusted=("10.0.0.0/8",),
    )
    assert fields[b"x-forwarded-for"] == b"192.0.2.1, 10.0.0.2, 10.0.0.1"
    assert fields[b"forwarded"] == b'for=192.0.2.1, for=10.0.0.1;host="shop.example";proto=https'
    assert (fields[b"x-forwarded-proto"], fields[b"x-forwarded-host"]) == (b"https", b"www.shop.example")
    assert (fields[b"x-real-ip"], fields[b"via"]) == (b"192.0.2.1", b"2 cdn, 1.1 tailorbird")


def test_an_ipv6_client_is_quoted_as_rfc_7239_asks() -> None:
    assert sent(client="2001:db8::1")[b"forwarded"].startswith(b'for="[2001:db8::1]";')


@pytest.mark.parametrize(
    ("cookie", "left"),
    [
        (b"session=1; __Host-tb_v=x; cart=2", b"session=1; cart=2"),
        (b"__Host-tb_s=x;session=1;tb_v=y; tb_s=z", b"session=1"),
        (b"__HOST-TB_V=x; session=1", b"session=1"),
        (b" tb_v =x; session=1", b"session=1"),
        (b"session=tb_v; not_tb_v=1;  odd", b"session=tb_v; not_tb_v=1;  odd"),
        (b"a=1;b=2;  c", b"a=1;b=2;  c"),
        (b"__Host-tb_v=x; __Host-tb_s=y", b""),
        (b"a=1; __Host-tb_v=x; __Host-tb_s=y", b"a=1"),
        (b"a=1; __Host-tb_v=x; TB_S=y; b=2;", b"a=1; b=2"),
        (b"a=1; __Host-tb_vx=x; __Host-tb_v", b"a=1; __Host-tb_vx=x"),
        (b"a=1; __Host-tb_v=x;__Host-tb_s=y; b=2", b"a=1; b=2"),
        (b"tb_v=x", b""),
        (b"a=1; ", b"a=1; "),
    ],
)
def test_our_cookies_never_reach_the_origin(cookie: bytes, left: bytes) -> None:
    assert without_our_cookies(cookie) == left
    assert sent((b"cookie", cookie)).get(b"cookie", b"") == left


def question(*fields: tuple[bytes, bytes]) -> Question:
    header_set = HeaderSet(((b"host", b"shop.example"), *fields), b"shop.example", "https", "gzip")
    return Question(header_set, b"GET", b"/c", b"", b"https://shop.example/")


@pytest.mark.parametrize("client", ["203.0.113.9", "2001:db8::1", "10.0.0.1", ""])
@pytest.mark.parametrize("cookie", [None, b"session=1; __Host-tb_v=x", b"tb_v=x"])
@pytest.mark.parametrize("named", [b"keep-alive", b"keep-alive, referer, if-none-match"])
def test_what_many_requests_have_in_common_is_said_in_the_same_words(
    client: str, cookie: bytes | None, named: bytes
) -> None:
    common = (
        (b"connection", named), (b"accept-encoding", b"br, gzip"), (b"via", b"2 cdn"), (b"te", b"trailers"),
        (b"x-forwarded-proto", b"https"),
    )  # fmt: skip
    own = {b"if-none-match": b'"a"', b"x-forwarded-for": b"192.0.2.1", b"x-request-id": b"7"}
    request = question(*common).request(own if cookie is None else {b"cookie": cookie, **own}, client)
    trusted = networks(("10.0.0.0/8",))
    for coding, without in ((b"gzip", frozenset({b"if-none-match"})), (None, frozenset())):
        head = request_head(request, host=b"h", trusted=trusted, accept_encoding=coding, without=without) or b""
        line, _, lines = head.partition(b"\r\n")
        headers = request_headers(request, host=b"h", trusted=trusted, accept_encoding=coding, without=without)
        assert (line, lines[-4:]) == (b"GET /c HTTP/1.1", b"\r\n\r\n")
        assert sorted(of_lines(lines)) == sorted(headers)


def test_what_has_to_be_added_to_or_is_no_question_is_put_together_for_this_request_alone() -> None:
    for name, value in ((b"forwarded", b"proto=https"), (b"x-forwarded-for", b"192.0.2.1")):
        claiming = question((name, value)).request({}, "10.0.0.1")
        assert request_head(claiming, host=b"h", trusted=networks(("10.0.0.0/8",))) is None
        assert request_head(claiming, host=b"h") is not None
    assert request_head(asking(), host=b"h") is None


@pytest.mark.parametrize("value", [b"a=1\r\nX: y", b"a=1\n", b"\na", b"a\rX: y", b"\ra", b"a=\0", b"\0a"])
def test_a_field_of_its_own_cannot_end_its_line_early(value: bytes) -> None:
    with pytest.raises(RequestError):
        request_head(question().request({b"cookie": value}, "192.0.2.7"), host=b"h")


def test_the_caller_chooses_the_coding_and_what_else_to_leave_out() -> None:
    request = asking((b"accept-encoding", b"br, gzip"), (b"if-none-match", b'W/"ours"'), (b"accept", b"*/*"))
    kept = dict(request_headers(request, host=b"h"))
    assert kept[b"accept-encoding"] == b"br, gzip"
    chosen = dict(request_headers(request, host=b"h", accept_encoding=b"gzip", without=(b"if-none-match",)))
    assert chosen[b"accept-encoding"] == b"gzip"
    assert b"if-none-match" not in chosen
    assert b"accept-encoding" not in dict(request_headers(request, host=b"h", accept_encoding=b""))


# -- a fetch for everybody -----------------------------------------------------------------------------------------


def test_a_shared_fetch_says_nothing_of_who_asks() -> None:
    request = asking(
        (b"cookie", b"session=1"),
        (b"authorization", b"Basic x"),
        (b"user-agent", b"Mozilla"),
        (b"accept-language", b"nl"),
        (b"x-forwarded-for", b"6.6.6.6"),
        (b"x-forwarded-host", b"evil.example"),
        (b"forwarded", b"for=6.6.6.6"),
        (b"x-trace", b"1"),
        (b"range", b"bytes=0-1"),
    )
    assert dict(shared_headers(request, {b"accept-language"}, host=b"shop.internal:8000", accept_encoding=b"gzip")) == {
        b"host": b"shop.internal:8000",
        b"user-agent": b"tailorbird",
        b"accept-encoding": b"gzip",
        b"accept-language": b"nl",
        b"forwarded": b'host="shop.example";proto=https',
        b"x-forwarded-proto": b"https",
        b"x-forwarded-host": b"shop.example",
        b"via": b"1.1 tailorbird",
        b"surrogate-capability": b'tailorbird="ESI/1.0"',
    }


def test_a_fetch_for_all_believes_what_proxies_claim_of_none_but_the_trusted() -> None:
    request = asking((b"x-forwarded-port", b"8443"), (b"x-forwarded-host", b"evil.example"))
    names = {b"x-forwarded-port", b"x-forwarded-host"}
    for trusted, told in (((), None), (networks([request.client]), b"8443")):
        headers = shared_headers(request, names, host=b"h", trusted=trusted)
        assert dict(headers).get(b"x-forwarded-port") == told
        assert [value for name, value in headers if name == b"x-forwarded-host"] == [b"shop.example"]


def test_not_even_a_mistaken_allow_list_lets_a_person_through() -> None:
    request = asking((b"cookie", b"session=1"), (b"authorization", b"Basic x"), (b"x-real-ip", b"6.6.6.6"))
    headers = shared_headers(request, {b"cookie", b"authorization", b"x-real-ip"}, host=b"h")
    assert not {b"cookie", b"authorization", b"x-real-ip"} & dict(headers).keys()
