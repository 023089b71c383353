"""Editors' own tests, run; and the rules that come with the demo, which they must all find in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.bucketing import bucket
from proxy.cases import Outcome, report, run_cases, summary, untested
from proxy.decide.engine import decide
from proxy.demo.catalogue import PRODUCTS
from proxy.demo.visitors import VISITORS
from proxy.model import EvaluationContext
from proxy.rulebook.compile import Publication, load
from proxy.stores.ruledir import read_folder

RULES = Path(__file__).parents[1] / "rules"
NOW = 1795608000.0  # 2026-11-25 12:00 UTC

TEXT = """\
segments: {VIP: {when: {orders: at least 4}}}
rules:
  - name: Early access
    slot: home.hero
    priority: high
    from: 2026-11-25
    when: {segment: VIP, any of: [{country: NO}, {country: NL}]}
    show: {banner: {title: Hi}}
  - name: Come back
    slot: home.hero
    when: {orders: at least 1}
    show: {banner: {title: Hello}}
  - name: Quiet
    slot: all.topbar
    show: nothing new
tests:
  - name: A test
    visitor: %s
    at: %s
    expect: {home.hero: %s, all.topbar: nothing new}
"""


def published(visitor: str, at: str, expected: str) -> Publication:
    text = TEXT % (visitor, at, expected)
    loaded = load({"a.rules.yaml": text.encode(), "slots.yaml": b"slots: {home.hero: {}, all.topbar: {}}"}
                  | {"attributes.yaml": b"attributes: {orders: number}"})  # fmt: skip
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


def outcome(visitor: str, at: str, expected: str) -> Outcome:
    (only,) = run_cases(published(visitor, at, expected), NOW)
    return only


@pytest.mark.parametrize(
    ("visitor", "at", "expected"),
    [
        ("{segments: [VIP], country: NO}", "2026-11-25 12:00", "Early access"),
        ("{orders: 4, country: NL}", "2026-11-25 12:00", "Early access"),
        ("{orders: 4, country: NL}", "2026-11-24 12:00", "Come back"),
        ("{country: NL}", "2026-11-25 12:00", "nothing new"),
    ],
)
def test_a_test_passes_when_each_slot_shows_what_it_should(visitor: str, at: str, expected: str) -> None:
    assert outcome(visitor, at, expected).passed


@pytest.mark.parametrize(
    ("visitor", "at", "expected", "shown", "reasons"),
    [
        (
            "{orders: 3, country: NO}",
            "2026-11-25 12:00",
            "Early access",
            '"Come back"',
            ["✘ segment: VIP  (nothing)", "✘ VIP: orders: at least 4  (ordered 3 of 4 times, 1 more order needed)"],
        ),
        (
            "{segments: [VIP], country: NO}",
            "2026-11-24 00:00",
            "Early access",
            "nothing new",
            ["✘ from 25 Nov 00:00  (24 Nov 00:00, starts in 1 d)"],
        ),
        (
            "{orders: 4, country: NO}",
            "2026-11-25 12:00",
            "Come back",
            '"Early access"',
            ['"Early access" comes first: priority 80, against 50'],
        ),
        (
            "{orders: 1}",
            "2026-11-25 12:00",
            "nothing new",
            '"Come back"',
            ["✔ orders: at least 1  (ordered 1 time)"],
        ),
    ],
)
def test_a_failed_test_says_what_was_shown_instead_and_why(
    visitor: str, at: str, expected: str, shown: str, reasons: list[str]
) -> None:
    (fault,) = outcome(visitor, at, expected).faults
    assert str(fault).endswith(f"but shows {shown}")
    assert list(fault.reasons) == reasons


def test_the_report_names_the_place_of_a_failure_and_what_is_not_tested() -> None:
    publication = published("{orders: 1}", "2026-11-25 12:00", "Early access")
    lines = report(publication, run_cases(publication, NOW)).split("\n")
    assert lines[0] == "a.rules.yaml" and lines[1].startswith("  FAIL  A test ")
    assert lines[2] == '        home.hero should show "Early access", but shows "Come back"'
    assert "        a.rules.yaml:17" in lines
    missed = 'not tested: "Come back" (line 9), "Quiet" (line 13)'
    assert lines[-1] == f"0 passed, 1 failed. 1 of 3 rules are tested; {missed}"


def test_a_test_without_a_time_runs_now() -> None:
    publication = load(
        {
            "slots.yaml": b"slots: {s: {}}",
            "a.rules.yaml": b"rules: [{name: A, slot: s, until: 2026-11-26, show: {banner: {title: Hi}}}]\n"
            b"tests: [{name: T, expect: {s: A}}]",
        }
    ).publication
    assert publication is not None
    assert run_cases(publication, NOW)[0].passed and not run_cases(publication, NOW + 86_400)[0].passed
    assert summary(publication, run_cases(publication, NOW)) == "1 passed, 0 failed. 1 of 1 rules are tested"


# -- the rules that come with the demo


@pytest.fixture(scope="module")
def shipped() -> Publication:
    loaded = load(read_folder(RULES))
    assert loaded.publication is not None and not loaded.findings
    return loaded.publication


def test_the_shipped_rules_are_clean_and_every_one_is_tested(shipped: Publication) -> None:
    assert all(outcome.passed for outcome in run_cases(shipped, NOW))
    assert not untested(shipped, run_cases(shipped, NOW))
    assert len(shipped.rules) >= 15 and len(shipped.plan.slots) >= 6


def test_the_four_visitors_see_four_different_heroes(shipped: Publication) -> None:
    for now in (NOW, NOW + 60 * 86_400):
        shown = {
            decide(
                shipped.plan,
                EvaluationContext(now=now, attributes={**visitor.attributes, "segment": visitor.segments, "page": "/"}),
                ["home.hero"],
            )["home.hero"].rule
            for visitor in VISITORS
        }
        assert len(shown) == len(VISITORS) and "" not in shown


def test_the_shipped_catalogue_is_the_shops() -> None:
    assert (RULES / "products.jsonl").read_bytes() == PRODUCTS.read_bytes()


EXPERIMENT = """\
experiments:
  - {name: Bar, slot: s, holdout: 50%, variants: [{name: control, show: nothing new}, {name: new, show: nothing new}]}
tests:
  - {name: T, visitor: {id: "ID"}, expect: {s: EXPECTED}}
"""


def told_of(id: str, expected: str) -> tuple[bool, str, tuple[str, ...]]:
    text = EXPERIMENT.replace("ID", id).replace("EXPECTED", expected)
    loaded = load({"slots.yaml": b"slots: {s: {}}", "a.rules.yaml": text.encode()})
    assert loaded.publication is not None, loaded.findings
    (outcome,) = run_cases(loaded.publication, NOW)
    fault = next(iter(outcome.faults), None)
    return outcome.passed, str(fault or ""), fault.reasons if fault else ()


def test_an_experiment_is_tested_with_a_visitor_who_has_an_id() -> None:
    in_arm = next(
        str(n)
        for n in range(99)
        if bucket("holdout:Bar", str(n)) >= 5_000 and bucket("experiment:Bar", str(n)) >= 5_000
    )
    assert told_of(in_arm, "Bar")[0] and told_of(in_arm, "Bar / new")[0]
    assert told_of(in_arm, "Bar / control")[1] == 's should show "Bar / control", but shows "Bar / new"'


def test_a_held_out_visitor_fails_a_case_with_the_reason() -> None:
    held_out = next(str(n) for n in range(99) if bucket("holdout:Bar", str(n)) < 5_000)
    passed, fault, reasons = told_of(held_out, "Bar")
    assert not passed and fault == 's should show "Bar", but shows nothing new'
    assert reasons[0] == "the visitor is held out, to compare with"


def test_an_arm_that_is_none_is_reported() -> None:
    text = EXPERIMENT.replace("ID", "1").replace("EXPECTED", "Bar / nwe")
    found = load({"slots.yaml": b"slots: {s: {}}", "a.rules.yaml": text.encode()}).findings
    assert [(finding.code, finding.help) for finding in found] == [("R601", 'did you mean "Bar / new"?')]


LISTS = """
rules:
  - name: Mustard first
    listing: search
    when: {search term: hot dog}
    boost: {product: MUSTARD, by: 1 place}
tests:
  - name: It comes first
    visitor: {search term: hot dog}
    page: /search
    expect: {"listing:search": {of: [BUN, MUSTARD, HOTDOG], begins with: MUSTARD}}
  - name: The buns do
    visitor: {search term: hot dog}
    page: /search
    expect: {"listing:search": {of: [BUN, MUSTARD, HOTDOG], begins with: [BUN, MUSTARD]}}
"""


def test_the_order_of_a_list_is_tested_and_a_failure_says_where_each_product_went() -> None:
    loaded = load({"a.rules.yaml": LISTS.encode()})
    assert loaded.publication is not None, loaded.findings
    first, second = run_cases(loaded.publication, NOW)
    assert first.passed and untested(loaded.publication, run_cases(loaded.publication, NOW)) == ()
    (fault,) = second.faults
    assert str(fault) == "listing:search should begin with BUN, MUSTARD, but shows MUSTARD, BUN"
    assert fault.reasons[:2] == ('by "Mustard first"', "MUSTARD: 2 → 1, +1 place by product mustard")
