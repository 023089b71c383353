from __future__ import annotations

import gzip
import random
import shutil
import subprocess
import zlib

import pytest
import zstandard

from proxy.model import Attributes, Product
from proxy.page.encode import Assembled, Coding, assemble
from proxy.page.fragments import Fragment, Wrapper, banner, editor_html
from proxy.page.product_row import product_row
from proxy.page.template import Template
from tests.page.cutting import cut

KEY = b"k" * 32
STATIC = "<p>Static é words, again and again.</p>\r\n" * 60
PAGE = (
    f"<!doctype html>\r\n<body>{STATIC}<div data-slot=home.hero>The shop's own</div>{STATIC}"
    f"<div data-slot=a></div><div data-slot=home.hero>The shop's own</div>{STATIC}</body>"
).encode("latin-1")
FIXED = banner(Wrapper("Sale"), title="Sale", text="24 hours before everyone else. " * 50)
NAMED = banner(Wrapper("Name"), title="{first name|Hello}, welcome back")
HTML = editor_html(Wrapper("File"), "<p>{{ first_name }}</p>" + "<p>x</p>" * 400)


def page_template(body: bytes = PAGE) -> Template:
    template = cut(body, path="/", charset="latin-1", declared=(), max_slots=50)
    assert isinstance(template, Template)
    return template


TEMPLATE = page_template()


def page(
    *fills: Fragment | None, coding: Coding = "identity", key: bytes = KEY, **attributes: str | float
) -> Assembled:
    named: Attributes = {name.replace("_", " "): value for name, value in attributes.items()}
    return assemble(TEMPLATE, fills, named, coding=coding, key=key)


def body(assembled: Assembled) -> bytes:
    joined = b"".join(assembled.chunks)
    assert len(joined) == assembled.length
    return joined


def unframed(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).readall()


def test_a_page_of_defaults_is_the_page_as_it_came() -> None:
    assert body(page(None, None, None)) == PAGE
    assert gzip.decompress(body(page(None, None, None, coding="gzip"))) == PAGE


def test_fills_stand_in_their_slots_and_nothing_else_changes() -> None:
    filled = body(page(NAMED, None, FIXED, first_name="Anna"))
    before, _, rest = PAGE.partition(b"<div data-slot=home.hero>The shop's own")
    assert filled.startswith(before + b"<div data-slot=home.hero><div data-tb-rule")
    assert filled.endswith(rest.rpartition(b"The shop's own")[2])
    assert b">Anna, welcome back</h2>" in filled
    assert filled.count(b"The shop's own") == 0


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_coding_says_the_same_as_identity_whatever_the_fills(coding: Coding) -> None:
    chance = random.Random(7)
    for _ in range(200):
        fills = [chance.choice([None, FIXED, NAMED, HTML]) for _ in TEMPLATE.slots]
        name = "".join(chance.choices("aé語<&\"' \u202e", k=chance.randrange(600)))
        packed = body(page(*fills, coding=coding, first_name=name))
        plain = gzip.decompress(packed) if coding == "gzip" else unframed(packed)
        assert plain == body(page(*fills, first_name=name))


def test_an_answer_is_one_gzip_member_with_a_right_checksum() -> None:
    packed = body(page(NAMED, FIXED, HTML, coding="gzip", first_name="Anna"))
    inflater = zlib.decompressobj(wbits=31)
    assert inflater.decompress(packed) == body(page(NAMED, FIXED, HTML, first_name="Anna"))
    assert inflater.eof
    assert inflater.unused_data == b""


@pytest.mark.skipif(shutil.which("gzip") is None, reason="no gzip command here")
def test_the_gzip_command_accepts_it() -> None:
    packed = body(page(NAMED, FIXED, HTML, coding="gzip", first_name="Anna"))
    subprocess.run(["gzip", "-t"], input=packed, check=True)
    unpacked = subprocess.run(["gzip", "-dc"], input=packed, check=True, capture_output=True).stdout
    assert unpacked == body(page(NAMED, FIXED, HTML, first_name="Anna"))


def test_static_text_is_compressed_and_a_visitors_words_are_not() -> None:
    packed = body(page(FIXED, None, None, coding="gzip"))
    assert len(packed) < len(PAGE) / 5
    # Of equal length: alike to the rest of the page or not, the answer is as long.
    alike = page(NAMED, None, None, coding="gzip", first_name="Static")
    unlike = page(NAMED, None, None, coding="gzip", first_name="qzxvjk")
    assert alike.length == unlike.length


def test_one_template_serves_many_sizes_of_page() -> None:
    for size in (0, 1, 1023, 1024, 1025, 70_000):
        template = page_template(b"x" * size + b"<div data-slot=a>y</div>" + b"z" * size)
        answer = assemble(template, [FIXED], {}, coding="gzip", key=KEY)
        assert gzip.decompress(body(answer)).startswith(b"x" * size + b"<div data-slot=a><div data-tb-rule")


def test_the_same_arguments_give_the_same_bytes() -> None:
    again = page_template()
    for coding in ("identity", "gzip"):
        first = assemble(TEMPLATE, [NAMED, None, FIXED], {"first name": "Anna"}, coding=coding, key=KEY)  # type: ignore[arg-type]
        second = assemble(again, [NAMED, None, FIXED], {"first name": "Anna"}, coding=coding, key=KEY)  # type: ignore[arg-type]
        assert first == second


def test_the_tag_changes_exactly_when_the_bytes_do() -> None:
    tags: dict[bytes, bytes] = {}
    fills = [None, FIXED, NAMED, HTML]
    for name in ("Anna", "Ben", "Anna "):
        for one in fills:
            for two in fills:
                answer = page(one, None, two, first_name=name)
                assert tags.setdefault(body(answer), answer.etag) == answer.etag
    assert len(set(tags.values())) == len(tags)


def test_the_tag_does_not_change_with_what_the_page_does_not_show() -> None:
    assert page(FIXED, None, None, first_name="Anna").etag == page(FIXED, None, None, orders=3.0).etag


def test_the_tag_is_weak_and_differs_by_coding_key_and_page() -> None:
    other = page_template(PAGE.replace(b"doctype", b"DOCTYPE"))
    tags = {
        page(None, None, None).etag,
        page(None, None, None, coding="gzip").etag,
        page(None, None, None, key=b"other").etag,
        assemble(other, [None, None, None], {}, coding="identity", key=KEY).etag,
    }
    assert len(tags) == 4
    assert all(tag.startswith(b'W/"') and tag.endswith(b'"') and len(tag) == 36 for tag in tags)


def test_words_that_move_from_one_field_to_the_next_change_the_tag() -> None:
    both = editor_html(Wrapper("x"), "{{ a }}{{ b }}")
    one = assemble(TEMPLATE, [both, None, None], {"a": "1:x", "b": "y"}, coding="identity", key=KEY)
    other = assemble(TEMPLATE, [both, None, None], {"a": "1", "b": ":xyz"}, coding="identity", key=KEY)
    assert body(one) != body(other)
    assert one.etag != other.etag


def test_a_fill_too_few_is_an_error_not_a_wrong_page() -> None:
    with pytest.raises(ValueError, match="zip"):
        assemble(TEMPLATE, [None, None], {}, coding="identity", key=KEY)


def test_rows_of_one_visitor_are_not_counted_as_others_are() -> None:
    template, shoes = page_template(), [Product(f"SHOE-{number}", "A shoe", "/p", price=9.0) for number in range(40)]
    row = product_row(Wrapper("Row"), title="For you")
    for first in range(30):
        filled = row.filled(shoes[first : first + 4], 0.0, is_common=False)
        assemble(template, [filled, FIXED, None], {}, coding="gzip", key=KEY)
    assert [len(asked) for asked in template.seams._asked] == [0, 1, 1]
