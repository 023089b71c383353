from __future__ import annotations

import gzip
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.page.encode import Assembled, Coding, assemble
from proxy.page.fragments import Fragment, Wrapper, banner, editor_html, trusted_html
from proxy.page.piece import Piece
from proxy.page.template import HOT_AFTER, Seam, Seams, Template, Wanted, seam_of

KEY = b"k" * 32
WORDS = (
    b"light dry trail ridge summer winter steel linen oak stone river early late slow quiet bright warm field ".split()
)
FIELDS = editor_html(Wrapper("File"), "<p>{{ first_name }}</p>")

texts = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from(WORDS), max_size=400).map(b" ".join),
    st.integers(0, 40_000).map(lambda size: (b"<li class=card>light linen</li>\0" * 1_300)[:size]),
)
fragments = st.lists(st.sampled_from(WORDS), max_size=60).map(lambda words: trusted_html(b" ".join(words).decode()))


def page_of(statics: list[bytes], default: bytes = b"") -> Template:
    slots = tuple(f"slot{number}" for number in range(len(statics) - 1))
    return Template(slots, tuple(map(Piece, statics)), tuple(Piece(default) for _ in slots))


def answer(template: Template, *fills: Fragment | None, coding: Coding = "gzip", **attributes: str) -> Assembled:
    return assemble(template, fills, {"first name": attributes.get("name", "")}, coding=coding, key=KEY)


def body(assembled: Assembled) -> bytes:
    joined = b"".join(assembled.chunks)
    assert len(joined) == assembled.length
    return joined


def warmed(template: Template, *fills: Fragment | None) -> Template:
    """The template, with seams for these fills."""
    for _ in range(HOT_AFTER):
        answer(template, *fills)
    template.seams.make(template.seams.take_wanted())
    return template


SHOP = b"<li class=card><a href=/p/SKU-1>light dry trail</a><p>summer winter steel linen</p></li>" * 120
SALE = banner(Wrapper("Sale"), title="Sale", text="24 hours before everyone else.")
OTHER = banner(Wrapper("Other"), title="Something else", text="A light linen summer. " * 20)


@settings(max_examples=60)
@given(st.lists(texts, min_size=2, max_size=5), texts, st.data())
def test_whatever_is_shown_a_page_with_seams_says_what_it_says_without(
    statics: list[bytes], default: bytes, data: st.DataObject
) -> None:
    template = page_of(statics, default)
    choices = [None, FIELDS, *data.draw(st.lists(fragments, max_size=3))]
    for fill in choices:
        warmed(template, *[fill] * len(template.slots))
    for _ in range(5):
        fills = data.draw(st.tuples(*[st.sampled_from(choices)] * len(template.slots)))
        plain = body(answer(template, *fills, coding="identity", name="Anna"))
        assert gzip.decompress(body(answer(template, *fills, name="Anna"))) == plain


def test_a_page_with_seams_is_one_member_and_nearly_as_small_as_gzip_would_make_it() -> None:
    template = warmed(page_of([SHOP, SHOP, SHOP]), SALE, OTHER)
    packed = body(answer(template, SALE, OTHER))
    inflater = zlib.decompressobj(wbits=31)
    plain = inflater.decompress(packed)
    assert (inflater.eof, inflater.unused_data) == (True, b"")
    assert plain == body(answer(template, SALE, OTHER, coding="identity"))
    assert len(packed) < len(body(answer(page_of([SHOP, SHOP, SHOP]), SALE, OTHER)))


@pytest.mark.parametrize(
    "command", [["gzip", "-dc"], ["node", "-e", "process.stdout.write(zlib.gunzipSync(fs.readFileSync(0)))"]]
)
def test_other_programs_read_it_too(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    template = warmed(page_of([SHOP, SHOP, SHOP]), SALE, OTHER)
    packed = body(answer(template, SALE, OTHER))
    unpacked = subprocess.run(command, input=packed, check=True, capture_output=True).stdout
    assert unpacked == body(answer(template, SALE, OTHER, coding="identity"))


def test_the_tag_does_not_tell_whether_there_was_a_seam() -> None:
    template = page_of([SHOP, SHOP, b""], b"the default")
    before = answer(template, SALE, None)
    after = answer(warmed(template, SALE, None), SALE, None)
    assert before.length != after.length
    assert before.etag == after.etag


def test_a_seam_of_one_slot_does_not_ask_what_the_others_show() -> None:
    template = warmed(page_of([SHOP, SHOP, SHOP]), SALE, OTHER)
    for fills in ((SALE, FIELDS), (FIELDS, OTHER), (OTHER, SALE), (None, OTHER)):
        plain = body(answer(template, *fills, coding="identity", name="Anna"))
        assert gzip.decompress(body(answer(template, *fills, name="Anna"))) == plain


def test_seams_are_wanted_once_a_content_is_asked_for_often_in_gzip() -> None:
    template = page_of([SHOP, SHOP])
    for _ in range(HOT_AFTER):
        assert template.seams.take_wanted() == []
        answer(template, SALE, coding="identity")
        answer(template, SALE)
    assert [(one.slot, one.content) for one in template.seams.take_wanted()] == [(0, SALE.parts[0])]
    answer(template, SALE)
    assert template.seams.take_wanted() == []


def test_content_with_a_visitors_words_gets_no_seam() -> None:
    assert warmed(page_of([SHOP, SHOP]), FIELDS).seams.made == ({},)


def test_the_same_content_of_another_publication_has_the_same_seam() -> None:
    template = warmed(page_of([SHOP, SHOP]), SALE)
    again = banner(Wrapper("Sale"), title="Sale", text="24 hours before everyone else.")
    assert answer(template, again).length == answer(template, SALE).length < answer(page_of([SHOP, SHOP]), SALE).length


def test_forgotten_seams_come_back_when_they_are_asked_for_again() -> None:
    template = warmed(page_of([SHOP, SHOP]), SALE)
    assert template.seams.size > 0
    template.seams.forget()
    assert template.seams.size == 0
    assert warmed(template, SALE).seams.size > 0


def test_counting_what_is_asked_for_does_not_fill_the_memory() -> None:
    seams = Seams([Piece(b"a"), Piece(b"b")])
    for number in range(5_000):
        seams.note_missing(0, Piece(b"%d" % number))
    for _ in range(HOT_AFTER):
        seams.note_missing(0, Piece(b"hot"))
    assert seams.take_wanted() == [Wanted(0, Piece(b"hot"))]


class Flawed(bytes):
    """A text that nothing is like, once it is joined."""

    def __add__(self, other: object) -> bytes:
        return Flawed(b"")

    def __ne__(self, other: object) -> bool:
        return True


def test_a_seam_that_does_not_prove_right_is_none() -> None:
    assert isinstance(seam_of(Piece(b"a"), Piece(b"b"), Piece(b"c")), Seam)
    assert seam_of(Piece(b"a"), Piece(Flawed(b"b")), Piece(b"c")) is None
