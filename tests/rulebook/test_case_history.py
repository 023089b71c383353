"""What a test's visitor did before, as it is read, and that rules see it."""

from __future__ import annotations

import pytest

from proxy.cases import run_cases
from proxy.rulebook.case_history import Action
from tests.rulebook.conftest import Publish

NOW = 1_795_608_000.0
SHOE = ("SKU-1", "shoes/trail", "", 0.0, 1.0)


def actions(publish: Publish, *lines: str) -> tuple[Action, ...]:
    text = "rules: [{name: R, slot: home.hero, show: nothing new}]\ntests:\n  - name: T\n    expect: {home.hero: R}\n"
    loaded = publish(text + "    visitor:\n" + "\n".join(f"      {line}" for line in lines))
    assert loaded.publication is not None, loaded.findings
    return loaded.publication.cases[0].actions


def told(action: Action) -> tuple[object, ...]:
    return (action.kind, action.ago, action.subject, [item.product for item in action.items], action.value)


def test_words_under_the_visitor_were_done_just_now(publish: Publish) -> None:
    read = actions(publish, "viewed: [SKU-1, SKU-1]", "cart: SKU-1", "bought: [SKU-1, X]", "searched: trail")
    assert [told(action) for action in read] == [
        ("product viewed", 0, "", ["SKU-1"], 0),
        ("product viewed", 0, "", ["SKU-1"], 0),
        ("product added", 0, "", ["SKU-1"], 0),
        ("order completed", 0, "", ["SKU-1", "X"], 0),
        ("searched", 0, "trail", [], 0),
    ]
    assert read[0].items[0].category == "shoes/trail", "the catalogue knows it"


def test_a_limit_is_tested_by_what_was_shown_before(publish: Publish) -> None:
    rule = "rules: [{name: R, slot: home.hero, show: nothing new, limit: twice per visitor per week}]\n"
    test = (
        "tests: [{name: T, at: 2026-11-26 12:00, visitor: "
        "{events: [{shown: R, days ago: %s, times: 2}]}, expect: {home.hero: %s}}]"
    )
    for days, shown in (("1", "nothing new"), ("8", "R")):
        loaded = publish(rule + test % (days, shown))
        assert loaded.publication
        (outcome,) = run_cases(loaded.publication, NOW)
        assert outcome.passed, days


def test_events_say_how_long_ago_how_often_and_for_how_much(publish: Publish) -> None:
    read = actions(
        publish,
        "events:",
        "  - {viewed: X, category: hats, brand: North, days ago: 3, times: 2}",
        "  - {bought: SKU-1, hours ago: 1, minutes ago: 30, value: 129 EUR, price: 65 EUR, in stock: no}",
    )
    assert [action.ago for action in read] == [259_200, 259_201, 5_400]
    assert (read[0].items[0].category, read[0].items[0].brand, read[2].value) == ("hats", "North", 129)
    assert (read[2].items[0].price, read[2].items[0].quantity) == (65, 0)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["events: {viewed: X}"], "R104"),
        (["events: [{days ago: 3}]"], "R103"),
        (["events: [{viewed: SKU-1, day ago: 3}]"], "R101"),
        (["events: [{viewed: SKU-1, days ago: soon}]"], "R303"),
        (["viewed: [SKU-1, SKU-2]"], "R502"),
        (["cart: SKU-2"], "R502"),
        (["events: [{bought: SKU-2, days ago: 3}]"], "R502"),
        (["viewed: {category: shoes}"], "R104"),
    ],
)
def test_a_mistake_is_reported(lines: list[str], code: str, publish: Publish) -> None:
    text = "rules: [{name: R, slot: home.hero, show: nothing new}]\ntests:\n  - name: T\n    expect: {home.hero: R}\n"
    loaded = publish(text + "    visitor:\n" + "\n".join(f"      {line}" for line in lines))
    assert [finding.code for finding in loaded.findings] == [code]


@pytest.mark.parametrize(
    ("visitor", "passes"),
    [
        ("{viewed: [SKU-1, SKU-1, SKU-1]}", True),
        ("{viewed: [SKU-1, SKU-1]}", False),
        ("{events: [{viewed: SKU-1, times: 3, days ago: 13}]}", True),
        ("{events: [{viewed: SKU-1, times: 3, days ago: 14}]}", False),
        ("{orders: 5}", True),
        ("{orders: 5, journey stage: start}", True),
        ("{events: [{bought: X, days ago: 1, times: 5}]}", True),
        ("{country: NO}", False),
    ],
)
def test_rules_see_what_was_done(visitor: str, passes: bool, publish: Publish) -> None:
    loaded = publish(
        "journey: {start: everyone}\n"
        "rules:\n  - name: R\n    slot: home.hero\n    show: {banner: promo}\n    when:\n      any of:\n"
        "        - viewed: {category: shoes, times: at least 3, within: 14 days}\n        - orders: at least 5\n"
        f"tests:\n  - name: T\n    visitor: {visitor}\n    expect: {{home.hero: R}}\n"
    )
    assert loaded.publication is not None, loaded.findings
    (outcome,) = run_cases(loaded.publication, NOW)
    assert outcome.passed is passes


def test_why_says_since_when_and_until_when(publish: Publish) -> None:
    loaded = publish(
        "timezone: Europe/Amsterdam\nrules:\n  - name: R\n    slot: home.hero\n    show: {banner: promo}\n"
        "    when: {viewed: {times: at least 2, within: 14 days}}\n"
        "tests:\n  - name: T\n    at: 2026-11-25 12:00\n    expect: {home.hero: nothing new}\n"
        "    visitor: {events: [{viewed: A, days ago: 1}, {viewed: A, days ago: 3}, {viewed: B, days ago: 9}]}\n"
    )
    assert loaded.publication is not None, loaded.findings
    (outcome,) = run_cases(loaded.publication, NOW)
    (reason,) = outcome.faults[0].reasons
    assert reason.endswith("(seen 3 times in 14 days, until 6 Dec 12:00)")
