from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from loadtests.contender import Contender, Round
from loadtests.loader import Load
from loadtests.pages import Stage, hits, misses, staged
from loadtests.rows import row_of, table
from loadtests.storefront import SLOTS, VARIANTS, shoppers, storefront
from loadtests.verdicts import OURS, QUIET
from proxy.decide.conjunctions import facts_of
from proxy.page.template import Template
from proxy.rulebook.compile import load
from tests.page.cutting import cut

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: it is the shop here")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(rules=120, visitors=30) as made:
        yield made


@pytest.fixture(scope="module")
def servers(stage: Stage) -> Iterator[list[Contender]]:
    with hits(stage, ["gzip", "identity"]) as contenders:
        yield contenders


def test_the_work_is_what_it_says() -> None:
    store = storefront()
    publication = load(store.files).publication
    assert publication is not None and len(publication.rules) == 1_000
    assert len({fact.attribute for rule in publication.rules for fact in facts_of(rule.condition)}) >= 12
    template = cut(store.page(), path="/", charset="utf-8", declared=(), max_slots=50)
    assert isinstance(template, Template) and template.slots == SLOTS
    sizes = [len(fragment) for fragments in store.fragments for fragment in fragments]
    assert len(sizes) == len(SLOTS) * VARIANTS and min(sizes) >= 300 and max(sizes) <= 1_700
    page = store.for_visitor((3, 1, 4, 1, 5))
    assert 60_000 < len(page) < 64_000
    visitors = shoppers(500, now=0.0)
    assert visitors == shoppers(500, now=0.0) and len({each.variants for each in visitors}) == 500
    assert 250 < len(visitors[0].cookies) < 450


@pytest.mark.bar("B1")
@pytest.mark.bar("B2")
@needs_nginx
@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("server", ["nginx, static file", "nginx SSI", "Varnish ESI", OURS, QUIET])
def test_each_visitor_gets_their_own_page_from_every_server(servers: list[Contender], server: str, coding: str) -> None:
    found = [each for each in servers if (each.name, each.work) == (server, coding)]
    if not found:
        pytest.skip(f"{server} is not installed")
    found[0].check()
    assert found[0].wrong == 0 and found[0].body_bytes > 5_000


@needs_nginx
def test_a_wrong_answer_is_noticed(stage: Stage, servers: list[Contender]) -> None:
    ours = next(each for each in servers if each.name == OURS)
    told_wrong = replace(ours, wrong=0, expected=lambda shopper: stage.store.page())
    told_wrong.check()
    assert told_wrong.wrong == 30


@needs_nginx
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_a_run_measures_the_server_and_keeps_to_its_rate(servers: list[Contender]) -> None:
    paced = servers[0].run(1, rate=200)
    assert (paced.refused, paced.unanswered) == (0, 0) and paced.cpu_us > 0 and paced.rate < 300


@needs_nginx
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_answers_are_compared_under_load_and_the_lost_told_from_the_wrong(stage: Stage) -> None:
    with misses(stage) as contenders:
        *_, streamed = contenders
        told_wrong = replace(streamed, expected=lambda shopper: b"another page")
        for each in (streamed, told_wrong):
            each.strain(1)
        assert streamed.wrong == 0 and streamed.compared > 5
        assert told_wrong.wrong + told_wrong.refused + told_wrong.unanswered == told_wrong.compared


@pytest.mark.bar("B4")
@needs_nginx
def test_what_is_not_stored_is_right_too(stage: Stage) -> None:
    with misses(stage) as contenders:
        for contender in contenders:
            contender.check()
        assert {each.name: each.wrong for each in contenders} == {each.name: 0 for each in contenders}


def test_the_table_says_how_many_times_cheaper_and_which_answers_were_wrong() -> None:
    def contender(name: str, cpu_us: float, rate: float, wrong: int) -> Contender:
        run = Load(100, rate, wrong, 0, 100, 200, cpu_us, 0.5)
        return Contender("gzip", name, "", 0, None, None, wrong=wrong, rounds=[Round(run, run, run)] * 3)  # type: ignore[arg-type]

    static, ours = contender("nginx, static file", 20.0, 4_000.0, 0), contender(OURS, 40.0, 1_000.0, 1)
    told = table([row_of(each, [static, ours]) for each in (static, ours)])
    assert "| Tailorbird | WRONG, 9 refused |" in told and "| 0.50 / 0.25 |" in told
    assert "| nginx, static file | right |" in told
