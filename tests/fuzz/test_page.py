"""Whatever the page: bytes outside its slots come out as they went in, in every coding."""

from __future__ import annotations

import gzip
import random

import turbohtml
from hypothesis import given, settings
from hypothesis import strategies as some

from proxy.errors import EditorError
from proxy.page.encode import assemble
from proxy.page.fragments import Wrapper, banner, editor_html
from proxy.page.markup import Markup
from proxy.page.piece import Piece
from proxy.page.scan import Uncut, find_slots
from proxy.page.slots import DeclaredSlot
from tests.page.cutting import cut

FRAGMENT = banner(Wrapper("Rule"), title="{name|Hello}", text="x", button="y", link="/z", image="/i")
DECLARED = (
    DeclaredSlot("all.topbar", selector="body", place="start"),
    DeclaredSlot("all.toolbar", selector="body", place="end"),
    DeclaredSlot("main.hero", selector=".hero"),
)
SHARDS = [
    b"<div data-slot=a>", b'<DIV\r\nData-Slot = "home.hero">', b"<tb-slot name=b>", b"</tb-slot>", b"</div>",
    b"</DIV\n>", b"<section class=hero data-slot='c'>", b"</section>", b"<p>", b"</p>", b"<b>", b"</b>",
    b"<a href=/x>", b"</a>", b"<table>", b"<tr><td data-slot=d>", b"</td></tr>", b"</table>", b"<ul><li>", b"</ul>",
    b"<body class=x>", b"</body>", b"<head>", b"</head>", b"<!doctype html>", b"<html>", b"</html>",
    b"<script>'<div data-slot=e>x</div>'", b"</script>", b"<!-- <div data-slot=e>", b"-->", b"<title>", b"</title>",
    b"<textarea>", b"</textarea>", b"<select>", b"</select>", b"<svg><g>", b"<foreignObject>", b"</svg>",
    b"<template>", b"</template>", b"<noscript>", b"</noscript>", b"<form>", b"</form>", b"<button>", b"</button>",
    b"<img alt='<div data-slot=f>'>", b"<plaintext>", b"<frameset>", b"<h1>", b"</h1>", b"\r\n", b"\r", b"\n",
    b"\xef\xbb\xbf", b"\xe9", "é語".encode(), b"\0", b"\x1b", b"&amp;", b"&", b"<", b">", b'"', b"'", b"=",
    b"data-slot", b"text ", b"<div hidden data-slot=g></div>", b"<nobr>", b"<div class=hero>", b"<a>",
]  # fmt: skip

pages = some.lists(some.sampled_from(SHARDS) | some.binary(max_size=6), max_size=40).map(b"".join)


def must_hold(body: bytes, name: str = "Anna") -> bool:
    """The law of the package on one page. True when the page was cut."""
    template = cut(body, path="/", charset="utf-8", declared=DECLARED, max_slots=10)
    if isinstance(template, Uncut):
        assert 0 <= template.offset <= len(body)
        return False
    nothing = [None] * len(template.slots)
    plain = assemble(template, nothing, {}, coding="identity", key=b"k")
    assert b"".join(plain.chunks) == body
    filled = b"".join(assemble(template, [FRAGMENT] * len(nothing), {"name": name}, coding="identity", key=b"k").chunks)
    packed = assemble(template, [FRAGMENT] * len(nothing), {"name": name}, coding="gzip", key=b"k")
    assert gzip.decompress(b"".join(packed.chunks)) == filled
    shown = b"".join(part.plain if isinstance(part, Piece) else part for part in FRAGMENT.fill({"name": name}))
    assert filled == shown.join(static.plain for static in template.statics)
    banners = turbohtml.parse(filled.decode("latin-1"), scripting=True).select("section.tb-banner > div > a")
    assert len(banners) == len(template.slots)
    return True


@settings(max_examples=400, deadline=None)
@given(pages, some.text(max_size=30))
def test_any_page_is_cut_without_a_byte_lost_or_left_alone(body: bytes, name: str) -> None:
    must_hold(body, name)


def test_mutated_pages_are_cut_without_a_byte_lost_or_left_alone() -> None:
    chance = random.Random(20_261_123)
    page = (
        b"<!doctype html>\r\n<html><head><title>Shop</title></head>\r\n<body>\r\n"
        b"<script>var a = '<div data-slot=\"decoy\">x</div>'</script>\r\n<!-- <div data-slot=decoy> -->\r\n"
        b'<div data-slot="home.hero"><h1>\xc3\xa9</h1></div>\r\n<main><section class=hero><p>x</p></section>\r\n'
        b"<table><tr><td data-slot=d>1</td></tr></table><tb-slot name=b><p>y</p></tb-slot></main>\r\n</body></html>\r\n"
    )
    cuts = sum(must_hold(mutated(page, chance)) for _ in range(600))
    assert 60 < cuts < 540, "the mutations reach both outcomes"


def mutated(page: bytes, chance: random.Random) -> bytes:
    """The page with one to four bytes or shards changed, dropped, doubled or put elsewhere."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(page))
        end = min(len(page), start + chance.randint(0, 12))
        shard = chance.choice([b"", page[start:end] * 2, chance.choice(SHARDS), bytes([chance.randrange(256)])])
        page = page[:start] + shard + page[end:]
    return page


@settings(max_examples=200, deadline=None)
@given(some.text(max_size=200), some.text(max_size=40))
def test_any_file_of_an_editor_stays_within_its_wrapper(source: str, value: str) -> None:
    html = "".join(part for part in source if part not in "{}") + "<p title='{{ x }}'>{{ x }}</p>"
    try:
        fragment = editor_html(Wrapper("Rule"), html)
    except EditorError:
        return
    template = cut(
        b"<main><div data-slot=a>x</div></main><footer></footer>", path="/", charset="", declared=(), max_slots=1
    )
    assert not isinstance(template, Uncut)
    page = b"".join(assemble(template, [fragment], {"x": value}, coding="identity", key=b"k").chunks)
    root = turbohtml.parse(page.decode()).select_one("body")
    assert root is not None
    assert [child.tag for child in root if isinstance(child, turbohtml.Element)] == ["main", "footer"]


@settings(max_examples=300, deadline=None)
@given(some.binary(max_size=300), some.integers(0, 4))
def test_ranges_are_in_order_and_within_the_page(noise: bytes, copies: int) -> None:
    body = noise + b"<div data-slot=a>x</div>" * copies + noise
    found = find_slots(Markup(body), path="/", declared=DECLARED)
    if not isinstance(found, Uncut):
        edges = [edge for slot in found for edge in (slot.start, slot.end)]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(body) for edge in edges)
