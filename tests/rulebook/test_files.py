"""The files of a folder, opened."""

from __future__ import annotations

from proxy.diagnostics import Finding
from proxy.rulebook.check import check
from proxy.rulebook.files import fell, rule_files, texts
from proxy.rulebook.lints import Site
from proxy.rulebook.read import read_yaml
from tests.rulebook.conftest import Publish


def opened(**sources: str) -> tuple[list[str], list[Finding]]:
    findings: list[Finding] = []
    roots = {name: root for name, text in sources.items() if (root := read_yaml(name, text, findings))}
    return [f"{file.name} {file.timezone}" for file in rule_files(roots, findings)], findings


def test_each_rule_file_has_its_own_clocks() -> None:
    files = {"a.rules.yaml": "timezone: Europe/Oslo\nrules: []", "b.rules.yaml": "rules: []", "slots.yaml": "slots: {}"}
    assert opened(**files) == (["a.rules.yaml Europe/Oslo", "b.rules.yaml UTC"], [])


def test_hours_and_countdowns_without_a_zone_are_reported_with_the_zone_of_other_files(publish: Publish) -> None:
    site, rule = Site(0.0), "rules: [{name: Sale, slot: home.hero, show: nothing new, %s}]"
    hours, schedule = rule % "when: {hours: 08:00-12:00}", rule % "from: 2026-11-25"
    other = {"b.rules.yaml": "timezone: Europe/Oslo\nrules: []"}

    def told(text: str, **more: str) -> list[str]:
        return [finding.help for finding in publish(text, site=site, **more).findings]

    assert told(hours) == ["write `timezone: Europe/Amsterdam` above the rules"]
    assert (
        told(hours, **other)
        == ["write `timezone: Europe/Oslo` above the rules, as in other files"]
        == told(schedule, **other)
    )
    assert told(schedule) == told("timezone: UTC\n" + hours, **other) == []
    counted = rule.replace("show: nothing new", "show: {banner: {title: '{hours until 17:00, hour/hours} left'}}") % ""
    assert told(counted) == told(hours) and told("timezone: UTC\n" + counted) == []


def test_a_folder_of_experiments_alone_holds_rules() -> None:
    assert opened(**{"a.rules.yaml": "experiments: []"})[1] == []
    assert [finding.code for finding in opened(**{"a.rules.yaml": "version: 1"})[1]] == ["R202"]


def test_a_part_that_is_no_list_or_no_lines_is_reported(publish: Publish) -> None:
    found = publish("rules: A\nlimits: [B]\nexperiments: []").findings
    assert [finding.code for finding in found] == ["R104", "R104"]


def test_files_come_by_name_and_the_catalogue_is_left_to_who_reads_it_by_lines() -> None:
    files = {"b.yaml": b"1", "a.yaml": b"2", "products.jsonl": b"{}"}
    assert [name for name, _ in texts(files, [])] == ["a.yaml", "b.yaml"]


def test_a_copy_of_a_rule_file_is_reported_once_and_left_out() -> None:
    rules = b"rules: [{name: A}]"
    files = {
        "a.rules.yaml": rules,
        "Copy of a.rules.yaml": rules,
        "b.rules.yaml": b"rules: []",
        "c.rules.yaml": b"rules: []",
    }
    findings: list[Finding] = []
    assert [name for name, _ in texts(files, findings)] == ["Copy of a.rules.yaml", "b.rules.yaml", "c.rules.yaml"]
    assert [(one.code, one.place.file, one.what) for one in findings] == [
        ("R201", "a.rules.yaml", "this file says the same as Copy of a.rules.yaml")
    ]


def test_a_banner_that_is_no_utf_8_is_reported_and_not_missed_too() -> None:
    rules = b"rules: [{name: A, slot: home.hero, show: {banner: fest}}]"
    files = {
        "a.rules.yaml": rules,
        "slots.yaml": b"slots: {home.hero: {}}",
        "banners/fest.html": "<p>ö".encode("latin-1"),
    }
    assert [finding.code for finding in check(files).findings] == ["Y004"]


def test_a_felled_tree_leaves_nothing_and_harms_nobody() -> None:
    findings: list[Finding] = []
    names = ("a.rules.yaml", "empty.rules.yaml", "word.rules.yaml")
    texts_of = dict(zip(names, ("rules: [{name: A}]\nlimits: {B: once}", "", "word"), strict=True))
    roots = {name: root for name, text in texts_of.items() if (root := read_yaml(name, text, findings))}
    kept = roots["a.rules.yaml"]
    fell(roots)
    assert roots == {} and kept == read_yaml("a.rules.yaml", texts_of["a.rules.yaml"], findings)


def test_an_end_on_a_day_is_told_unless_it_is_plainly_meant(publish: Publish) -> None:
    rule = "{name: %s, slot: home.hero, show: nothing new, %s}"

    def told(*schedules: str) -> list[str]:
        rules = ", ".join(rule % (name, schedule) for name, schedule in zip("AB", schedules, strict=False))
        return [f"{one.what}; {one.help}" for one in publish(f"rules: [{rules}]", site=Site(0.0)).findings]

    (says,) = told("from: 2026-11-27, until: 2026-11-29")
    assert says == (
        "this ends when Sunday begins: 29 November is no part of it; "
        "to show it that day, too, write 2026-11-30 00:00; if not, 2026-11-29 00:00"
    )
    assert told("until: 2026-11-29 00:00") == told("until: 2026-12-01") == []
    assert told("until: 2026-11-29, priority: high", "from: 2026-11-29, priority: low") == []
    assert [one.partition(";")[0] for one in told("until: 2026-02-30")] == ['"2026-02-30" is not a date']
