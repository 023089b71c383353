from __future__ import annotations

import pytest

from proxy.page.holes import Fill, FillKind, Hole, Redacted
from proxy.page.includes import says_includes, unwrapped
from proxy.page.markup import Markup
from proxy.page.redaction import MOST_EDITS, NotRedacted, redacted


def put_together(body: bytes, *, has_includes: bool = True) -> tuple[bytes, list[Fill]]:
    page = redacted(Markup(body), (), has_includes=has_includes)
    assert isinstance(page, Redacted)
    return page.body, [hole.fill for hole in page.holes]


def include(source: str, alternate: str = "") -> Fill:
    return Fill(FillKind.INCLUDE, source, alternate=alternate)


@pytest.mark.parametrize(
    ("body", "left", "fills"),
    [
        (b'<p>a<esi:include src="/x"/>b', b"<p>ab", [include("/x")]),
        (b'a<ESI:Include SRC=/x alt="/y" onerror="continue" />b', b"ab", [include("/x", "/y")]),
        (b'a<esi:include src="/x"></esi:include>b', b"ab", [include("/x")]),
        (b'\r\n<table><esi:include src="/x"/><tr><td>1', b"\r\n<table><tr><td>1", [include("/x")]),
        (b'<head><esi:include src="/x"/><title>t', b"<head><title>t", [include("/x")]),
        (b'a<esi:remove><a href="/x">b</a></esi:remove>c', b"ac", []),
        (b'a<esi:comment text="b"/>c', b"ac", []),
        (b'a<!--esi <esi:include src="/x"/> -->b', b"a  b", [include("/x")]),
        (b"\r\na<!--esi\r\n<b>c</b>-->b\r\n", b"\r\na\r\n<b>c</b>b\r\n", []),
        (
            b'<a title="x">&amp;</a><esi:include src="/a?b=1&amp;c=2"/>',
            b'<a title="x">&amp;</a>',
            [include("/a?b=1&c=2")],
        ),
    ],
)
def test_a_page_is_put_together_and_stays_as_it_is_elsewhere(body: bytes, left: bytes, fills: list[Fill]) -> None:
    assert put_together(body) == (left, fills)


@pytest.mark.parametrize(
    "body",
    [
        b"<script>let a='<esi:include src=\"/x\"/>'</script>",
        b'<!-- <esi:include src="/x"/> -->',
        b"<textarea><esi:include src='/x'/></textarea>",
        b'<p title="<esi:include src=/x/>">',
        b"&lt;esi:include src='/x'/&gt;",
        b"<esi:remove>never closed",
        b"<script>'<!--esi '</script><!--esi x --><p>",
        b"<!--esix-->",
    ],
)
def test_what_is_no_tag_to_a_browser_is_none_here(body: bytes) -> None:
    assert put_together(body) == (body, [])


def test_without_somebodys_word_includes_are_what_the_page_says() -> None:
    body = b'a<esi:include src="/x"/><!--esi b --><esi:remove>c</esi:remove>'
    assert put_together(body, has_includes=False) == (body, [])


@pytest.mark.parametrize("has_includes", [True, False])
def test_an_include_of_our_own_slot_is_a_slot_by_anybodys_word(has_includes: bool) -> None:
    body = b'<div>a<esi:include src="/_tb/slot/home.hero?path=/sale"/>b</div>'
    left = b'<div>a<tb-slot name="home.hero"></tb-slot>b</div>'
    assert put_together(body, has_includes=has_includes) == (left, [])


def test_a_slot_is_named_like_a_slot() -> None:
    body = b"<esi:include src='/_tb/slot/\"><script>'/>"
    assert put_together(body, has_includes=False) == (body, [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'content="ESI/1.0"', True),
        (b'max-age=60, content="ESI/1.0 ORACLE-ESI/9.0.4"', True),
        (b'content="ESI/1.01"', False),
        (b"max-age=60", False),
    ],
)
def test_an_origin_says_that_its_page_is_to_be_put_together(value: bytes, expected: bool) -> None:
    assert says_includes(value) is expected


def test_a_page_without_a_trace_is_not_changed() -> None:
    page = b"<p>esi"
    assert unwrapped(page) is page
    made = redacted(Markup(page), (), has_includes=True)
    assert isinstance(made, Redacted) and made.body is page


def test_a_page_full_of_beginnings_without_an_end_costs_no_more_than_another() -> None:
    beginnings = b"<!--esi " * 200_000  # searched from each to the end, they would take hours
    assert unwrapped(b"<!--esi <b>-->" + beginnings) == b"<!--esi <b>-->" + beginnings


def test_a_page_with_too_many_includes_is_left_as_it_is_and_the_reason_says_where() -> None:
    page = b"<!doctype html>\n" + b'<esi:include src="/x"/>\n' * MOST_EDITS
    assert put_together(page)[1] == [include("/x")] * MOST_EDITS
    verdict = redacted(Markup(page + b"<p>\n<esi:include src=/y>"), (), has_includes=True)
    assert str(verdict) == "too-many-holes at the page, more than 1,000, line 1003"


def test_too_many_holes_within_each_other_are_not_taken_for_few() -> None:
    twice = Hole("p", Fill(FillKind.NOTHING))
    page = Markup(b"<p>a</p>" * (MOST_EDITS // 2 + 1))
    verdict = redacted(page, (twice, twice))
    assert isinstance(verdict, NotRedacted) and verdict.reason == "too-many-holes"
