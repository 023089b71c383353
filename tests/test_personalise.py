"""A template, a plan, fragments and a context go in; the page and its reasons come out, always the same."""

from __future__ import annotations

import gzip

from proxy.decide.plan import compile_plan
from proxy.model import EvaluationContext, Fact, OneOf, Rule
from proxy.page.encode import Coding
from proxy.page.fragments import Frame, banner
from proxy.page.template import Template, cut
from proxy.personalise import Personalised, personalise, untouched

PAGE = b'<p>before</p><div data-slot="home.hero">ours</div><p>between</p><div data-slot="all.topbar">bar</div>'
PLAN = compile_plan(
    [
        Rule("VIP", "home.hero", Fact("segment", OneOf(frozenset({"vip"}))), variant="early", priority=80),
        Rule("Quiet", "home.hero", Fact("country", OneOf(frozenset({"no"})))),
        Rule("Unpublished", "all.topbar", variant="gone"),
    ]
)
FRAGMENTS = {"early": banner(Frame("VIP"), title="Early access, {first name|friend}")}
KEY = b"key"


def template() -> Template:
    found = cut(PAGE, path="/", charset="utf-8", declared=(), max_slots=50)
    assert isinstance(found, Template)
    return found


def page_for(coding: Coding = "identity", **attributes: str | frozenset[str]) -> Personalised:
    context = EvaluationContext("v1", 0.0, {name.replace("_", " "): value for name, value in attributes.items()})
    return personalise(template(), PLAN, FRAGMENTS, context, coding=coding, key=KEY)


def body(page: Personalised) -> bytes:
    return b"".join(page.page.chunks)


def test_a_winner_fills_its_slot_and_nothing_else_changes() -> None:
    page = page_for(segment=frozenset({"VIP"}), first_name="Anna")
    before, after = body(page).split(b"<p>between</p>")
    assert before.startswith(b'<p>before</p><div data-slot="home.hero">')
    assert b"Early access, Anna" in before
    assert b"ours" not in before
    assert after == b'<div data-slot="all.topbar">bar</div>'


def test_decisions_come_in_the_order_of_the_page() -> None:
    decisions = page_for(segment=frozenset({"VIP"})).decisions
    assert [(decision.slot, decision.rule) for decision in decisions] == [
        ("home.hero", "VIP"),
        ("all.topbar", "Unpublished"),
    ]


def test_no_winner_nothing_new_and_an_unpublished_fragment_show_the_default() -> None:
    assert body(page_for()) == PAGE
    assert body(page_for(country="NO")) == PAGE


def test_the_same_arguments_give_the_same_bytes_in_either_coding() -> None:
    visitor = {"segment": frozenset({"VIP"}), "first_name": "Ann <b>"}
    plain, again, squeezed = page_for(**visitor), page_for(**visitor), page_for("gzip", **visitor)
    assert body(plain) == body(again)
    assert gzip.decompress(body(squeezed)) == body(plain)
    assert b"Ann &lt;b&gt;" in body(plain)
    assert plain.page.etag == again.page.etag != squeezed.page.etag


def test_untouched_is_the_origins_page() -> None:
    assert b"".join(untouched(template(), coding="identity", key=KEY).chunks) == PAGE
