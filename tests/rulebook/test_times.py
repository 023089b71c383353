"""Dates as editors write them, as Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf

import pytest

from proxy.conditions.nodes import Scalar
from proxy.diagnostics import Finding
from proxy.model import Place, Rule
from proxy.rulebook.compile import Loaded
from proxy.rulebook.times import read_moment, read_timezone
from tests.rulebook.conftest import Publish

HERE = Place("a.rules.yaml", 1, 7, 17)


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-25 08:00", utc(2026, 11, 25, 7)),
        ("2026-11-25T08:00:30", utc(2026, 11, 25, 7, 0, 30)),
        ("2026-07-25", utc(2026, 7, 24, 22)),
        ("2026-11-25 08:00Z", utc(2026, 11, 25, 8)),
        ("2026-11-25 08:00 +05:30", utc(2026, 11, 25, 2, 30)),
        ("2026-03-29 02:30", utc(2026, 3, 29, 1, 30)),  # clocks jump from 02:00 to 03:00: half past three
        ("2026-10-25 02:30", utc(2026, 10, 25, 0, 30)),  # shown twice: the first
    ],
)
def test_a_date_is_read_on_the_files_clocks(text: str, moment: float) -> None:
    findings: list[Finding] = []
    assert read_moment(Scalar(text, HERE), "Europe/Amsterdam", "from", findings) == moment
    assert not findings


@pytest.mark.parametrize(
    "text", ["25-11-2026", "2026-13-01", "2026-11-31", "tomorrow", "2026-11-25 8:00", "0000-01-01", "9999-12-31 24:00"]
)
def test_what_is_no_date_is_reported(text: str) -> None:
    findings: list[Finding] = []
    assert read_moment(Scalar(text, HERE), "UTC", "from", findings) is None
    assert [(finding.code, finding.what) for finding in findings] == [("R402", f'"{text}" is not a date')]


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("1. Dezember 2026", "write it as 2026-12-01"),
        ("3 maart 2026 8 uur", "write it as 2026-03-03 08:00"),
        ("24.12.2026 24:00", "write it as 2026-12-25 00:00"),
        ("2026-12-31 24:00", "write it as 2027-01-01 00:00"),
        ("end of 2026-12-31", "write it as 2027-01-01 00:00"),
        ("2026-12-31 midnight", "write the one you mean: 2026-12-31 00:00, or 2027-01-01 00:00"),
        ("2027-02-29", "write it as 2027-02-28"),
        ("31-11-2026", "write it as 2026-11-30"),
        ("31st of December 2026", "write it as 2026-12-31"),
        ("31/12/26", "write it as 2026-12-31"),
        ("01/12/2026", "write the one you mean: 2026-12-01, or 2026-01-12"),
        ("2026-13-01", "write it as 2026-11-25 08:00; the midnight after the 25th is 2026-11-26 00:00"),
    ],
)
def test_the_date_that_was_meant_is_offered(text: str, help: str) -> None:
    findings: list[Finding] = []
    read_moment(Scalar(text, HERE), "UTC", "until", findings)
    assert [finding.help for finding in findings] == [help]


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("Europe/Amsterdm", 'did you mean "Europe/Amsterdam"?'),
        ("Europe", "name a continent"),
        ("Europe/Munich", "name a continent"),
        ("GMT+1", "name a continent"),
        ("UTC+2", "name a continent"),
        ("America/Boston", "name a continent"),
        ("Berlin", 'did you mean "Europe/Berlin"?'),
        ("MEZ", "name a continent and a city, as Europe/Berlin, or UTC"),
        ("../../etc/passwd", "name a continent"),
        ("Europe/\x00", ""),
    ],
)
def test_an_unknown_time_zone_is_reported_with_the_nearest(text: str, help: str) -> None:
    findings: list[Finding] = []
    assert read_timezone(Scalar(text, HERE), findings) == "UTC"
    assert findings[0].code == "R307" and findings[0].help.startswith(help)


def test_a_known_time_zone_is_its_name() -> None:
    assert read_timezone(Scalar("Europe/Oslo", HERE), []) == "Europe/Oslo"


def the_rule(loaded: Loaded) -> Rule:
    assert loaded.publication is not None, loaded.findings
    (rule,) = loaded.publication.rules
    return rule


RUN = "rules:\n  - {name: A, slot: home.hero, show: nothing new, %s}\n"
TRIED = "experiments:\n  - {name: A, slot: home.hero, variants: [{name: a, show: nothing new}], %s}\n"


@pytest.mark.parametrize(
    ("lines", "until"),
    [
        ("from: 2026-12-01 08:00, run for: 14 days", utc(2026, 12, 15, 8)),
        ("from: 2026-10-20 08:00, run for: 2 weeks", utc(2026, 11, 3, 8)),
        ("from: 2026-12-01, run for: 1 day", utc(2026, 12, 2)),
    ],
)
def test_a_rule_ends_so_long_after_it_begins(lines: str, until: float, publish: Publish) -> None:
    for text in (RUN, TRIED):
        assert the_rule(publish(text % lines)).live_until == until


def test_days_that_a_rule_runs_are_those_of_its_clocks(publish: Publish) -> None:
    loaded = publish("timezone: Europe/Amsterdam\n" + RUN % "from: 2026-10-20 08:00, run for: 14 days")
    assert the_rule(loaded).live_until == utc(2026, 11, 3, 7)


def test_an_experiment_that_runs_so_long_at_least_does_not_end_by_that(publish: Publish) -> None:
    rule = the_rule(publish(TRIED % "from: 2026-12-01, run for: at least 2 weeks"))
    assert rule.live_until == inf and rule.experiment and rule.experiment.min_days == 14
    rule = the_rule(publish(TRIED % "from: 2026-12-01, until: 2026-12-24, run for: at least 2 weeks"))
    assert rule.live_until == utc(2026, 12, 24)


@pytest.mark.parametrize(
    ("lines", "code", "help"),
    [
        ("run for: 14 days", "R103", 'add "from:", when it begins, or write "until:", when it ends'),
        ("from: 2026-12-01, until: 2026-12-24, run for: 14 days", "R304", "take one of them out"),
        ("from: 2026-12-01, run for: at least 14 days", "R304", "write: 14 days"),
        ("from: 2026-12-01, run for: a while", "R304", "write: 14 days"),
    ],
)
def test_how_long_a_rule_runs_is_told_where_nobody_can_say_it(
    lines: str, code: str, help: str, publish: Publish
) -> None:
    assert [(finding.code, finding.help) for finding in publish(RUN % lines).findings] == [(code, help)]
