from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from proxy.decide.plan import compile_plan
from proxy.model import Cap, EvaluationContext, Holdout, Measure, Reading, Rule
from proxy.page.encode import Coding
from proxy.page.fragments import Wrapper, banner, trusted_html
from proxy.page.template import Template
from proxy.personalise import NO_STOCK
from proxy.rulebook.compile import Publication
from proxy.serve.filling import Filling
from proxy.serve.page_memo import PageMemo, PageMemoEntry
from tests.decide.worlds import NUMBERS, SLOTS, TEXTS, World
from tests.page.cutting import cut

SEEN = Cap("once", Measure(Reading.COUNT, ("banner shown",)), 1.0)


def template() -> Template:
    body = "".join(f'<div data-slot="{slot}">The shop\'s own</div><p>words</p>' for slot in SLOTS)
    found = cut(body.encode(), path="/", charset="utf-8", declared=(), max_slots=9)
    assert isinstance(found, Template)
    return found


def publication_of(rules: Sequence[Rule], world: World | None = None) -> Publication:
    plan = compile_plan(rules, world.segments, world.holdouts) if world else compile_plan(rules)
    variants = {variant for rule in rules for variant in (*rule.variants, rule.variant) if variant}
    fragments = {variant: trusted_html(f"<p>{variant}</p>") for variant in variants}
    return Publication("v1", plan, fragments, (), tuple(rules), (), ())


def filling_of(publication: Publication) -> Filling:
    made = Filling(PageMemo(), "secret")
    made.publish(publication, NO_STOCK)
    return made


def plain(chunks: Sequence[bytes], coding: Coding) -> bytes:
    return gzip.decompress(b"".join(chunks)) if coding == "gzip" else b"".join(chunks)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_whatever_is_asked_what_is_shared_is_what_is_decided_and_put_together_alone(coding: Coding) -> None:
    compose_shared = 0
    for seed in range(100):
        world, page, memo_entry = World(seed, with_chance=seed % 2 == 1), template(), PageMemoEntry()
        filling = filling_of(publication_of(world.rules, world))
        common = world.random.sample([*TEXTS, *NUMBERS], 4)
        for circumstances in range(3):
            first = world.context()
            said = {name: first.attributes.get(name) for name in common}
            for _ in range(8):
                other = world.context()
                known = {name: value for name, value in (other.attributes | said).items() if value is not None}
                context = msgspec.structs.replace(other, now=first.now, attributes=known)
                before = set(map(id, memo_entry.outcomes.values()))
                done = filling.compose_shared(page, context, coding, memo_entry, circumstances, common)
                alone = filling.compose_unshared(page, context, coding)
                compose_shared += id(done) in before
                assert done.decisions == alone.decisions, f"seed {seed}: {context}"
                assert plain(done.page.chunks, coding) == plain(alone.page.chunks, coding)
                assert done.page.etag == alone.page.etag
    assert compose_shared > 500 or coding == "gzip"


@pytest.mark.parametrize(
    ("rule", "holdouts"),
    [
        (Rule("plain", SLOTS[0], variant="v"), []),
        (Rule("capped", SLOTS[0], variant="v", caps=(SEEN,)), []),
        (Rule("held", SLOTS[0], variant="v", holdout=10_000), []),
        (Rule("all are held", SLOTS[0], variant="v"), [Holdout("everybody", 10_000)]),
    ],
    ids=["decided", "capped", "held out of a rule", "held out of all"],
)
def test_visitors_with_the_same_decisions_share_one_assembled_page(rule: Rule, holdouts: list[Holdout]) -> None:
    plan = compile_plan([rule], holdouts=holdouts)
    filling = filling_of(replace(publication_of([rule]), plan=plan))
    page, memo_entry = template(), PageMemoEntry()
    visitors = [EvaluationContext(name, read=lambda measure: 1.0) for name in ("anna", "ben")]
    pages = [filling.compose_shared(page, visitor, "identity", memo_entry, "now", ()) for visitor in visitors]
    assert pages[0] is pages[1]
    assert len(memo_entry.outcomes) == 1


def test_a_page_that_says_a_visitors_own_words_is_shared_with_nobody() -> None:
    rule = Rule("hello", SLOTS[0], variant="v")
    hello = banner(Wrapper("hello"), title="Hello {name}")
    filling, memo_entry = filling_of(replace(publication_of([rule]), fragments={"v": hello})), PageMemoEntry()
    for name in ("anna", "ben", "anna"):
        context = EvaluationContext(name, attributes={"name": name})
        done = filling.compose_shared(template(), context, "identity", memo_entry, "now", ())
        assert name.encode() in b"".join(done.page.chunks)
    assert not memo_entry.outcomes
