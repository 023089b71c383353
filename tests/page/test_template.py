from __future__ import annotations

import zlib

from proxy.page.scan import Uncut, UncutReason
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from tests.page.cutting import cut

PAGE = b"<!doctype html>\r\n<body><div data-slot=home.hero>old \xe9</div>\r\n<div data-slot=a></div></body>"


def template_of(body: bytes, *declared: DeclaredSlot) -> Template:
    template = cut(body, path="/", charset="latin-1", declared=declared, max_slots=50)
    assert isinstance(template, Template)
    return template


def test_statics_and_defaults_are_the_page() -> None:
    template = template_of(PAGE, DeclaredSlot("all.topbar", selector="body", place="start"))
    assert template.slots == ("all.topbar", "home.hero", "a")
    assert [piece.plain for piece in template.defaults] == [b"", b"old \xe9", b""]
    assert [piece.plain for piece in template.statics] == [
        b"<!doctype html>\r\n<body>",
        b"<div data-slot=home.hero>",
        b"</div>\r\n<div data-slot=a>",
        b"</div></body>",
    ]


def test_a_page_that_is_not_cut_says_why() -> None:
    assert cut(b"<p>x", path="/", charset="", declared=(), max_slots=50) == Uncut(UncutReason.NO_SLOTS, 0)
    assert cut(PAGE, path="/", charset="", declared=(), max_slots=1) == Uncut(UncutReason.TOO_MANY_SLOTS, 61, "a")


def test_deflating_ahead_changes_nothing_of_the_template() -> None:
    ready = template_of(PAGE)
    ready.deflate()
    assert ready == template_of(PAGE)
    blocks = b"".join(piece.deflated for piece in ready.statics)
    assert zlib.decompressobj(wbits=-15).decompress(blocks) == b"".join(piece.plain for piece in ready.statics)
