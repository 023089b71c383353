"""Limits and what ends a rule, as they are read."""

from __future__ import annotations

from math import inf

import pytest

from proxy.model import Cap, Measure, OneOf, Period, Reading, Then
from proxy.rulebook.lints import Site
from tests.rulebook.conftest import Publish

RULES = "rules:\n  - {name: Sale, slot: home.hero, show: nothing new, %s}\n"
DAY = 86_400.0


def caps(publish: Publish, lines: str, head: str = "timezone: Europe/Oslo\n") -> tuple[Cap, ...]:
    loaded = publish(head + RULES % lines)
    assert loaded.publication is not None, loaded.findings
    return loaded.publication.rules[0].caps


def shown(*rules: str, kind: str = "banner shown", **more: object) -> Measure:
    where = (("subject", OneOf(frozenset(rules or {"sale"}))),)
    return Measure(Reading.COUNT, (kind,), where=where, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "enough", "measure"),
    [
        ("at most 3 times per visitor per day", 3, shown(period=Period.DAY, timezone="Europe/Oslo")),
        ("At most 1 time per week", 1, shown(period=Period.WEEK, timezone="Europe/Oslo")),
        ("2 times per visitor per month", 2, shown(period=Period.MONTH, timezone="Europe/Oslo")),
        ("twice per session", 2, shown(period=Period.VISIT, timezone="Europe/Oslo")),
        ("once per visitor per 3 days", 1, shown(within_seconds=3 * DAY)),
        ("once per hour", 1, shown(within_seconds=3_600.0)),
        ("at most 5 times per 2 weeks", 5, shown(within_seconds=14 * DAY)),
        ("at most 10 times", 10, shown()),
    ],
)
def test_a_limit_says_how_often_in_what_time(text: str, enough: float, measure: Measure, publish: Publish) -> None:
    assert caps(publish, f"limit: {text}") == (Cap(f"limit {text}", measure, enough),)


def test_rules_that_name_a_limit_share_its_count(publish: Publish) -> None:
    limits = "limits:\n  Campaigns: at most 3 times per visitor per week\n"
    experiment = "experiments:\n  - {name: Bar, slot: all.topbar, limit: [Campaigns], variants: [%s]}\n"
    text = limits + RULES % "limit: Campaigns" + experiment % "{name: a, show: nothing new}"
    loaded = publish(text, **{"b.rules.yaml": RULES.replace("Sale", "Other") % "limit: [once per day, Campaigns]"})
    assert loaded.publication is not None, loaded.findings
    shared = Cap("limit Campaigns", shown("sale", "bar", "other", period=Period.WEEK), 3)
    assert [rule.caps[-1] for rule in loaded.publication.rules] == [shared] * 3
    assert loaded.publication.rules[2].caps[0].measure == shown("other", period=Period.DAY)


def test_a_limit_that_no_rule_names_is_reported(publish: Publish) -> None:
    loaded = publish("limits: {Used: once per day, Unused: once per day}\n" + RULES % "limit: Used", site=Site(0.0))
    assert [(one.code, one.what) for one in loaded.findings] == [("L13", '"Unused" changes nothing here')]


def test_a_rule_stops_for_a_visitor_after_it_was_shown_clicked_or_brought_an_order(publish: Publish) -> None:
    assert caps(publish, "stop after: {shown: 3 times, clicked: once, bought: 1 time}") == (
        Cap("stop after shown: 3 times", shown(), 3),
        Cap("stop after clicked: once", shown(kind="banner clicked"), 1),
        Cap("stop after bought: 1 time", shown(then=Then(("order completed",), inf)), 1),
    )


@pytest.mark.parametrize(
    ("line", "code", "help"),
    [
        ("limit: often", "R308", "write: at most 3 times per visitor per day, or: once per visitor per 3 days"),
        ("limit: 3 a day", "R308", "write: at most 3 times per visitor per day"),
        ("limit: 1x per week", "R308", "write: once per visitor per week"),
        (
            "limit: 0 times per day",
            "R308",
            "write: at most 3 times per visitor per day, or: once per visitor per 3 days",
        ),
        ("limit: Campaings", "R308", 'did you mean "Campaigns"?'),
        (
            "stop after: an order",
            "R104",
            "write `bought: 1 time`, `clicked: 1 time` or `shown: 3 times` below it, two spaces further in",
        ),
        ("stop after: {shown: often}", "R308", "write: 1 time, or 3 times"),
        ("stop after: {bought: 2 times}", "R308", "write: 1 time"),
        ("stop after: {showed: 2 times}", "R101", 'did you mean "shown"?'),
    ],
)
def test_what_is_wrong_is_reported(line: str, code: str, help: str, publish: Publish) -> None:
    found = publish("limits: {Campaigns: once per day}\n" + RULES % line).findings
    assert [(finding.code, finding.help) for finding in found] == [(code, help)]


def test_a_shared_limit_that_is_none_is_reported_once_where_it_stands(publish: Publish) -> None:
    found = publish("limits:\n  Campaigns: often\n" + RULES % "limit: Campaigns").findings
    assert [(finding.code, finding.place.line) for finding in found] == [("R308", 2)]
