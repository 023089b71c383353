"""Reads what a file adds to the words of conditions: the thresholds of the shop's grades of recency, frequency and
monetary value (`rfm:`); and `scores:`, points for what visitors do, which decay with a half-life and may be capped.

    scores:
      trail interest:
        points: {viewed: 1, added to cart: 3, bought: 10}
        category: shoes/trail
        halves every: 14 days
        at most: 50
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf

from proxy.conditions.actions import FIELDS
from proxy.conditions.amounts import amount, no_amount
from proxy.conditions.durations import DURATION_HELP, seconds_of
from proxy.conditions.nodes import Entry, as_list, as_text, unknown_word
from proxy.conditions.parse import read_tests
from proxy.conditions.phrase import Kind, Phrase
from proxy.diagnostics import Finding
from proxy.model import Measure, Reading
from proxy.rulebook.case_history import KINDS
from proxy.rulebook.words import SCORE, Part, fields

SCORED = tuple(word for word in KINDS if word != "cart")
WHICH = ("category", "product", "brand")


def read_score(entry: Entry, known: Collection[str], findings: list[Finding]) -> dict[str, Phrase]:
    """One entry of `scores:` as a word of conditions; none when it is invalid. `known` are the existing words."""
    name = entry.key
    found = fields(entry.value, "score", SCORE, findings)
    if name.text in known:
        help = "give the score another name"
        findings.append(Finding("R201", f'"{name.text}" is already a word of conditions', name.place, help))
    points = _points(found.lines("points", findings), findings)
    measure = Measure(
        Reading.SCORE,
        tuple(KINDS[word] for word in points),
        points=tuple((KINDS[word], worth) for word, worth in points.items()),
        half_life_seconds=_half_life(found, findings),
        cap=_number(found["at most"], findings) if "at most" in found else inf,
    )
    for word in WHICH:
        if word in found:
            tests, _ = read_tests(Phrase(word, word, Kind.TEXT, ""), found[word], findings)
            measure = replace(measure, where=(*measure.where, *((FIELDS[word], test) for test in tests[:1])))
    help = "points for what the visitor did"
    return {name.text: Phrase(name.text, name.text, Kind.NUMBER, help, measure=measure)} if points else {}


def _points(lines: Sequence[Entry], findings: list[Finding]) -> Mapping[str, float]:
    findings += [unknown_word(line.key, '"points"', SCORED) for line in lines if line.key.text not in SCORED]
    return {line.key.text: _number(line, findings) for line in lines if line.key.text in SCORED}


def _number(entry: Entry, findings: list[Finding]) -> float:
    word = as_text(entry.value, f'"{entry.key.text}"', findings)
    read = amount(Phrase(entry.key.text, "", Kind.NUMBER, ""), word.text) if word else None
    if word and (read is None or read.low != read.high):
        findings.append(no_amount(word))
    return read.low if read else 0.0


def _half_life(found: Part, findings: list[Finding]) -> float:
    word = found.text("halves every", findings)
    seconds = seconds_of(word.text) if word else None
    if word and seconds is None:
        findings.append(Finding("R304", f'"halves every" cannot be "{word.text}"', word.place, DURATION_HELP))
    return seconds or inf


GRADED = ("recency", "frequency", "monetary")
HELP = "write four numbers, none smaller than the one before, as [30, 90, 180, 365]: where the grades 1 to 5 part"

Grades = Mapping[str, tuple[float, ...]]


def read_grades(entry: Entry, findings: list[Finding]) -> dict[str, tuple[float, ...]]:
    """One line of `rfm:`."""
    if entry.key.text not in GRADED:
        findings.append(unknown_word(entry.key, '"rfm"', GRADED))
        return {}
    items = as_list(entry.value, f'"{entry.key.text}"', findings)
    numbers: list[float] = []
    for item in items.items if items else ():
        word = as_text(item, f'"{entry.key.text}"', findings)
        try:
            numbers.append(float(word.text if word else "nan"))
        except ValueError:
            findings.extend([no_amount(word)] if word else [])
            return {}
    if items and (len(numbers) != 4 or any(low > high for low, high in pairwise(numbers))):
        findings.append(Finding("R304", f'"{entry.key.text}" cannot be this', entry.key.place, HELP))
        return {}
    return {entry.key.text: tuple(numbers)} if items else {}


def graded(words: Mapping[str, Phrase], grades: Grades) -> dict[str, Phrase]:
    """These words, with those of `grades`."""
    return {key: _graded(phrase, grades[key]) if key in grades else phrase for key, phrase in words.items()}


def _graded(phrase: Phrase, grades: tuple[float, ...]) -> Phrase:
    return replace(phrase, measure=replace(phrase.measure, grades=grades)) if phrase.measure else phrase
