"""Finds wildcards and regular expressions in values, as `news*` and `/red|green/`. Here they stand for themselves, so
they would match nobody.

Values with a syntax of their own, as the path of a page, cannot have such signs; `choices.py` checks that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Phrase
from proxy.diagnostics import Finding, Suggestion

_PATTERN = re.compile(r"\*.+|.+\*|/[^/]+/[gimsu]*|\^.+|.*\.\*.*")
_DELIMITED = re.compile(r"/(.+)/[a-z]*")
_WORDS = re.compile(r"[\w -]+(?:\|[\w -]+)*")


def signs_of_a_pattern(phrase: Phrase, value: str, word: Scalar) -> Iterator[Finding]:
    """L15 for a value, written in `word`, that looks like a pattern to search by."""
    if not (phrase.shape or phrase.choices) and _PATTERN.fullmatch(value):
        what = f'"{value}" matches only this exact text: there are no wildcards here'
        yield Finding("L15", what, word.place, _help(value, word.text), is_warning=True)


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
