"""The values that a phrase can have, and findings for those that it cannot, wildcards and patterns too. Rules and tests
use both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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


# -- Finds wildcards and regular expressions in values, as `news*` and `/red|green/`. Here they stand for themselves, so
# they would match nobody.
# Values with a syntax of their own, as the path of a page, cannot have such signs.

_PATTERN = re.compile(r"\*.+|.+\*|/[^/]+/[gimsu]*|\^.+|.*\.\*.*")
_DELIMITED = re.compile(r"/(.+)/[a-z]*")
_QUOTED = re.compile(r"“([^“”]+)”|„([^„“”]+)[“”]|”([^”]+)”|«([^«»]+)»|»([^«»]+)«|‘([^‘’]+)’|‚([^‚‘’]+)[‘’]")
_OR = re.compile(r"\s+(?:or|oder|eller)\s+", re.IGNORECASE)
_OR_COMMA = re.compile(rf"{_OR.pattern}|\s*[,;|]\s*", re.IGNORECASE)
SEARCHED = ("search term", "last search", "searched")
"""Of these, people write several with an "or" between them; in a name it may be a word like any other."""

_WORDS = re.compile(r"[\w -]+(?:\|[\w -]+)*")


def within_quotes(text: str) -> str:
    """The text without the quotes of a word processor, where a pair of them stands around all of it; else ""."""
    found = _QUOTED.fullmatch(text.strip())
    return next(filter(None, found.groups())).strip() if found else ""


def signs_of_a_pattern(phrase: Phrase, value: str, word: Scalar) -> Iterator[Finding]:
    """L15 for a value, written in `word`, that looks like a pattern to search by, or like several values."""
    if phrase.shape or phrase.choices:
        return
    inner, several = within_quotes(value), _OR.split(value) if phrase.key in SEARCHED else []
    if phrase.kind is Kind.NAME:
        several = _OR_COMMA.split(value)
    if _PATTERN.fullmatch(value):
        why, help = "there are no wildcards here", _help(value, word.text)
    elif inner:
        why, help = "its quotes count", Suggestion(f"write: {inner}", value, inner)
    elif len(several) > 1:
        why = 'there is no "or" within a value'
        help = f"if any of them will do, write: [{', '.join(several)}]" if value == word.text else "write a list"
    else:
        return
    yield Finding("L15", f'"{value}" matches only this exact text: {why}', word.place, help, is_warning=True)


def _help(value: str, written: str) -> str:
    """The form that says the same in words, if there is one."""
    delimited = _DELIMITED.fullmatch(value)
    plain = (delimited[1] if delimited else value).strip("*.^$")
    if written != value or not _WORDS.fullmatch(plain):
        return (
            "write the words themselves, after `starts with` or `contains`; a list matches when any of its parts does"
        )
    begins = value.startswith("^") or (value.endswith("*") and not value.startswith("*"))
    forms = [f"{'starts with' if begins else 'contains'} {part}" for part in plain.split("|")]
    instead = forms[0] if len(forms) == 1 else f"[{', '.join(forms)}]"
    return Suggestion(f"write: {instead}", value, instead)
