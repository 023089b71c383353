"""A whole folder, checked: the sample of eight mistakes, broken folders, and that nothing an editor types raises."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from proxy.diagnostics import as_text
from proxy.rulebook.check import check
from proxy.rulebook.files import MAX_RULES
from tests.rulebook.conftest import FILES

CASES = Path(__file__).parents[1] / "cases"


def folder(name: str) -> dict[str, bytes]:
    paths = [path for path in (CASES / name).rglob("*") if path.is_file()]
    return {path.relative_to(CASES / name).as_posix(): path.read_bytes() for path in paths}


def test_the_eight_mistakes_are_told_word_for_word() -> None:
    checked = check(folder("bad"))
    expected = (CASES / "bad.txt").read_text(encoding="utf-8")
    assert as_text(checked.findings, checked.sources) + "\n" == expected


def test_the_whole_sample_is_understood() -> None:
    checked = check(folder("autumn"))
    assert [finding for finding in checked.findings if not finding.is_warning] == []
    assert len(checked.rules) == 5 and len(checked.cases) == 3


GOOD = """\
version: 1
timezone: Europe/Amsterdam
segments:
  VIP:
    description: Bought often
    when:
      orders: at least 4
rules:
  - name: Early access
    slot: home.hero
    priority: high
    from: 2026-11-25 08:00
    until: 2026-11-28 00:00
    when:
      segment: VIP
      country: [NL, BE, NO]
      any of:
        - page: starts with /shoes
          hours: between 08:00 and 18:00
        - search term: contains trail
    unless:
      device: not phone
    show:
      banner:
        title: "{city|Hello}, it is open"
        button: Shop
        link: /sale
  - name: Row
    slot: all.topbar
    show:
      products:
        strategy:
          - chosen: [SKU-1]
        count: 4
tests:
  - name: A VIP sees it
    visitor: {segments: [VIP], country: NO, device: phone}
    page: /shoes/trail
    at: 2026-11-25 12:00
    expect:
      home.hero: Early access
"""


def checked_texts(**files: str) -> list[str]:
    """The codes found in the small folder with these files instead."""
    whole = {**FILES, **files}
    checked = check({name: text.encode("utf-8", "surrogateescape") for name, text in whole.items()})
    assert all(finding.help and finding.place.line >= 1 and finding.place.column >= 1 for finding in checked.findings)
    assert as_text(checked.findings, checked.sources) or not checked.findings
    return [finding.code for finding in checked.findings]


def test_a_good_folder_has_no_findings() -> None:
    assert checked_texts(**{"a.rules.yaml": GOOD}) == []


BOMB = "a: &a [x]\n" + "\n".join(
    f"{after}: &{after} [*{name}, *{name}]" for name, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("cut", range(0, len(GOOD), 12))
def test_a_half_written_file_is_clean_or_told_but_never_raises(cut: int) -> None:
    codes = checked_texts(**{"a.rules.yaml": GOOD[:cut]})
    assert codes or cut > GOOD.index("rules:")


@pytest.mark.parametrize(
    ("name", "files", "code"),
    [
        ("no folder", {}, "R202"),
        ("no rule file", {"slots.yaml": b"slots: {a: {}}"}, "R202"),
        ("an empty rule file", {"a.rules.yaml": b""}, "R202"),
        ("only comments", {"a.rules.yaml": b"# soon\n"}, "R202"),
        ("only a byte-order mark", {"a.rules.yaml": b"\xef\xbb\xbf"}, "R202"),
        ("an empty slot file", {"a.rules.yaml": b"rules: []", "slots.yaml": b""}, "R104"),
        ("a list at the top", {"a.rules.yaml": b"- a\n- b\n"}, "R104"),
        ("a word at the top", {"a.rules.yaml": b"rules"}, "R104"),
        ("rules that are a table", {"a.rules.yaml": b"rules: {a: b}"}, "R104"),
        ("rules that are words", {"a.rules.yaml": b"rules: [a, b]"}, "R104"),
        ("rules of nothing", {"a.rules.yaml": b"rules: [~, [], {}]"}, "R104"),
        ("a YAML bomb", {"a.rules.yaml": BOMB.encode()}, "Y002"),
        ("deep nesting", {"a.rules.yaml": b"rules: " + b"[" * 100_000}, "Y003"),
        ("a large file", {"a.rules.yaml": b"rules: []\n" + b"#" * (1 << 20)}, "Y003"),
        ("UTF-16", {"a.rules.yaml": "rules: []".encode("utf-16")}, "Y004"),
        ("noise", {"a.rules.yaml": random.Random(1).randbytes(5000)}, "Y004"),
        ("NULs", {"a.rules.yaml": b"\x00" * 5000}, "Y004"),
        ("several documents", {"a.rules.yaml": b"rules: []\n---\nrules: []\n"}, "Y002"),
        ("merge conflict", {"a.rules.yaml": b"<<<<<<< HEAD\nrules: []\n=======\nrules: []\n>>>>>>> b\n"}, "Y001"),
        ("a banner that is no text", {"a.rules.yaml": b"rules: []", "banners/a.html": b"\xff\xfe"}, "Y004"),
        ("a newer version", {"a.rules.yaml": b"version: 2\nrules: []"}, "R304"),
        ("a list of versions", {"a.rules.yaml": b"version: [1]\nrules: []"}, "R104"),
    ],
)
def test_a_broken_folder_gives_findings(name: str, files: dict[str, bytes], code: str) -> None:
    checked = check(files)
    assert code in [finding.code for finding in checked.findings]
    assert all(finding.help and finding.place.file for finding in checked.findings)


def test_empty_on_purpose_is_fine() -> None:
    assert check({"a.rules.yaml": b"rules: []\r\n"}).findings == []


def test_too_many_rules_are_reported_once() -> None:
    lines = "".join(f"  - {{name: r{i}, slot: a, show: nothing new}}\n" for i in range(MAX_RULES + 1))
    checked = check({"a.rules.yaml": f"rules:\n{lines}".encode(), "slots.yaml": b"slots: {a: {}}"})
    assert [(finding.code, finding.place.line) for finding in checked.findings] == [("Y003", MAX_RULES + 2)]


def test_a_segment_of_one_file_may_be_used_in_another() -> None:
    files = {
        "a.rules.yaml": "rules: [{name: A, slot: home.hero, when: {segment: VIP}, show: nothing new}]",
        "z.rules.yaml": "segments: {VIP: {}}",
    }
    assert checked_texts(**files) == []


def test_attributes_that_came_in_are_known() -> None:
    rules = b"rules: [{name: A, slot: home.hero, when: {loyalty: gold}, show: nothing new}]"
    files = {"a.rules.yaml": rules, "slots.yaml": b"slots: {home.hero: {}}"}
    assert [finding.code for finding in check(files).findings] == ["R101"]
    assert check(files, imported=["loyalty"]).findings == []


def test_of_two_rules_with_one_name_a_test_means_the_first() -> None:
    text = (
        "rules:\n"
        "  - {name: Sale, slot: home.hero, show: nothing new}\n"
        "  - {name: Sale, slot: all.topbar, show: nothing new}\n"
        "tests:\n  - {name: a, expect: {home.hero: Sale}}\n"
    )
    found = check({**{name: text.encode() for name, text in FILES.items()}, "a.rules.yaml": text.encode()}).findings
    assert [finding.code for finding in found if not finding.is_warning] == ["R201"]


@pytest.mark.parametrize(
    "slots", ["home.hero: {}\n", "slots:\n  - home.hero\n", "slots:\n  Home.Hero: {}\n", "slots: [\n"]
)
def test_a_file_of_slots_that_cannot_be_read_is_the_fault_and_not_each_rule(slots: str) -> None:
    rules = "rules:\n  - {name: Sale, slot: home.hero, show: nothing new}\n"
    found = check({"a.rules.yaml": rules.encode(), "slots.yaml": slots.encode()}).findings
    assert {finding.place.file for finding in found} == {"slots.yaml"}


def test_a_slot_with_a_wrong_name_is_not_offered_to_rules() -> None:
    rules = "rules:\n  - {name: Sale, slot: home.hero, show: nothing new}\n"
    slots = "slots: {home hero: {}, all.topbar: {}}"
    found = check({"a.rules.yaml": rules.encode(), "slots.yaml": slots.encode()}).findings
    (of_rule,) = [finding for finding in found if finding.code == "R301"]
    assert "did you mean" not in of_rule.help and not of_rule.edits


def test_a_catalogue_is_read_once_for_all_changes_of_the_rules_beside_it() -> None:
    feed = b'{"id": "SKU-1", "title": "Trail runner", "link": "/p/SKU-1"}'
    first, second = (check({"a.rules.yaml": b"rules: []" + end, "products.jsonl": feed}) for end in (b"", b"\n"))
    assert second.assortment.products is first.assortment.products and first.assortment.products[0].id == "SKU-1"
    other = check({"a.rules.yaml": b"rules: []", "products.jsonl": feed.replace(b"Trail", b"Road")})
    assert other.assortment.products[0].title == "Road runner"
