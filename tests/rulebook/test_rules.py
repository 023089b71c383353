"""One rule: who, where, when."""

from __future__ import annotations

import math

import pytest

from proxy.model import EVERYBODY, Rule
from tests.rulebook.conftest import Publish


def rule(publish: Publish, *lines: str, head: str = "") -> Rule:
    text = head + "rules:\n  - " + "\n    ".join(["name: A", "slot: home.hero", "show: nothing new", *lines])
    loaded = publish(text)
    assert loaded.publication is not None, loaded.findings
    return loaded.publication.rules[0]


def test_a_rule_that_says_little_shows_to_everybody_always(publish: Publish) -> None:
    plain = rule(publish)
    assert (plain.condition, plain.priority, plain.variant) == (EVERYBODY, 50, "")
    assert (plain.live_from, plain.live_until, plain.timezone) == (-math.inf, math.inf, "UTC")
    assert not plain.needs_verified and str(plain.place) == "a.rules.yaml:2"


@pytest.mark.parametrize(
    ("written", "priority"), [("high", 80), ("normal", 50), ("low", 20), ("0", 0), ("73", 73), ("100", 100)]
)
def test_priority_is_a_word_or_a_number(written: str, priority: int, publish: Publish) -> None:
    assert rule(publish, f"priority: {written}").priority == priority


def test_the_schedule_is_read_on_the_files_clocks(publish: Publish) -> None:
    dated = rule(publish, "from: 2026-11-25 08:00", "until: 2026-11-28", head="timezone: Europe/Amsterdam\n")
    assert (dated.live_from, dated.live_until) == (1795590000.0, 1795820400.0)
    assert dated.timezone == "Europe/Amsterdam"


def test_a_rule_may_need_signed_segments(publish: Publish) -> None:
    assert rule(publish, "needs: verified").needs_verified


@pytest.mark.parametrize(
    ("line", "code", "help"),
    [
        ("priority: hihg", "R304", 'did you mean "high"?'),
        ("priority: 101", "R304", "write high, normal, low or a number from 0 to 100"),
        ("priority: -1", "R304", "write high, normal, low or a number from 0 to 100"),
        ("needs: verfied", "R304", 'did you mean "verified"?'),
        ("from: 2026-11-25\n    until: 2026-11-25", "R401", "give it a later end"),
        ("when: {}", "R104", "write `word: value`, each on its own line, two spaces further in, or remove the line"),
    ],
)
def test_what_is_wrong_is_told(line: str, code: str, help: str, publish: Publish) -> None:
    loaded = publish(f"rules:\n  - name: A\n    slot: home.hero\n    show: nothing new\n    {line}\n")
    assert [(finding.code, finding.help) for finding in loaded.findings] == [(code, help)]


def test_order_follows_files_by_name_then_lines(publish: Publish) -> None:
    one = "rules:\n  - {name: %s, slot: home.hero, show: nothing new}\n"
    loaded = publish(one % "B", "b.rules.yaml", **{"a.rules.yaml": one % "A" + (one % "A2").removeprefix("rules:\n")})
    assert loaded.publication is not None
    assert [(rule.name, rule.order) for rule in loaded.publication.rules] == [("A", 0), ("A2", 1), ("B", 2)]
