"""A slot is in doubt only when what was not recorded could change what it shows."""

from __future__ import annotations

import pytest

from proxy.diagnostics import as_text
from proxy.drafts.doubt import is_in_doubt, missing_in
from proxy.model import View
from proxy.rulebook.compile import Publication, load

HEAD = """version: 1
segments:
  Spenders:
    when: {orders: at least 3}
  VIP:
    description: named by a cookie
rules:
"""
FILES = {"slots.yaml": b"slots: {home.hero: {}}", "attributes.yaml": b"attributes: {orders: number}"}
LOWEST = "  - {name: Last, slot: home.hero, priority: 0, show: {banner: {title: Last}}}\n"


def publication(*conditions: str) -> Publication:
    rules = "".join(
        f"  - {{name: Rule {n}, slot: home.hero, {words}, show: {{banner: {{title: Hi}}}}}}\n"
        for n, words in enumerate(conditions)
    )
    loaded = load({"a.rules.yaml": (HEAD + rules + LOWEST).encode(), **FILES})
    assert loaded.publication is not None, as_text(loaded.findings, loaded.sources)
    return loaded.publication


# Nobody asked for orders when this was recorded.
VIEW = View(
    1_795_435_200.0,
    "v1",
    {"home.hero": "Last"},
    {"page": "/", "country": "NO", "visitor": "new", "segment": frozenset({"VIP"})},
    ("device", "language"),
)


@pytest.mark.parametrize(
    ("condition", "doubt"),
    [
        ("when: {orders: at least 3}", True),
        ("when: {orders: at least 3, country: NO}", True),
        ("when: {orders: at least 3, country: NL}", False),
        ("when: {orders: at least 3, device: phone}", False),
        ("when: {country: NO}, unless: {orders: at least 3}", True),
        ("when: {country: NL}, unless: {orders: at least 3}", False),
        ("when: {any of: [{orders: at least 3}, {visitor: new}]}", False),
        ("when: {any of: [{orders: at least 3}, {visitor: returning}]}", True),
        ("when: {none of: [{orders: at least 3}, {visitor: new}]}", False),
        ("when: {segment: Spenders}", True),
        ("when: {segment: [Spenders, VIP]}", False),
        ("when: {segment: not Spenders}", True),
        ("when: {any of: [{segment: VIP}, {orders: 3}]}", False),
        ("unless: {any of: [{segment: VIP}, {orders: 3}]}", False),
        ("when: {segment: any}", True),
        ("until: 2026-01-01, when: {orders: at least 3}", False),
        ("from: 2027-01-01, when: {orders: at least 3}", False),
    ],
)
def test_a_rule_leaves_doubt_only_where_it_may_hold_and_may_fail(condition: str, doubt: bool) -> None:
    plan = publication(condition).plan
    missing = missing_in(VIEW, plan.attributes_of(["home.hero"]))
    assert missing == {"orders"}
    assert is_in_doubt(plan, VIEW, "home.hero", missing) is doubt


def test_what_stands_below_a_sure_winner_leaves_no_doubt() -> None:
    plan = publication("when: {country: NO}, priority: high", "when: {orders: at least 3}").plan
    assert not is_in_doubt(plan, VIEW, "home.hero", frozenset({"orders"}))


def test_what_was_asked_and_not_known_is_not_missing() -> None:
    assert missing_in(VIEW, frozenset({"device", "country", "weekday", "hours", "orders"})) == {"orders"}
