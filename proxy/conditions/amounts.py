"""Amounts as editors write them: `at least 3`, `between 20 and 50 EUR`, `exactly 1 time`, or a number alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxy.conditions.corrections import better_amount
from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Phrase
from proxy.diagnostics import Finding
from proxy.model import Between

AMOUNT_HELP = "write: at least 3, at most 3, exactly 3, between 1 and 3"

_NUMBER = r"(-?\d{1,15}(?:\.\d{1,6})?)"
_UNIT = r"(?:\s*([^\W\d_][\w ]*|[€$£%]))?"
_BOUND = re.compile(rf"(?:(at least|at most|more than|less than|exactly) )?{_NUMBER}{_UNIT}", re.IGNORECASE)
_RANGE = re.compile(rf"between {_NUMBER}{_UNIT} and {_NUMBER}{_UNIT}", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d.])([1-9]\d{0,2})\.(\d{3})(?![\d.,])")
_UNITS = re.compile(r"[A-Z]{3}|[€$£%]|times?")


def is_amount_form(text: str) -> bool:
    """Whether a text has the form of a range of numbers: `at least 3`, `between 1 and 3`."""
    bound = _BOUND.fullmatch(text)
    return _RANGE.fullmatch(text) is not None or (bound is not None and bound[1] is not None)


def amount(phrase: Phrase, text: str) -> Between | None:
    """The range of numbers in a text, or None. `1.500` is refused: in many countries it is one and a half thousand."""
    if _THOUSANDS.search(text):
        return None
    if found := _RANGE.fullmatch(text):
        low, first_unit, high, unit = found.groups()
        units = [unit or "", first_unit or ""]
        return Between(float(low), float(high), unit=units[0]) if _are_units(units, phrase) else None
    found = _BOUND.fullmatch(text)
    if not found or not _are_units([found[3] or ""], phrase):
        return None
    return bounded(found[1] or "exactly", float(found[2]), found[3] or "")


def bounded(bound: str, number: float, unit: str = "") -> Between:
    """The range that `at least`, `at most`, `more than`, `less than` or `exactly` a number is, in any case."""
    match bound.casefold():
        case "at least":
            return Between(low=number, unit=unit)
        case "at most":
            return Between(high=number, unit=unit)
        case "more than":
            return Between(low=number, open_low=True, unit=unit)
        case "less than":
            return Between(high=number, open_high=True, unit=unit)
    return Between(number, number, unit=unit)


def _are_units(units: Sequence[str], phrase: Phrase) -> bool:
    """A currency, `%`, `times`, or a word of the phrase itself. Nothing is converted, so `2 weeks` of an attribute
    that counts days must not pass."""
    return all(not unit or _UNITS.fullmatch(unit) or unit in phrase.key for unit in units)


def _as_part(number: re.Match[str]) -> str:
    """A number whose three decimals are meant as decimals, written so that nobody takes them for thousands."""
    decimals = number[2].rstrip("0")
    return f"{number[0]}0" if len(decimals) == 3 else f"{number[1]}.{decimals}".rstrip(".")


def no_amount(word: Scalar, phrase: Phrase | None = None) -> Finding:
    """R303: a value that is not a number, with a correction if it resembles an amount that the phrase can have."""
    help = AMOUNT_HELP
    whole, part = _THOUSANDS.sub(r"\1\2", word.text), _THOUSANDS.sub(_as_part, word.text)
    if phrase is not None and whole != word.text and amount(phrase, whole):
        help = f"write: {whole}, or: {part}"
    elif phrase is not None:
        help = better_amount(word.text, help, lambda text: amount(phrase, text) is not None)
    return Finding("R303", f'"{word.text}" is not an amount', word.place, help)
