from __future__ import annotations

import random
from array import array

import pytest

from proxy.page.markup import Markup
from proxy.page.page_shape import (
    CHUNK_BYTES,
    MOST_WORDS,
    PageShape,
    changed_parts,
    hash_of,
    hashes_of,
    is_structural,
    parts_of,
    shape_of,
)
from proxy.page.page_subject import subject_of
from proxy.page.scan import SlotRange, Uncut, find_slots

PAGE = b'<!doctype html><html><body><div data-slot="home.hero">old</div>%b</body></html>'


def likeness_of(one: bytes, other: bytes) -> PageShape | None:
    """What is learnt of two versions, as of the second."""
    parts = parts_of(other)
    places = changed_parts(hashes_of(parts_of(one)), hashes_of(parts))
    return None if places is None else shape_of(Markup(other, "utf-8"), parts, places)


def versions_of(place: bytes, *words: bytes) -> list[bytes]:
    return [PAGE % place.replace(b"@", word) for word in words]


@pytest.mark.parametrize(
    "place",
    [
        b"<p>@</p>",
        b"<p>Hello\r\n @ and others</p>",
        b"<b>@</b> has @ in the cart",
        b"<!-- made by @ -->",
        b"<script>var who = '@', count = \"@\"</script>",
        b"<title>@</title>",
        b'<input type=hidden name=t value="@">',
        b"<a href='@'>x</a>",
        b"<p title='@' style='@' data-user='@'>x</p>",
        b'<script nonce="@">1</script>',
        b'<meta name=csrf-token content="@">',
        b"<div data-slot=home.row>@</div>",
    ],
)
def test_versions_that_differ_in_text_have_one_shape(place: bytes) -> None:
    one, other, third = versions_of(place, b"Ann", b"Bartholomew Lee", b"caf\xc3\xa9 7")
    likeness = likeness_of(one, other)
    assert likeness is not None
    for body in (one, other, third):
        shifts = likeness.shifts(body)
        assert shifts is not None and shifts[-1] == len(body) - len(other)
    assert likeness.shifts(third.replace(b"old", b"new")) is None
    assert likeness.shifts(third + b" ") is None


@pytest.mark.parametrize(
    "place",
    [
        b"<@>x",
        b"<p @>x",
        b"<p title=@>x",
        b"<p data-tb-raw='@'>x",
        b"<img src='@'>",
        b"<p title='x' @>x",
        b"<p class='@'>x",
        b"<p id='@'>x",
        b"<input type='@'>",
        b"<li data-product='@'>x",
        b"<ul data-list='@'>x",
        b"<div data-slot='@'>x</div>",
        b"<tb-slot name='@'>x</tb-slot>",
        b'<meta property="og:title" content="@">',
        b'<script type="application/ld+json">{"@type": "Product", "sku": "@"}</script>',
        b"<!@>",
    ],
)
def test_versions_that_differ_in_markup_have_different_shapes(place: bytes) -> None:
    assert likeness_of(*versions_of(place, b"Ann", b"Lee")) is None


@pytest.mark.parametrize(
    "word",
    [b"", b" ", b"a<b", b"a>b", b"a&amp;b", b"it's", b'"', b"-", b"x-", b"x!", b"x]", b"!x", b"\0", b"x\x1b"],
)
def test_a_word_holds_nothing_that_may_be_more_than_a_character(word: bytes) -> None:
    one, other, odd = versions_of(b"<p>@</p>", b"Ann", b"Lee", word)
    likeness = likeness_of(one, other)
    assert likeness is not None
    assert likeness.shifts(odd) is None
    assert likeness_of(other, odd) is None


@pytest.mark.parametrize("word", [b" Bob", b"\nBob"])
def test_white_space_before_a_word_is_no_part_of_it(word: bytes) -> None:
    one, other, odd = versions_of(b"<p>@</p>", b"Ann", b"Lee", word)
    likeness = likeness_of(one, other)
    assert likeness is not None
    assert likeness.shifts(odd) is None


def test_versions_with_other_marks_or_too_many_words_are_not_compared() -> None:
    one, other = (hashes_of(parts_of(body)) for body in (b"<p>x</p>", b"<p>x</p><p>y</p>"))
    assert changed_parts(one, other) is None
    assert changed_parts(hashes_of(parts_of(b"<p>")), hashes_of(parts_of(b"<p<"))) is None
    many, more = (b"<i>" + b"<i>".join(b"%d" % (n + add) for n in range(MOST_WORDS + 1)) for add in (0, 100))
    assert changed_parts(hashes_of(parts_of(many)), hashes_of(parts_of(more))) is None


def test_a_large_page_is_taken_apart_bit_by_bit() -> None:
    body = b"<p title='x'>a -- b</p><!-- c -->\n" * 5_000 + b"text " * CHUNK_BYTES
    parts = parts_of(body)
    assert b"".join(parts) == body
    assert set(parts[1::2]) == {b"<", b">", b"'", b"<!--", b"-->"}
    assert len(parts) == 1 + 2 * sum(map(body.count, (b"<p", b"</p", b"'", b"<!--", b"-->", b"'>", b"p>")))
    assert hashes_of(parts) == array("q", map(hash, parts))
    likeness = likeness_of(body + b"<p>one</p>", body + b"<p>two</p>")
    assert likeness is not None and likeness.words == ((len(body) + 3, len(body) + 6),)


def test_places_are_told_by_the_words_before_them() -> None:
    one, other = versions_of(b"<p>@</p>", b"Ann", b"Bob")
    likeness = likeness_of(one, other)
    assert likeness is not None
    at = other.index(b"Bob")
    assert [likeness.words_before(place) for place in (at, at + 2, at + 3)] == [0, 0, 1]
    assert [likeness.is_within(*ends) for ends in ((0, at), (at, at + 3), (at + 3, len(other)), (0, at + 1))] == [
        False, True, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("selector", "is_so"),
    [("main > .hero", True), ("#a, p ~ b", True), ("[value]", False), ("p:empty", False), ("a:contains(x)", False)],
)
def test_a_selector_that_asks_for_words_is_reported(selector: str, is_so: bool) -> None:
    assert is_structural(selector) is is_so


CONTEXTS = (
    b"@", b"<p>@</p>", b"<!-- x @ y -->", b"<!--@-->", b"<script>'@'</script>", b"<script><!-- @", b"</script>",
    b"<script><!--<script>@</script> '@'-->", b'<input value="@">', b"<input type='@'>", b'<a href="@">', b"</a>",
    b"<textarea>@", b"<svg><![CDATA[@]]></svg>", b"<svg><![CDATA[", b"]]>@", b"<table>@", b"<colgroup> @", b"<select>@",
    b"<template>@</template>", b"<noscript>@", b'<!doctype html PUBLIC "@">', b"<?php '@'?>", b"<@>", b"</@>", b"<p @>",
    b"<p a='x'@>", b"<b data-x='@'>", b"--@>", b"@-->", b"&@;", b"<plaintext>@", b"<body @>", b"<pre>\n@</pre>",
    b'"@"', b"'@", b">@",
    b"<math><annotation-xml encoding='@'><div>", b"<div data-slot='@'>x</div>", b"<li data-product='@'>", b"\r\n",
    b'<script type="application/ld+json">{"@type":"Product","sku":"@"}</script>', b"<div data-slot=w>@</div>", b"<div>",
    b"<div data-slot=w>\n@<b>@</b></div>", b"<div data-slot=a>x</div>", b"</div>", b"<b>", b"</b>", b"<p>", b"</p>",
    b"</table>", b"<title>@",
)  # fmt: skip
WORDS = (
    b"a", b"Ann Lee", b"x-y", b"zz ", b"n\ne", b"caf\xc3\xa9", b"a!b", b"a--b", b"]", b"]]", b"--", b"-", b"!", b"a-",
    b"x]]", b"/a", b"script", b"=x", b"a=b", b"?", b"[CDATA[", b"div", b"hidden", b"text/html", b"amp;", b"\x0b", b" a",
    b"a\rb", b"a\r\nb", b"a\r",
)  # fmt: skip


def read(body: bytes) -> tuple[object, ...]:
    page = Markup(body, "utf-8")
    found = find_slots(page, path="/")
    return (subject_of(page), *((found.reason,) if isinstance(found, Uncut) else found))


def test_whatever_is_like_a_page_reads_as_that_page_does() -> None:
    chance = random.Random(20_261_126)
    compared = 0
    for _ in range(3_000):
        shards = chance.choices(CONTEXTS, k=chance.randint(1, 12))
        one, other, *more = [
            b"".join(chance.choice(WORDS) if part == b"@" else part for part in split)
            for split in [[part for shard in shards for part in _split(shard)]] * 10
        ]
        likeness = likeness_of(one, other)
        if likeness is None:
            continue
        was = read(other)
        for body in more:
            shifts = likeness.shifts(body)
            if shifts is not None:
                compared += 1
                assert read(body) == tuple(_shifted(each, likeness, shifts) for each in was), (other, body)
    assert compared > 1_000


def _split(shard: bytes) -> list[bytes]:
    before, *others = shard.split(b"@")
    return [before, *(part for other in others for part in (b"@", other))]


def _shifted(each: object, likeness: PageShape, shifts: list[int]) -> object:
    if not isinstance(each, SlotRange):
        return each
    start, end = (edge + shifts[likeness.words_before(edge)] for edge in (each.start, each.end))
    return SlotRange(each.name, start, end)


def test_a_view_is_named_by_its_own_bytes_and_what_it_is_a_view_of_is_not_hashed_too() -> None:
    hashed = []

    class Read(bytes):
        def __hash__(self) -> int:
            hashed.append(len(self))
            return super().__hash__()

    assert hash_of(memoryview(Read(b"HTTP/1.1 200 OK\r\n\r\n<p>page"))[19:]) == hash_of(b"<p>page")
    assert not hashed
