"""The values that a phrase can have, and findings for those that it cannot. Rules and tests use both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from proxy.conditions.corrections import OTHER_NOT, better_value
from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Kind, Phrase
from proxy.conditions.vocabulary import COUNTRIES
from proxy.diagnostics import Finding, Suggestion, did_you_mean

NAMED = {"segment": "segments", "journey stage": "journey"}
NEGATED = re.compile(r"not\s+(?:\[(?P<many>[^\[\]]+)\]|(?P<one>.+))", re.IGNORECASE)
TEXT_FORM = re.compile(r"(starts with|contains)\s+(.+)", re.IGNORECASE)
_START, _END = r"([01]?\d|2[0-3]):([0-5]\d)", r"([01]?\d|2[0-3]|24(?=:00)):([0-5]\d)"
_EITHER = re.compile(r"\s*[,;/|]\s*|\s+(?:or|oder|of|eller)\s+", re.IGNORECASE)
"""What people write between names of which any will do. An `and` is none of it: a visitor is in several segments."""
HOURS = re.compile(rf"(?:between )?{_START}(?: and |\s*[-–]\s*){_END}", re.IGNORECASE)


def check_values(phrase: Phrase, values: Sequence[str], word: Scalar, findings: list[Finding]) -> None:
    """A finding for each of the values, written in `word`, that the phrase cannot have."""
    for value in values:
        if not _can_be(phrase, value):
            finding = _of_what_cannot_be(phrase, value, word)
            help = _with_not(phrase, value, word)
            if value.startswith(("-", "–")):  # elsewhere a way to say that something is not so
                help = str(finding.help)
            findings.append(replace(finding, help=help) if help else finding)


def _of_what_cannot_be(phrase: Phrase, value: str, word: Scalar) -> Finding:
    return (_no_such if phrase.attribute in NAMED else _unfit)(phrase, value, word)


def _with_not(phrase: Phrase, value: str, word: Scalar) -> str | None:
    """The help for who wrote `not` in another way: without it the line would ask for the opposite."""
    negated = OTHER_NOT.fullmatch(value) if value == word.text else None
    if not negated or phrase.kind is Kind.HOURS:
        return None
    if phrase.attribute in ("country", "language") and value[:3].casefold() == "no ":
        return None  # Norway, or Norwegian
    meant = negated[1]
    if not _can_be(phrase, meant):
        help = _of_what_cannot_be(phrase, meant, word).help
        meant = help.instead if isinstance(help, Suggestion) else ""
    return Suggestion(f"write: not {meant}", value, f"not {meant}") if meant else None


def _can_be(phrase: Phrase, value: str) -> bool:
    if phrase.kind is Kind.HOURS:
        return HOURS.fullmatch(value) is not None
    if phrase.attribute in NAMED or phrase.choices:
        return value.casefold() in _folded(phrase.choices)
    if phrase.attribute == "language" and any(
        len(part) == 2 and part.upper() not in COUNTRIES for part in value.split("-")[1:]
    ):
        return False  # as in `en-UK`
    return not phrase.shape or re.fullmatch(phrase.shape, value) is not None


def _may_stand(phrase: Phrase, instead: str, value: str, word: Scalar) -> bool:
    """Whether `instead` can replace the value: the phrase can have it, or it is a form where the value stands alone. No
    form can be negated, and without its `*` a negated `/c/*` would be another page."""
    form = TEXT_FORM.fullmatch(instead) if value == word.text else None
    is_negated = value != word.text and NEGATED.fullmatch(word.text)
    return _can_be(phrase, form[2] if form else instead) and not (is_negated and value.endswith("*"))


@lru_cache(maxsize=64)
def _folded(choices: tuple[str, ...]) -> frozenset[str]:
    return frozenset(choice.casefold() for choice in choices)


def _no_such(phrase: Phrase, name: str, word: Scalar) -> Finding:
    if phrase.choices:
        several = _EITHER.split(name)
        are_known = len(several) > 1 and all(_can_be(phrase, part) for part in several)
        listed = f"[{', '.join(several)}]"
        help = Suggestion(f"write: {listed}", name, listed) if are_known else did_you_mean(name, phrase.choices)
    else:
        help = f"describe it under `{NAMED[phrase.attribute]}:`"
        if phrase.key == "segment":
            help += f"; one that a cookie or an import brings, as `{name}: {{}}`"
    return Finding("R302", f'there is no {phrase.key} "{name}"', word.place, help)


def _unfit(phrase: Phrase, value: str, word: Scalar) -> Finding:
    help = phrase.hint or did_you_mean(value, phrase.choices)
    help = better_value(value, help, lambda text: _may_stand(phrase, text, value, word), phrase.choices)
    return Finding("R304", f'"{phrase.key}" cannot be "{value}"', word.place, help)
