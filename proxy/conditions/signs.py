"""Finds wildcards and regular expressions in values, as `news*` and `/red|green/`. Here they stand for themselves, so
they would match nobody.

Values with a syntax of their own, as the path of a page, cannot have such signs; `choices.py` checks that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Kind, Phrase
from proxy.diagnostics import Finding, Suggestion

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
