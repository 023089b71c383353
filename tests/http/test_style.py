from __future__ import annotations

from proxy.http.message import Request
from proxy.http.style import REMEMBERED, Stylesheets
from proxy.page.slots import DeclaredSlot, stylesheet, stylesheet_url


def slots(height: int) -> list[DeclaredSlot]:
    return [DeclaredSlot("home.hero", height=height)]


def request(height: int, method: bytes = b"GET") -> Request:
    return Request(method, stylesheet_url(stylesheet(slots(height))).encode(), b"", b"shop.example", ())


def test_a_stylesheet_is_at_the_address_that_names_its_content_for_ever() -> None:
    sheets = Stylesheets()
    sheets.add(slots(300))
    answer = sheets.get(request(300))
    assert answer is not None
    assert answer.chunks == (stylesheet(slots(300)),)
    assert answer.get(b"content-length") == b"%d" % len(answer.chunks[0])
    assert b"immutable" in (answer.get(b"cache-control") or b"")


def test_other_addresses_and_methods_are_none_of_its_business() -> None:
    sheets = Stylesheets()
    sheets.add(slots(300))
    assert sheets.get(request(400)) is None
    assert sheets.get(request(300, b"POST")) is None


def test_head_has_the_fields_without_the_body() -> None:
    sheets = Stylesheets()
    sheets.add(slots(300))
    answer = sheets.get(request(300, b"HEAD"))
    assert answer is not None
    assert (answer.chunks, answer.get(b"content-type")) == ((), b"text/css; charset=utf-8")


def test_those_of_earlier_publications_are_served_for_a_while() -> None:
    sheets = Stylesheets()
    for height in range(REMEMBERED + 1):
        sheets.add(slots(height))
    assert sheets.get(request(0)) is None
    assert sheets.get(request(1)) is not None
    sheets.add(slots(1))
    sheets.add(slots(100))
    assert sheets.get(request(1)) is not None
