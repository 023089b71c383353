from __future__ import annotations

import pytest

from proxy.errors import EditorError
from proxy.page.markup import Markup
from proxy.page.scan import Uncut, UncutReason, check_selector, find_slots
from proxy.page.slots import DeclaredSlot

TOPBAR = DeclaredSlot("all.topbar", selector="body", place="start")
TOOLBAR = DeclaredSlot("all.toolbar", selector="body", place="end")
WHOLE_PAGE = (
    b"<!doctype html>\r\n<html><head><title>x</title></head>\r\n<body class=a>\r\n<p>y</p>\r\n</body>\r\n</html>\r\n"
)


def slots_of(body: bytes, *declared: DeclaredSlot, path: str = "/", charset: str = "utf-8") -> list[tuple[str, bytes]]:
    found = find_slots(Markup(body, charset), path=path, declared=declared)
    assert not isinstance(found, Uncut), str(found)
    return [(slot.name, body[slot.start : slot.end]) for slot in found]


def doubt_of(body: bytes, *declared: DeclaredSlot, charset: str = "utf-8", max_slots: int = 50) -> Uncut:
    found = find_slots(Markup(body, charset), path="/", declared=declared, max_slots=max_slots)
    assert isinstance(found, Uncut), found
    return found


@pytest.mark.parametrize(
    ("body", "slots"),
    [
        (b'<div data-slot="home.hero">x</div>', [("home.hero", b"x")]),
        (b"<DIV  DATA-SLOT=hero>x</DIV >", [("hero", b"x")]),
        (b"<div\r\ndata-slot\r\n=\r\nhero\r\n>\r\nx\r\n</div\r\n>", [("hero", b"\r\nx\r\n")]),
        (b"<div data-slot=hero></div>", [("hero", b"")]),
        (b'<tb-slot name="hero">x</tb-slot>', [("hero", b"x")]),
        (b"<my-hero data-slot=hero>x</my-hero>", [("hero", b"x")]),
        (b"\xef\xbb\xbf<!doctype html><body><div data-slot=hero>x</div>", [("hero", b"x")]),
        (b"<p>\xe9\xe8\xff</p><div data-slot=hero>\xe9</div>", [("hero", b"\xe9")]),
        ("<p>ünïcödé 語</p><div data-slot=hero>語</div>".encode(), [("hero", "語".encode())]),
        (b"a\rb\r\nc\r\r\n<div data-slot=hero>\rx\n\r\n</div>", [("hero", b"\rx\n\r\n")]),
        (
            b"<div data-slot=a>1</div><div data-slot=b>2</div><div data-slot=a>3</div>",
            [("a", b"1"), ("b", b"2"), ("a", b"3")],
        ),
        (b"<div data-slot=a data-slot=b>x</div>", [("a", b"x")]),
        (b"<div data-slot=a><p>x</div>", [("a", b"<p>x")]),
        (b"<div data-slot=a>x</span><!-- </div> -->y</div>", [("a", b"x</span><!-- </div> -->y")]),
        (b'<div data-slot=a title="</div>">x<p title="</div>">y</p></div>', [("a", b'x<p title="</div>">y</p>')]),
        (b"<table><tr><td data-slot=a>x</td></tr></table>", [("a", b"x")]),
        (b"<svg><foreignObject><div data-slot=a>x</div></foreignObject></svg>", [("a", b"x")]),
        (b"<template><div data-slot=a>x</div></template>", [("a", b"x")]),
    ],
)
def test_a_marker_on_a_block_with_its_end_tag_is_a_slot(body: bytes, slots: list[tuple[str, bytes]]) -> None:
    assert slots_of(body) == slots


@pytest.mark.parametrize(
    "decoy",
    [
        b"<script>var x = '<div data-slot=\"decoy\">x</div>';</script>",
        b'<script type="application/json">{"html": "<div data-slot=decoy>x</div>"}</script>',
        b"<!-- <div data-slot=decoy>x</div> -->",
        b"<textarea><div data-slot=decoy>x</div></textarea>",
        b"<noscript><div data-slot=decoy>x</div></noscript>",
        b"<style>/* <div data-slot=decoy>x</div> */</style>",
        b'<iframe srcdoc="<div data-slot=decoy>x</div>"></iframe>',
        b"<p title='<div data-slot=decoy>x</div>'>y</p>",
        b"<p title=a data-other='data-slot=decoy'>y</p>",
        b"&lt;div data-slot=decoy&gt;x&lt;/div&gt;",
        b"<xmp><div data-slot=decoy>x</div></xmp>",
        b"<![CDATA[<div data-slot=decoy>x</div>]]>"[:9] + b">",
    ],
)
def test_a_marker_that_is_only_text_is_no_slot(decoy: bytes) -> None:
    assert slots_of(decoy + b"<div data-slot=real>x</div>" + decoy) == [("real", b"x")]
    assert doubt_of(b"<p>data-slot</p>" + decoy).reason is UncutReason.NO_SLOTS


def test_a_title_hides_its_markers() -> None:
    page = b"<head><title><div data-slot=decoy>x</div></title></head><div data-slot=real>x</div>"
    assert slots_of(page) == [("real", b"x")]


def test_the_outermost_of_nested_slots_wins() -> None:
    page = b"<div data-slot=outer><div data-slot=inner>x</div><p data-slot=odd></div><div data-slot=next>y</div>"
    assert [name for name, _ in slots_of(page)] == ["outer", "next"]


@pytest.mark.parametrize(
    ("body", "reason", "slot"),
    [
        (b"<div data-slot=hero>x", UncutReason.NO_END_TAG, "hero"),
        (b"<div data-slot=hero>x</div", UncutReason.NO_END_TAG, "hero"),
        (b"<ul><li data-slot=hero>x<li>y</ul>", UncutReason.NO_END_TAG, "hero"),
        (b"<div data-slot=hero><plaintext></div>", UncutReason.NO_END_TAG, "hero"),
        (b"<div data-slot=hero><!-- </div>", UncutReason.NO_END_TAG, "hero"),
        (b"<div data-slot=hero><script></div>", UncutReason.NO_END_TAG, "hero"),
        (b"<section data-slot=hero><div></section></div>" + b"<p data-slot=x>", UncutReason.NOT_A_BLOCK, "x"),
        (b"<img data-slot=hero>", UncutReason.NOT_A_BLOCK, "hero"),
        (b"<span data-slot=hero>x</span>", UncutReason.NOT_A_BLOCK, "hero"),
        (b"<b data-slot=hero>1<p>2</b>3</p>", UncutReason.NOT_A_BLOCK, "hero"),
        (b"<svg><g data-slot=hero>x</g></svg>", UncutReason.NOT_A_BLOCK, "hero"),
        (b"<form data-slot=hero><div>x</form>y</div>", UncutReason.NOT_A_BLOCK, "hero"),
        (b"<table><tr data-slot=hero><td>x</td></tr></table>", UncutReason.NOT_A_BLOCK, "hero"),
        (b"<div data-slot='Home.Hero'>x</div>", UncutReason.SLOT_NAME, "Home.Hero"),
        (b"<div data-slot>x</div>", UncutReason.SLOT_NAME, ""),
        (b"<div data-slot='a..b'>x</div>", UncutReason.SLOT_NAME, "a..b"),
        (b"<tb-slot>x</tb-slot>", UncutReason.SLOT_NAME, ""),
        (b"<b>0<div data-slot=hero>1</b>2</div>", UncutReason.NOT_APART, "hero"),
        (b"<div data-slot=hero><b>1</div>2", UncutReason.NOT_APART, "hero"),
        (b"<a href=/x><div data-slot=hero>1</div></a>", UncutReason.NOT_APART, "hero"),
        (b"<p>0<tb-slot name=hero>1</tb-slot></p>", UncutReason.NOT_APART, "hero"),
        (b"<body data-slot=hero>x</body>y", UncutReason.NOT_APART, "hero"),
        (b"<div data-slot=fine>0</div><a href=/x><div data-slot=hero>1</div></a>", UncutReason.NOT_APART, "hero"),
        (b"<tb-probe></tb-probe><div data-slot=hero>0</div>", UncutReason.NOT_APART, "hero"),
    ],
)
def test_a_page_in_doubt_is_not_cut_and_says_which_slot(body: bytes, reason: UncutReason, slot: str) -> None:
    doubt = doubt_of(body)
    assert (doubt.reason, doubt.slot) == (reason, slot)
    assert body[doubt.offset : doubt.offset + 1] == b"<"
    assert f"byte {doubt.offset}" in str(doubt)


def test_which_slot_is_in_doubt_is_found_out_only_for_who_wants_to_know() -> None:
    body = b"<div data-slot=fine>0</div>" * 3 + b"<a href=/x><div data-slot=hero>1</div></a>"
    told, hasty = (find_slots(Markup(body), path="/", names_slot=which) for which in (True, False))
    assert isinstance(told, Uncut) and isinstance(hasty, Uncut)
    assert (told.reason, told.slot, hasty.reason, hasty.slot) == (
        UncutReason.NOT_APART,
        "hero",
        UncutReason.NOT_APART,
        "fine",
    )


def test_a_doubt_names_its_slot_in_words() -> None:
    assert str(doubt_of(b"<p>x</p><div data-slot=home.hero>x")) == (
        "the page has slot `home.hero` without a closing tag (byte 8)"
    )


@pytest.mark.parametrize("charset", ["utf-16", "UTF-16LE", " utf-16-be", "iso-2022-jp", "utf-7", "utf-32"])
def test_a_charset_that_is_no_superset_of_ascii_is_not_cut(charset: str) -> None:
    assert doubt_of(b"<div data-slot=a>x</div>", charset=charset).reason is UncutReason.CHARSET
    assert doubt_of(b"<p>x", charset=charset).reason is UncutReason.CHARSET


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe<div data-slot=a>x</div>", b"<div data-slot=a>\0</div>", b"\x1b$B<div data-slot=a>x</div>"],
)
def test_bytes_that_give_away_such_a_charset_are_not_cut(body: bytes) -> None:
    assert doubt_of(body, charset="").reason is UncutReason.CHARSET


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_slot_that_is_written_in_such_a_charset_is_no_page_without_slots(coding: str) -> None:
    assert doubt_of("<div data-slot=a>x</div>".encode(coding), charset="").reason is UncutReason.CHARSET


@pytest.mark.parametrize("charset", ["", "utf-8", "windows-1252", "shift_jis", "gb18030", "no-such-charset"])
def test_any_other_charset_is_cut(charset: str) -> None:
    assert slots_of(b"<div data-slot=a>\x83\x5c</div>", charset=charset) == [("a", b"\x83\x5c")]


def test_more_slots_than_allowed_are_not_cut() -> None:
    page = b"<div data-slot=a>x</div>" * 3
    assert (doubt_of(page, max_slots=2).reason, doubt_of(page, max_slots=2).offset) == (UncutReason.TOO_MANY_SLOTS, 48)
    assert len(slots_of(page)) == 3


@pytest.mark.parametrize(
    ("declared", "before", "after"),
    [
        (TOPBAR, b"<body class=a>", b"\r\n<p>y"),
        (TOOLBAR, b"</p>\r\n", b"</body>"),
        (DeclaredSlot("all.styles", selector="head", place="end"), b"</title>", b"</head>"),
        (DeclaredSlot("all.styles", selector="head", place="start"), b"<head>", b"<title>"),
    ],
)
def test_a_declared_place_is_an_empty_range_beside_a_tag(declared: DeclaredSlot, before: bytes, after: bytes) -> None:
    found = find_slots(Markup(WHOLE_PAGE), path="/", declared=[declared])
    assert not isinstance(found, Uncut)
    assert found[0].start == found[0].end
    assert WHOLE_PAGE[: found[0].start].endswith(before)
    assert WHOLE_PAGE[found[0].end :].startswith(after)


def test_declared_slots_and_marked_ones_share_a_page() -> None:
    hero = DeclaredSlot("home.hero", selector="main > .hero")
    page = b'<body><main><div class="hero">old</div></main><div data-slot=a>x</div></body>'
    assert slots_of(page, TOOLBAR, hero, TOPBAR) == [
        ("all.topbar", b""),
        ("home.hero", b"old"),
        ("a", b"x"),
        ("all.toolbar", b""),
    ]


def test_all_three_places_of_one_element_stand_in_order() -> None:
    declared = [DeclaredSlot(place, selector="div", place=place) for place in ("end", "inside", "start")]  # type: ignore[arg-type]
    assert slots_of(b"<div></div>", *declared) == [("start", b""), ("inside", b""), ("end", b"")]
    assert slots_of(b"<div>x</div>", *declared) == [("start", b""), ("inside", b"x"), ("end", b"")]


def test_a_selector_must_match_one_element() -> None:
    doubt = doubt_of(b"<div>x</div><div>y</div>", DeclaredSlot("home.hero", selector="div"))
    assert (doubt.reason, doubt.slot, doubt.offset) == (UncutReason.SEVERAL_MATCHES, "home.hero", 12)


def test_a_selector_that_finds_nothing_is_not_on_the_page() -> None:
    assert doubt_of(WHOLE_PAGE, DeclaredSlot("home.hero", selector=".nope")).reason is UncutReason.NO_SLOTS
    assert slots_of(WHOLE_PAGE, DeclaredSlot("home.hero", selector=".nope"), TOOLBAR) == [("all.toolbar", b"")]


def test_an_element_the_parser_implies_is_not_on_the_page() -> None:
    assert doubt_of(b"<p>a fragment</p>", TOOLBAR, TOPBAR).reason is UncutReason.NO_SLOTS


def test_a_place_before_an_end_tag_needs_the_end_tag() -> None:
    assert doubt_of(b"<body><p>x", TOOLBAR).reason is UncutReason.NO_END_TAG
    assert slots_of(b"<body><p>x", TOPBAR) == [("all.topbar", b"")]


def test_a_declared_slot_applies_on_its_pages_only() -> None:
    sale = DeclaredSlot("sale.top", page="/sale*", selector="body", place="start")
    assert slots_of(WHOLE_PAGE, sale, path="/sale/shoes") == [("sale.top", b"")]
    assert isinstance(find_slots(Markup(WHOLE_PAGE), path="/", declared=[sale]), Uncut)


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252", "no-such-charset"])
def test_a_selector_is_read_in_the_charset_of_the_page(charset: str) -> None:
    encoding = "utf-8" if charset == "no-such-charset" else charset
    page = "<div class='größe'>x</div>".encode(encoding)
    declared = DeclaredSlot("a", selector=".größe")
    if charset == "no-such-charset":
        assert isinstance(find_slots(Markup(page, charset), path="/", declared=[declared]), Uncut)
    else:
        assert slots_of(page, declared, charset=charset) == [("a", b"x")]


def test_a_selector_the_charset_cannot_spell_finds_nothing() -> None:
    declared = DeclaredSlot("a", selector=".語")
    assert doubt_of(b"<div>x</div>", declared, charset="windows-1252").reason is UncutReason.NO_SLOTS


def test_a_selector_is_checked_when_it_is_read() -> None:
    check_selector("main > .hero:not([hidden])")
    with pytest.raises(EditorError, match="is not a CSS selector"):
        check_selector("main > > .hero")


def test_a_page_nested_without_end_is_survived() -> None:
    assert doubt_of(b"<div>" * 100_000 + b"<div data-slot=a>x</div>").slot == "a"
