"""Findings are printed with their place, the line itself and the way to mend it."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import pytest

from proxy.diagnostics import (
    LONG,
    MOST_COMPARED,
    MOST_TOLD,
    Finding,
    Suggestion,
    as_text,
    did_you_mean,
    in_order,
    is_slip,
    mistakes_text,
    nearest,
)
from proxy.model import Place


def finding(line: int, column: int = 5, file: str = "a.rules.yaml", note: str = "") -> Finding:
    return Finding("R101", 'I do not know "priorty" in a rule', Place(file, line, column, column + 7), "mend it", note)


def test_a_finding_shows_the_line_and_points_at_the_word() -> None:
    text = as_text([finding(2, note="more")], {"a.rules.yaml": "rules:\n    priorty: high\n"})
    assert text == (
        'a.rules.yaml:2:5: R101 I do not know "priorty" in a rule\n'
        "  |\n"
        "2 |     priorty: high\n"
        "  |     ^^^^^^^\n"
        "  = help: mend it\n"
        "  = note: more\n"
        "\n"
        "1 problem found in 1 file."
    )


def test_a_mistake_that_stands_in_many_rules_is_told_once_with_its_places() -> None:
    warning = replace(finding(1), is_warning=True)
    text = mistakes_text([warning, *map(finding, range(1, 12))], {"a.rules.yaml": "rules:\n    priorty: high\n"})
    places = ", ".join(f"a.rules.yaml:{line}" for line in range(2, 10))
    assert text.splitlines() == [
        'a.rules.yaml:1:5: R101 I do not know "priorty" in a rule',
        "  |",
        "1 | rules:",
        "  |     ^^^^^^^",
        "  = help: mend it",
        f"  = note: the same at {places} and 2 more",
        "",
        "11 problems and 1 warning found in 1 file. `tailorbird check` lists them all.",
    ]


def test_of_ever_so_many_mistakes_the_first_are_told() -> None:
    each = [replace(finding(line, note="more"), what=f"mistake {line}") for line in range(1, 2 * MOST_TOLD)]
    text = mistakes_text(each, {})
    assert text.count("= note: more\n") == text.count("mistake ") == MOST_TOLD
    assert mistakes_text(each[:3], {}) == as_text(each[:3], {})


@pytest.mark.parametrize(
    ("before", "wrong", "marks"),
    [("", "priorty", 7), ("名前: ", "優先", 4), ("e\u0301 ", "⛺\ufe0f", 2), ("  שם: ", "\u200fמה", 2)],
)
def test_the_marks_stand_below_what_is_wrong_in_any_script(before: str, wrong: str, marks: int) -> None:
    place = Place("a.rules.yaml", 1, len(before) + 1, len(before) + len(wrong) + 1)
    shown = as_text([replace(finding(1), place=place)], {"a.rules.yaml": before + wrong}).splitlines()
    left = {"": 0, "名前: ": 6, "e\u0301 ": 2, "  שם: ": 6}[before]
    assert shown[3] == f"  | {' ' * left}{'^' * marks}"


def test_a_place_past_the_end_is_told_without_an_excerpt() -> None:
    assert "|" not in as_text([finding(9)], {"a.rules.yaml": "one line"})


def test_findings_are_counted_over_their_files() -> None:
    text = as_text([finding(1), finding(1, file="b.rules.yaml")], {})
    assert text.endswith("2 problems found in 2 files.")
    assert as_text([], {}) == ""


def test_findings_stand_in_the_order_of_the_files() -> None:
    mixed = [finding(9), finding(2, 7), finding(2, 3), finding(1, file="0.rules.yaml")]
    assert [(f.place.file, f.place.line, f.place.column) for f in in_order(mixed)] == [
        ("0.rules.yaml", 1, 5),
        ("a.rules.yaml", 2, 3),
        ("a.rules.yaml", 2, 7),
        ("a.rules.yaml", 9, 5),
    ]


def test_of_many_words_few_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = list[int]()

    def matches(word: str, known: Sequence[str], n: int, cutoff: float) -> list[str]:
        compared.append(len(known))
        return difflib.get_close_matches(word, known, n, cutoff)

    monkeypatch.setattr("proxy.diagnostics.difflib", SimpleNamespace(get_close_matches=matches))
    slots = [f"{page}.{place}{number}" for page in ("home", "category") for place in "ab" for number in range(400)]
    assert nearest("catgory.b217", slots) == "category.b217"
    assert nearest("Home.a33", slots) == "home.a33"
    assert nearest("teir", [*slots, "tier"]) == "tier"
    assert nearest("zzz", slots) is None
    assert compared[:3] == [MOST_COMPARED] * 3 and sum(compared[3:]) <= MOST_COMPARED


def test_a_long_word_is_compared_by_its_parts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.diagnostics.difflib", None)
    names = [f"{letter * LONG} of the {letter}" for letter in "abc"]
    assert nearest(f"{'b' * LONG} of teh b", names) == names[1]
    assert nearest("x" * (LONG + 1), names) is None


def test_of_thousands_of_alike_words_the_one_that_was_meant_is_found() -> None:
    parts = "summer sale", "winter sale", "new arrivals", "early access", "free shipping", "last chance"
    names = [" ".join(each) + f" {number}" for each in permutations(parts, 3) for number in range(40)]
    assert len(names) == 4_800
    for name in names[:: len(names) // 40]:
        assert nearest(name[:7] + name[8:], names) == name


def test_help_names_the_nearest_word_else_what_is_allowed() -> None:
    assert did_you_mean("priorty", ["slot", "priority"]) == 'did you mean "priority"?'
    meant = did_you_mean("products", ["nothing new", "products: ..."])
    assert meant == 'did you mean "products: ..."?' and not isinstance(meant, Suggestion), "nobody writes three dots"
    assert did_you_mean("zzz", list("abcdefgh")) == "write one of: a, b, c, d, e, f, g, h"
    assert did_you_mean("zzz", list("abcdefghi")) == "write one of: a, b, c, d, e, f and 3 others"


@pytest.mark.parametrize("word", ["Jubila\u0308um", "Jubil\u00e4um\u200b", "Jubil\u00e4\ufeffum"])
def test_a_word_that_only_looks_like_a_known_one_is_told_so(word: str) -> None:
    help = did_you_mean(word, ["Jubiläum"])
    assert help.startswith('type "Jubiläum" anew') and isinstance(help, Suggestion) and help.instead == "Jubiläum"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("VPI", "VIP"), ("VIPS", "VIP"), ("trail-runers", "Trail runners"), ("home-hero", "home.hero"),
        ("Advent Banner", "Adventsbanner"), ("Winter sail", "Winter sale"), ("hihg", "high"), ("Jubilaum", "Jubiläum"),
    ],
)  # fmt: skip
def test_a_mistake_of_the_pen_may_be_mended_by_a_program(word: str, meant: str) -> None:
    assert is_slip(word, meant) and isinstance(did_you_mean(word, [meant, "other"]), Suggestion)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("no VIP", "VIP"), ("!VIP", "VIP"), ("men", "Women"), ("inactive", "active"), ("Buyers North", "Buyers South"),
        ("HOTDOG-7", "HOTDOG-V"), ("sale-no", "sale-nl"), ("orders in last year", "orders in the last 30 days"),
        ("orders in the last 3 days", "orders in the last 30 days"), ("", "VIP"), ("Europe/Munich", "Europe/Zurich"),
    ],
)  # fmt: skip
def test_a_name_that_is_only_similar_is_not_replaced(word: str, meant: str) -> None:
    assert not is_slip(word, meant) and not isinstance(did_you_mean(word, [meant, "other"]), Suggestion)


def test_a_single_known_word_is_not_what_everybody_meant() -> None:
    help = did_you_mean("Everybody", ["VIP"])
    assert help == "write one of: VIP" and not isinstance(help, Suggestion)


def test_a_wrong_word_that_stands_in_thousands_of_rules_is_looked_up_once() -> None:
    known = tuple(f"home.place-{number}" for number in range(500))
    began = time.process_time()
    for _ in range(10_000):
        did_you_mean("start.place-7", known)
    assert time.process_time() - began < 5  # half a second; each looked up anew they take twenty
