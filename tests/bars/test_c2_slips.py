"""Wrong files as editors write them, each told at its place with a help that, applied, mends it; and good files changed
at random, which are told or clean, and never raise.

A case is a file of `tests/cases/slips/`: what is found and on which line, the wrong file, the right one. The right one
is what `check --fix` makes of the wrong one, but for those that say `by hand`: there a person has to choose."""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random

import pytest

from proxy.diagnostics import Finding, rows_of
from proxy.rulebook.check import check
from proxy.rulebook.mending import mended
from tests.rulebook.conftest import FILES

CASES = Path(__file__).parent.parent / "cases"
SLIPS = sorted((CASES / "slips").glob("*.txt"))
ROOT = CASES.parents[1]
MUTATIONS = 1_000 if os.environ.get("BAR_FULL") else 200

Files = dict[str, bytes]


def folder(rules: str) -> Files:
    return {**{name: text.encode() for name, text in FILES.items()}, "a.rules.yaml": rules.encode()}


def errors(files: Files) -> list[Finding]:
    return [finding for finding in check(files).findings if not finding.is_warning]


def findings(files: Files) -> list[Finding]:
    return check(files).findings


@pytest.mark.bar("C2")
@pytest.mark.parametrize("case", SLIPS, ids=lambda case: case.stem)
def test_a_mistake_is_told_at_its_place_with_a_help_that_mends_it(case: Path) -> None:
    head, wrong, right = case.read_text(encoding="utf-8").split("=====\n")
    code, line, by_hand = re.fullmatch(r"(\w+) on line (\d+)(, by hand)?\n", head).groups()  # type: ignore[union-attr]
    found = errors(folder(wrong))
    assert code in {finding.code for finding in found if finding.place.line == int(line)}
    assert all(finding.help and finding.place.file == "a.rules.yaml" for finding in found)
    assert errors(folder(right)) == []
    now, done = mended(folder(wrong), findings)
    if by_hand:
        assert errors(now), "a program chooses nothing here"
    else:
        assert now["a.rules.yaml"].decode() == right and done


@pytest.mark.bar("C2")
def test_norway_is_a_country_and_there_are_at_least_sixty_mistakes() -> None:
    rule = "rules:\n  - name: A\n    slot: home.hero\n    when: {country: [NO, NL]}\n    show: nothing new\n"
    assert findings(folder(rule)) == []
    assert len(SLIPS) >= 60


@pytest.mark.bar("C2")
def test_good_files_changed_at_random_are_told_or_clean_and_mending_never_makes_them_worse() -> None:
    random = Random(2026)
    good = [*(ROOT / "rules").glob("*.rules.yaml"), CASES / "autumn" / "autumn.rules.yaml"]
    others = {name: text.encode() for name, text in FILES.items()}
    for number in range(MUTATIONS):
        source = good[number % len(good)]
        text = _mutated(source.read_text(encoding="utf-8"), random)
        files = {**others, source.name: text.encode("utf-8", "surrogatepass")}
        found = findings(files)
        rows = rows_of(text)
        for finding in found:
            assert finding.help and finding.what and 1 <= finding.place.line <= len(rows) + 1, f"mutation {number}"
            assert (
                finding.place.file != source.name
                or finding.place.column <= len([*rows, ""][finding.place.line - 1]) + 1
            )
        if number % 10 == 0:
            now, _ = mended(files, findings)
            assert len(_unreadable(findings(now))) <= len(_unreadable(found)), f"mutation {number}"


def _unreadable(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.code == "Y001"]


def _mutated(text: str, random: Random) -> str:
    """The text with one to three things done to it that a hand, or a cat, may do."""
    for _ in range(random.randint(1, 3)):
        lines = text.split("\n")
        at, where = random.randrange(len(lines)), random.randrange(len(text) or 1)
        match random.randrange(9):
            case 0:
                lines[at] = " " * random.randint(0, 3) + lines[at].strip()
            case 1:
                lines.insert(at, random.choice(lines))
            case 2:
                del lines[at]
            case 3:
                lines[at] = lines[at].replace(":", random.choice(("", ";", ":", ": :")), 1)
            case 4:
                lines[at] = "\t" + lines[at]
            case 5:
                other = random.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 6:
                text = text[:where] + random.choice("\"'[]{}#&*!|>%@`-?:,\\\x00é\u2028\r ") + text[where:]
                continue
            case 7:
                text = text[:where] + text[where + random.randint(1, 30) :]
                continue
            case _:
                words = lines[at].split(" ")
                random.shuffle(words)
                lines[at] = " ".join(words)
        text = "\n".join(lines)
    return text
