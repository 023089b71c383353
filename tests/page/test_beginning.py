"""The beginning of a page, as far as it is the same filled or not."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from proxy.page.beginning import Beginning, bounds_of
from proxy.page.lists import find_lists, with_order_stylesheet
from proxy.page.markup import Markup
from proxy.page.redaction import Redacted, redacted
from proxy.page.scan import Uncut, find_slots
from proxy.page.slots import DeclaredSlot
from tests.fuzz.test_page import mutated, pages

HERO = DeclaredSlot("main.hero", selector=".hero")
TOP, TOOLBAR = DeclaredSlot("top", selector="body", place="start"), DeclaredSlot("bar", selector="#x", place="end")
LIST, GRID = DeclaredSlot("listing:main"), DeclaredSlot("listing:grid", selector=".grid")
SITES = {
    "marked": [],
    "selected": [HERO],
    "at edges": [TOP, TOOLBAR],
    "listed": [LIST],
    "all": [HERO, TOP, LIST, GRID],
}


def sent(pieces: list[bytes], site: str = "marked") -> bytes:
    """What of a page may be sent before all of it is there."""
    bounds = bounds_of(SITES[site])
    assert bounds is not None
    page, beginning = bytearray(), Beginning(bounds)
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
    assert sent([page], "selected") == page.removesuffix(begun)
    assert sent([page[at : at + 1] for at in range(len(page))], "selected") == page.removesuffix(begun)


@pytest.mark.parametrize(
    ("page", "site", "begun"),
    [
        (b"<html><head><link></head><body><p>", "at edges", b"<html><head><link></head>"),
        (b"<html><head id=x><link></head><body><p>", "at edges", b"<html>"),
        (b"<html><head id=x><link></head><body><p>", "selected", b"<html><head id=x><link></head>"),
        (b"<html><head><link></HEAD><body><p>", "listed", b"<html><head><link>"),
        (b"<head data-list=main>", "listed", b"<head "),
        (b"<title>x</title><ul data-list=main><li data-product=a>", "listed", b"<title>x</title>"),
        (b"<html><li data-product=a></li><li data-product=b></li><body data-list=main>", "listed", b"<html>"),
    ],
)
def test_where_there_are_lists_or_slots_at_edges_it_may_end_at_the_head(page: bytes, site: str, begun: bytes) -> None:
    assert sent([page], site) == begun
    assert sent([page[at : at + 1] for at in range(len(page))], site) == begun


@pytest.mark.parametrize("selector", ["head", "html > *", ":root > :first-child", "main, head", "[lang]", "div > HEAD"])
def test_what_may_stand_at_an_edge_of_the_head_leaves_no_beginning(selector: str) -> None:
    for place in ("start", "end"):
        assert bounds_of([DeclaredSlot("all.top", selector=selector, place=place)]) is None  # type: ignore[arg-type]
    assert bounds_of([DeclaredSlot("all.top", selector=selector)]) is not None


def must_begin_before_its_changes(page: bytes, splits: list[int], site: str) -> bool:
    edges, declared = [0, *sorted(split % (len(page) + 1) for split in splits), len(page)], SITES[site]
    begun = sent([page[start:end] for start, end in pairwise(edges)], site)
    made = redacted(Markup(page), ())
    body = made.body if isinstance(made, Redacted) else page
    whole = with_order_stylesheet(Markup(body), path="/", declared=declared)
    assert whole.body.startswith(begun)
    slots = find_slots(Markup(whole.body), path="/", declared=declared)
    lists = [found.range for found in find_lists(Markup(whole.body), path="/", declared=declared).found]
    changes = [*(() if isinstance(slots, Uncut) else slots), *lists]
    assert all(len(begun) <= change.start for change in changes)
    return bool(changes)


@settings(max_examples=400, deadline=None)
@given(pages, some.lists(some.integers(0, 10_000), max_size=6), some.sampled_from(sorted(SITES)))
def test_no_page_begins_beyond_its_first_slot(page: bytes, splits: list[int], site: str) -> None:
    must_begin_before_its_changes(page, splits, site)


@pytest.mark.parametrize("site", SITES)
def test_no_mutated_page_begins_beyond_its_first_slot(site: str) -> None:
    chance = random.Random(20_261_127)
    page = (
        b"<!doctype html>\r\n<html><head><title>Shop</title><link rel=stylesheet href=/a.css></head>\r\n<body>\r\n"
        b"<section class=hero><p>x</p></section><tb-slot name=b><p>y</p></tb-slot><script>'<div data-slot=e>'</script>"
        b"<ul data-list=main><li data-product=a>a</li><li data-product=b>b</li></ul><div id=x>self.__next_f</div>\r\n"
        b"<ol class=grid><li data-product=a>a</li><li data-product=b>b</li></ol>\r\n"
        b'<esi:include src="/_tb/slot/home.top"/><div DATA-SLOT="home.hero"><h1>x</h1></div></body></html>\r\n'
    )
    cuts = 0
    for _ in range(300):
        splits = [chance.randrange(10_000) for _ in range(3)]
        cuts += must_begin_before_its_changes(mutated(page, chance), splits, site)
    assert 30 < cuts <= 300
