"""Requests and responses give their fields as HTTP means them."""

from __future__ import annotations

from proxy.serve.message import Request, Response

REQUEST = Request(
    b"GET", b"/c/shoes", b"colour=red", b"shop.example", ((b"accept", b"a"), (b"accept", b"b"), (b"x", b"1"))
)


def test_the_first_field_or_all_of_them() -> None:
    assert REQUEST.get(b"accept") == b"a"
    assert REQUEST.get(b"cookie") is None
    assert REQUEST.get_list(b"accept") == b"a, b"
    assert REQUEST.get_list(b"accept", b"; ") == b"a; b"
    assert REQUEST.get_list(b"cookie") == b""


def test_whether_any_of_some_fields_came() -> None:
    assert REQUEST.has_any(frozenset({b"cookie", b"x"}))
    assert not REQUEST.has_any(frozenset({b"cookie"}))


def test_the_target_is_the_wire_form() -> None:
    assert REQUEST.target == b"/c/shoes?colour=red"
    assert Request(b"GET", b"/", b"", b"shop.example", ()).target == b"/"


def test_a_response_gives_its_first_field() -> None:
    assert Response(200, ((b"etag", b'"1"'),)).get(b"etag") == b'"1"'
    assert Response(200, ()).get(b"etag") is None
