"""The beginning of a page, as far as it is the same filled or not."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from proxy.page.beginning import Beginning, may_begin
from proxy.page.markup import Markup
from proxy.page.redaction import Redacted, redacted
from proxy.page.scan import Uncut, find_slots
from proxy.page.slots import DeclaredSlot
from tests.fuzz.test_page import mutated, pages

HERO = DeclaredSlot("main.hero", selector=".hero")


def sent(pieces: list[bytes], *, selected: bool = False) -> bytes:
    """What of a page may be sent before all of it is there."""
    page, beginning = bytearray(), Beginning(has_selectors=selected)
    for piece in pieces:
        page += piece
        before = beginning.end
        beginning.look_on(page)
        assert before <= beginning.end <= len(page)
    return bytes(page[: beginning.end])


@pytest.mark.parametrize(
    ("page", "begun"),
    [
        (b"<html><head></head><body><p>all of it</p>", b"<html><head></head><body><p>all of it</p>"),
        (b"<header>x</header><div data-slot=a>", b"<header>x</header><div "),
        (b"<DIV DATA-SLOT=a>", b"<DIV "),
        (b"<p>x</p><tb-slot name=a>", b"<p>x</p><"),
        (b"<p>x</p><esi:include src=/_tb/slot/a>", b"<p>x</p>"),
        (b"<script>'data-slot'</script>", b"<script>'"),
        (b"<p>no more data", b"<p>no more "),
        (b"<p>no more data, nor <em>", b"<p>no more data, nor <em>"),
    ],
)
def test_a_page_begins_before_whatever_may_mark_a_slot(page: bytes, begun: bytes) -> None:
    assert sent([page]) == begun
    assert sent([page[at : at + 1] for at in range(len(page))]) == begun


@pytest.mark.parametrize(
    ("page", "begun"),
    [
        (b"<!doctype html><html lang=en><head><TITLE>x</TITLE><link href=/a.css></head>\n<body>", b"<body>"),
        (b"<html><header>", b"<header>"),
        (b"<link><scr", b"<scr"),
        (b"<link><script>", b""),
        (b"<meta><p data-slot=a>", b"<p data-slot=a>"),
    ],
)
def test_where_a_selector_may_find_a_slot_it_begins_before_what_stands_in_no_head(page: bytes, begun: bytes) -> None:
    assert sent([page], selected=True) == page.removesuffix(begun)
    assert sent([page[at : at + 1] for at in range(len(page))], selected=True) == page.removesuffix(begun)


def test_where_a_change_may_be_anywhere_nothing_is_sent_early() -> None:
    assert not may_begin([DeclaredSlot("listing:main")])
    assert not may_begin([DeclaredSlot("all.top", selector="body", place="start")])
    assert may_begin([DeclaredSlot("home.hero"), HERO])


def must_begin_before_its_changes(page: bytes, splits: list[int], *, selected: bool) -> bool:
    edges = [0, *sorted(split % (len(page) + 1) for split in splits), len(page)]
    begun = sent([page[start:end] for start, end in pairwise(edges)], selected=selected)
    made = redacted(Markup(page), ())
    body = made.body if isinstance(made, Redacted) else page
    assert body.startswith(begun)
    slots = find_slots(Markup(body), path="/", declared=[HERO] * selected)
    if isinstance(slots, Uncut):
        return False
    assert len(begun) <= slots[0].start
    return True


@settings(max_examples=300, deadline=None)
@given(pages, some.lists(some.integers(0, 10_000), max_size=6), some.booleans())
def test_no_page_begins_beyond_its_first_slot(page: bytes, splits: list[int], selected: bool) -> None:
    must_begin_before_its_changes(page, splits, selected=selected)


def test_no_mutated_page_begins_beyond_its_first_slot() -> None:
    chance = random.Random(20_261_127)
    page = (
        b"<!doctype html>\r\n<html><head><title>Shop</title><link rel=stylesheet href=/a.css></head>\r\n<body>\r\n"
        b"<section class=hero><p>x</p></section><tb-slot name=b><p>y</p></tb-slot><script>'<div data-slot=e>'</script>"
        b'<esi:include src="/_tb/slot/home.top"/><div DATA-SLOT="home.hero"><h1>x</h1></div></body></html>\r\n'
    )
    cuts = 0
    for number in range(600):
        splits = [chance.randrange(10_000) for _ in range(3)]
        cuts += must_begin_before_its_changes(mutated(page, chance), splits, selected=bool(number % 2))
    assert 60 < cuts < 600
