"""Reads `rfm:`: the thresholds of the shop's grades of recency, frequency and monetary value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from proxy.conditions.amounts import no_amount
from proxy.conditions.nodes import Entry, as_list, as_text, unknown_word
from proxy.conditions.phrase import Phrase
from proxy.diagnostics import Finding

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
