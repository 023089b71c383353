from __future__ import annotations

import pytest

from proxy.errors import OriginError, RequestError
from proxy.http.message import Request, as_lines, of_lines
from proxy.http.outgoing import (
    Lead,
    assembled_answer,
    error_page,
    personal_head,
    slotless_answer,
    stored_answer,
    vary_by_coding,
)
from proxy.httpcache.stored import CacheOptions, StoredResponse, stored_response
from proxy.model import Headers
from proxy.page.encode import Assembled, Coding

NOON = 784_111_777.0
LAST_MODIFIED = b"Sun, 06 Nov 1994 08:00:00 GMT"


def request(*headers: tuple[bytes, bytes], method: bytes = b"GET") -> Request:
    return Request(method, b"/", b"", b"shop.example", headers)


def kept(*headers: tuple[bytes, bytes], status: int = 200) -> StoredResponse:
    fields = ((b"cache-control", b"max-age=60"), (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"), *headers)
    return stored_response(status, fields, b"body", NOON, NOON, CacheOptions())


CODINGS: tuple[Coding, ...] = ("identity", "gzip")
PAGE = Assembled([b"one ", b"two"], 7, b'W/"tag"', "identity")
PACKED = Assembled([b"one ", b"two"], 7, b'W/"tag"', "gzip")


def test_a_filled_page_has_none_of_the_fields_that_spoke_of_the_origins_bytes_or_to_shared_caches() -> None:
    spoken: Headers = tuple(
        (name, b"x")
        for name in b"etag last-modified accept-ranges content-md5 digest repr-digest content-digest signature "
        b"signature-input expires pragma age cdn-cache-control tailorbird-cache-control surrogate-control "
        b"content-length content-encoding cache-control".split()
    )
    head = personal_head((*spoken, (b"content-type", b"text/html"), (b"link", b"</a.css>")))
    assert head == (
        (b"content-type", b"text/html"),
        (b"link", b"</a.css>"),
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Accept-Encoding"),
    )


def test_a_page_that_may_not_be_stored_stays_so() -> None:
    assert (b"cache-control", b"private, no-cache, no-store") in personal_head(((b"cache-control", b"no-store"),))


@pytest.mark.parametrize(
    ("origins", "ours"),
    [
        ([], b"Accept-Encoding"),
        ([b"Accept-Language"], b"Accept-Language, Accept-Encoding"),
        ([b"accept-encoding, Origin"], b"accept-encoding, Origin"),
        ([b"A", b"B"], b"A, B, Accept-Encoding"),
    ],
)
def test_vary_names_the_coding_once_beside_what_the_origin_named(origins: list[bytes], ours: bytes) -> None:
    assert vary_by_coding(tuple((b"vary", value) for value in origins)) == (b"vary", ours)


def test_a_page_put_together_says_its_length_coding_and_tag() -> None:
    answer = assembled_answer(200, b"a: b\r\n", PACKED, request(), b"v=1")
    assert (answer.status, b"".join(answer.chunks)) == (200, b"one two")
    assert answer.headers == (
        (b"a", b"b"),
        (b"etag", b'W/"tag"'),
        (b"content-encoding", b"gzip"),
        (b"content-length", b"7"),
        (b"set-cookie", b"v=1"),
    )


def test_a_return_visit_to_the_same_page_is_a_304_without_body_and_cookie() -> None:
    lead = as_lines(((b"content-type", b"text/html"), (b"cache-control", b"private, no-cache")))
    answer = assembled_answer(200, lead, PACKED, request((b"if-none-match", b'W/"tag"')), b"v=1")
    assert (answer.status, answer.chunks) == (304, ())
    assert answer.headers == ((b"cache-control", b"private, no-cache"), (b"etag", b'W/"tag"'))


def test_an_error_page_of_the_shop_is_never_unchanged() -> None:
    assert assembled_answer(404, b"", PAGE, request((b"if-none-match", b"*"))).status == 404


def test_the_fields_above_a_filled_page_are_joined_once_and_say_how_long_it_stays_fresh() -> None:
    lead = Lead(((b"content-type", b"text/html"), (b"etag", b"x")))
    assert of_lines(lead.of_hit(7)) == (
        (b"content-type", b"text/html"),
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Accept-Encoding"),
        (b"cache-status", b"tailorbird; hit; ttl=7; detail=personalised"),
    )
    assert lead.of_hit(7) is lead.of_hit(7)
    assert b"ttl=6;" in lead.of_hit(6)


def test_a_stored_answer_says_how_old_it_is() -> None:
    answer = stored_answer(kept((b"etag", b'"a"'), (b"content-length", b"999")), request(), NOON + 5, "hit; ttl=55")
    assert (answer.get(b"age"), answer.get(b"cache-status")) == (b"5", b"tailorbird; hit; ttl=55")
    assert (answer.get(b"etag"), answer.get(b"content-length")) == (b'"a"', b"4")


@pytest.mark.parametrize(
    "asked", [(b"if-none-match", b'"a"'), (b"if-modified-since", b"Sun, 06 Nov 1994 08:30:00 GMT")]
)
def test_who_has_the_stored_answer_already_gets_a_304(asked: tuple[bytes, bytes]) -> None:
    stored = kept((b"etag", b'"a"'), (b"last-modified", LAST_MODIFIED), (b"content-type", b"text/css"))
    answer = stored_answer(stored, request(asked), NOON, "hit")
    assert (answer.status, answer.get(b"content-type"), answer.get(b"etag")) == (304, None, b'"a"')


def test_an_answer_that_has_no_content_names_no_length() -> None:
    assert stored_answer(kept(status=204), request(), NOON, "hit").get(b"content-length") is None


def test_head_has_the_fields_of_get_without_the_body() -> None:
    stored = kept()
    head = stored_answer(stored, request(method=b"HEAD"), NOON, "hit")
    assert head.headers == stored_answer(stored, request(), NOON, "hit").headers
    assert head.chunks == ()


def test_a_page_we_packed_has_a_weak_tag() -> None:
    stored = kept((b"etag", b'"a"'), (b"vary", b"Origin"), (b"accept-ranges", b"bytes"))
    packed = slotless_answer(stored, PAGE, "gzip", request(), NOON, "hit")
    plain = slotless_answer(stored, PAGE, "identity", request(), NOON, "hit")
    assert (packed.get(b"etag"), packed.get(b"content-encoding"), packed.get(b"accept-ranges")) == (
        b'W/"a"',
        b"gzip",
        None,
    )
    assert (plain.get(b"etag"), plain.get(b"content-encoding"), plain.get(b"accept-ranges")) == (b'"a"', None, b"bytes")
    assert packed.get(b"vary") == plain.get(b"vary") == b"Origin, Accept-Encoding"
    for coding in CODINGS:
        asked = request((b"if-none-match", b'W/"a"'))
        assert slotless_answer(stored, PAGE, coding, asked, NOON, "hit").status == 304


def test_an_error_page_names_nothing_behind_us() -> None:
    error = OriginError("origin `http://10.0.0.5` refused", reason="refused", status=504)
    answer = error_page(request(), error, "fwd=miss")
    body = b"".join(answer.chunks)
    assert (answer.status, b"10.0.0.5" in body, b"took too long" in body) == (504, False, True)
    assert answer.get(b"cache-control") == b"no-store"
    assert b"Something went wrong" in b"".join(error_page(request(), RequestError("x"), "").chunks)
