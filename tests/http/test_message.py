"""Requests and responses give their fields as HTTP means them."""

from __future__ import annotations

import pytest

from proxy.errors import OriginError
from proxy.http.message import (
    HeaderSet,
    Question,
    Request,
    Response,
    as_lines,
    cookies_named,
    in_json,
    in_words,
    of_lines,
)
from proxy.http.target import key_of

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


@pytest.mark.parametrize("referer", [None, b"https://shop.example/"])
@pytest.mark.parametrize("query", [b"", b"colour=red"])
@pytest.mark.parametrize("signal", [None, b"0", b"1"])
def test_a_request_of_a_question_is_the_request_with_all_its_fields(
    referer: bytes | None, query: bytes, signal: bytes | None
) -> None:
    shared = ((b"accept", b"a"), (b"accept", b"b"), *(((b"sec-gpc", signal),) if signal else ()))
    question = Question(HeaderSet(shared, b"shop.example", "https", "gzip"), b"GET", b"/c", query, referer)
    own = {b"cookie": b"a=1", b"if-none-match": b'"x"'}
    told = (*shared, *([] if referer is None else [(b"referer", referer)]), *own.items())
    made, plain = question.request(own, "c"), Request(b"GET", b"/c", query, b"shop.example", told, "https", "c")
    assert (made.headers, made.target, made.client) == (told, plain.target, "c")
    assert (made.body, made.content_length, made.depth, made.on_hints) == (None, None, 0, None)
    for name in (b"accept", b"cookie", b"referer", b"sec-gpc", b"range"):
        assert (made.get(name), made.get_list(name)) == (plain.get(name), plain.get_list(name))
    assert (made.cookies, made.is_private, key_of(made)) == (plain.cookies, signal == b"1", key_of(plain))
    assert plain.is_private == made.is_private
    assert (made.own, plain.own) == (own, {})


def test_a_question_takes_as_much_memory_as_it_says_of_its_path_and_fields() -> None:
    def size(path: bytes, query: bytes, referer: bytes | None, fields: int) -> int:
        header_set = HeaderSet(((b"a", b"b"),) * fields, b"shop.example", "https", "gzip")
        return Question(header_set, b"GET", path, query, referer).size

    least = size(b"/", b"", None, 0)
    assert size(b"/" + b"a" * 100, b"", None, 0) == least + 300
    assert size(b"/", b"a" * 100, None, 0) == least + 300
    assert size(b"/", b"", b"a" * 100, 0) == size(b"/", b"", b"", 0) + 100
    assert size(b"/", b"", None, 7) == least + 7 * (size(b"/", b"", b"", 0) - least)


def test_answers_of_our_own_say_their_kind_and_length() -> None:
    words = in_words(404, "not here", (b"x", b"1"))
    assert (words.status, words.chunks, words.get(b"content-length"), words.get(b"x")) == (
        404,
        (b"not here\n",),
        b"9",
        b"1",
    )
    made = in_json(201, {"a": 1}, (b"x", b"1"))
    assert (made.status, made.chunks, made.get(b"content-length"), made.get(b"x")) == (201, (b'{"a":1}',), b"7", b"1")
    assert (made.get(b"cache-control"), made.get(b"x-content-type-options")) == (b"no-store", b"nosniff")


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"tb_v=1", [b"v=1"]),
        (b"a=1;tb_v=1", [b"v=1"]),
        (b"a=1; \ttb_v=1;\t tb_s=2", [b"v=1", b"s=2"]),
        (b";tb_v=1", [b"v=1"]),
        (b"xtb_v=1; a=tb_; a tb_v=1; tb_s=2", [b"s=2"]),
        (b"a=1 tb_x=tb_v", []),
        (b"", []),
    ],
)
def test_a_cookie_begins_after_a_semicolon_and_blanks(sent: bytes, found: list[bytes]) -> None:
    assert cookies_named(b"tb_", sent) == found
