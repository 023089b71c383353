from __future__ import annotations

import pytest

from proxy.errors import OriginError, RequestError
from proxy.http.message import HeaderSet, Question, Request, as_lines, of_lines
from proxy.http.outgoing import (
    Lead,
    assembled_answer,
    coding_for,
    detail,
    error_page,
    packed_answer,
    passed_head,
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
        b"x-accel-expires edge-control cloudflare-cdn-cache-control content-length content-encoding "
        b"cache-control".split()
    )
    head = personal_head((*spoken, (b"content-type", b"text/html"), (b"link", b"</a.css>")))
    assert head == (
        (b"content-type", b"text/html"),
        (b"link", b"</a.css>"),
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Accept-Encoding"),
    )


def test_a_page_that_may_not_be_stored_stays_so() -> None:
    assert (b"cache-control", b"private, no-cache, no-store") in personal_head(((b"cache-control", b"No-Store"),))
    assert (b"cache-control", b"private, no-cache") in personal_head(((b"x-cache-hint", b"no-store"),))


def test_what_caches_before_us_said_comes_last_and_what_targets_us_goes_no_further() -> None:
    theirs = (b"cache-status", b"cdn; hit")
    assert personal_head((theirs, (b"vary", b"Origin"), (b"link", b"a"))) == (
        (b"link", b"a"),
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Origin, Accept-Encoding"),
        theirs,
    )
    passed = passed_head((theirs, (b"tailorbird-cache-control", b"max-age=1"), (b"etag", b"x")), "fwd=miss")
    assert passed == (theirs, (b"etag", b"x"), (b"cache-status", b"tailorbird; fwd=miss"))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("vary-any", "detail=vary-any"),
        ("no slot", 'detail="no slot"'),
        ("1st", 'detail="1st"'),
        ('a "b" \\ c\r\n\x7f€', "detail=\"a 'b' / c   ?\""),
    ],
)
def test_a_reason_of_one_word_is_a_token_and_any_other_a_string(reason: str, said: str) -> None:
    assert detail(reason) == said


def test_the_coding_is_that_of_the_header_set_else_of_the_request() -> None:
    asked = request((b"accept-encoding", b"gzip;q=0.5, br"))
    assert coding_for(asked, (b"gzip",)) == "gzip" and coding_for(asked, (b"zstd",)) == "identity"
    known = Question(HeaderSet(asked.headers, b"shop.example", "https", "zstd"), b"GET", b"/", b"", None)
    assert coding_for(known.request({}, ""), (b"gzip",)) == "zstd"


@pytest.mark.parametrize(
    ("origins", "ours"),
    [
        ([], b"Accept-Encoding"),
        ([b"Accept-Language"], b"Accept-Language, Accept-Encoding"),
        ([b"accept-encoding, Origin"], b"accept-encoding, Origin"),
        ([b"A", b"B"], b"A, B, Accept-Encoding"),
        ([b"A,, "], b"A, Accept-Encoding"),
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


@pytest.mark.parametrize(
    ("is_tagged", "fields", "status"),
    [(True, ((b"if-none-match", b'W/"b"'),), 200), (True, ((b"if-modified-since", LAST_MODIFIED),), 200),
     (False, ((b"if-none-match", b'W/"tag"'),), 200), (True, ((b"if-none-match", b'"tag"'),), 304)],
)  # fmt: skip
def test_a_page_put_together_is_compared_by_its_tag_if_it_has_one(
    is_tagged: bool, fields: Headers, status: int
) -> None:
    answer = assembled_answer(200, b"", PACKED, request(*fields), is_tagged=is_tagged)
    assert (answer.status, answer.get(b"etag")) == (status, b'W/"tag"' if is_tagged else None)


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
def test_a_client_that_has_the_stored_answer_gets_a_304(asked: tuple[bytes, bytes]) -> None:
    stored = kept((b"etag", b'"a"'), (b"last-modified", LAST_MODIFIED), (b"content-type", b"text/css"))
    answer = stored_answer(stored, request(asked), NOON, "hit")
    assert (answer.status, answer.get(b"content-type"), answer.get(b"etag")) == (304, None, b'"a"')


def test_without_a_last_modified_a_copy_is_as_old_as_its_date_and_an_error_is_never_a_copy() -> None:
    asked = request((b"if-modified-since", b"Sun, 06 Nov 1994 08:49:37 GMT"))
    assert [stored_answer(kept(status=status), asked, NOON, "hit").status for status in (200, 404)] == [304, 404]


@pytest.mark.parametrize(
    ("method", "asked", "status", "place", "body"),
    [
        (b"GET", b"bytes=1-2", 206, b"bytes 1-2/4", b"od"),
        (b"GET", b"bytes=4-", 416, b"bytes */4", b""),
        (b"HEAD", b"bytes=1-2", 200, None, b""),
    ],
)
def test_the_part_that_is_asked_for(method: bytes, asked: bytes, status: int, place: bytes | None, body: bytes) -> None:
    answer = stored_answer(kept(), request((b"range", asked), method=method), NOON, "hit")
    assert (answer.status, answer.get(b"content-range"), b"".join(answer.chunks)) == (status, place, body)
    assert answer.get(b"content-length") == (b"4" if method == b"HEAD" else b"%d" % len(body))


def test_that_a_part_cannot_be_had_is_kept_by_no_cache() -> None:
    stored = kept((b"etag", b'"a"'), (b"cache-control", b"max-age=60"), (b"cdn-cache-control", b"max-age=9"))
    answer = stored_answer(stored, request((b"range", b"bytes=4-")), NOON, "hit")
    said = [field for field in answer.headers if field[0].endswith(b"cache-control")]
    assert (answer.status, said, answer.get(b"etag"), answer.get(b"age")) == (
        416,
        [(b"cache-control", b"no-store")],
        None,
        None,
    )


def test_by_a_date_no_part_of_a_text_goes_to_who_may_have_it_in_a_coding() -> None:
    stored = kept((b"last-modified", LAST_MODIFIED))
    asked = (b"range", b"bytes=1-2"), (b"if-range", LAST_MODIFIED)
    for accepted, status in ((b"gzip, br", 200), (b"gzip;q=0", 206), (b"", 206)):
        answer = packed_answer(stored, None, request(*asked, (b"accept-encoding", accepted)), NOON, "hit")
        assert (answer.status, answer.get(b"content-encoding")) == (status, None)


def test_a_stored_text_is_given_in_its_coding_with_a_weak_tag_or_as_it_came() -> None:
    for tag in (b'"a"', b'W/"a"'):
        stored = kept((b"etag", tag), (b"content-md5", b"x"))
        packed = packed_answer(stored, (b"br", b"br-body"), request(), NOON, "hit")
        assert (packed.status, packed.get(b"content-encoding"), b"".join(packed.chunks)) == (200, b"br", b"br-body")
        assert (packed.get(b"etag"), packed.get(b"content-md5"), packed.get(b"content-length")) == (
            b'W/"a"',
            None,
            b"7",
        )
        plain = packed_answer(stored, None, request(), NOON, "hit")
        assert (plain.get(b"content-encoding"), plain.get(b"etag"), b"".join(plain.chunks)) == (None, tag, b"body")
        assert plain.get(b"vary") == packed.get(b"vary") == b"Accept-Encoding"
        asked = request((b"if-none-match", b'"a"'))
        assert packed_answer(stored, (b"br", b"br-body"), asked, NOON, "hit").status == 304


def test_an_answer_that_has_no_content_names_no_length() -> None:
    assert stored_answer(kept(status=204), request(), NOON, "hit").get(b"content-length") is None


def test_head_has_the_fields_of_get_without_the_body() -> None:
    stored = kept()
    head = stored_answer(stored, request(method=b"HEAD"), NOON, "hit")
    assert head.headers == stored_answer(stored, request(), NOON, "hit").headers
    assert head.chunks == ()


def test_a_page_we_packed_has_a_weak_tag() -> None:
    stored = kept((b"etag", b'"a"'), (b"vary", b"Origin"), (b"accept-ranges", b"bytes"))
    packed = slotless_answer(stored, PAGE, "gzip", request(), NOON, "hit", is_as_came=True)
    plain = slotless_answer(stored, PAGE, "identity", request(), NOON, "hit", is_as_came=True)
    unpacked = slotless_answer(stored, PAGE, "identity", request(), NOON, "hit", is_as_came=False)
    assert (unpacked.get(b"etag"), unpacked.get(b"accept-ranges")) == (b'W/"a"', None)
    assert (packed.get(b"etag"), packed.get(b"content-encoding"), packed.get(b"accept-ranges")) == (
        b'W/"a"',
        b"gzip",
        None,
    )
    assert (plain.get(b"etag"), plain.get(b"content-encoding"), plain.get(b"accept-ranges")) == (b'"a"', None, b"bytes")
    assert packed.get(b"vary") == plain.get(b"vary") == b"Origin, Accept-Encoding"
    for coding in CODINGS:
        asked = request((b"if-none-match", b'W/"a"'))
        assert slotless_answer(stored, PAGE, coding, asked, NOON, "hit", is_as_came=True).status == 304


def test_an_error_page_names_nothing_behind_us() -> None:
    error = OriginError("origin `http://10.0.0.5` refused", reason="refused", status=504)
    answer = error_page(request(), error, "fwd=miss")
    body = b"".join(answer.chunks)
    assert (answer.status, b"10.0.0.5" in body, b"took too long" in body) == (504, False, True)
    assert answer.get(b"cache-control") == b"no-store"
    assert b"Something went wrong" in b"".join(error_page(request(), RequestError("x"), "").chunks)
    for status, title, later in ((502, b"did not answer", None), (503, b"is busy", b"1"), (504, b"too long", None)):
        answer = error_page(request(), OriginError("", reason="refused", status=status), "")
        assert (title in b"".join(answer.chunks), answer.get(b"retry-after")) == (True, later)
