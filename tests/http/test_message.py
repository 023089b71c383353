"""Requests and responses give their fields as HTTP means them."""

from __future__ import annotations

import pytest

from proxy.errors import OriginError
from proxy.http.message import Request, Response, as_lines, cookies_named, of_lines

REQUEST = Request(
    b"GET", b"/c/shoes", b"colour=red", b"shop.example", ((b"accept", b"a"), (b"accept", b"b"), (b"x", b"1"))
)


def test_the_first_field_or_all_of_them() -> None:
    assert REQUEST.get(b"accept") == b"a"
    assert REQUEST.get(b"cookie") is None
    assert REQUEST.get_list(b"accept") == b"a, b"
    assert REQUEST.get_list(b"accept", b"; ") == b"a; b"
    assert REQUEST.get_list(b"cookie") == b""


def test_the_target_is_the_wire_form() -> None:
    assert REQUEST.target == b"/c/shoes?colour=red"
    assert Request(b"GET", b"/", b"", b"shop.example", ()).target == b"/"


def test_a_response_gives_its_first_field() -> None:
    assert Response(200, ((b"etag", b'"1"'),)).get(b"etag") == b'"1"'
    assert Response(200, ()).get(b"etag") is None


def test_fields_and_their_lines_say_the_same() -> None:
    fields = ((b"content-type", b"text/html; charset=utf-8"), (b"x", b""), (b"x", b"a: b"))
    assert as_lines(fields) == b"content-type: text/html; charset=utf-8\r\nx: \r\nx: a: b\r\n"
    assert of_lines(as_lines(fields)) == fields
    assert (as_lines(()), of_lines(b"")) == (b"", ())
    assert Response(200, None, lead=as_lines(fields)).headers == fields


@pytest.mark.parametrize("value", [b"a\r\nX: b", b"a\nb", b"a\0b", b"a\x7fb"])
def test_a_field_that_would_end_early_is_no_line(value: bytes) -> None:
    with pytest.raises(OriginError):
        as_lines(((b"a", value), (b"content-length", b"0")))


def test_cookies_of_several_fields_are_one_list() -> None:
    asked = Request(b"GET", b"/", b"", b"shop.example", ((b"cookie", b"a=1"), (b"cookie", b"b=2")))
    assert asked.cookies == asked.cookies == b"a=1; b=2"
    assert REQUEST.cookies == b""


def test_our_cookies_are_looked_for_once_and_for_another_beginning_again() -> None:
    asked = Request(b"GET", b"/", b"", b"shop.example", ((b"cookie", b"tb_v=1; a=tb_x; tb_s=2"),))
    assert asked.cookies_named(b"tb_") is asked.cookies_named(b"tb_")
    assert (asked.cookies_named(b"tb_"), asked.cookies_named(b"a=")) == ((b"v=1", b"s=2"), (b"tb_x",))


def test_a_cookie_with_a_blank_in_its_name_is_another_cookie() -> None:
    assert cookies_named(b"tb_", b"tb_ v=1; tb_\tv=2; tb_v=3 ") == [b" v=1", b"\tv=2", b"v=3"]
    assert cookies_named(b"tb_p=", b"tb_p= 1 ") == [b"1"]
