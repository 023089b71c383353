"""Columns of an import with values of several kinds, as a number in most rows and a word in one. All values are kept,
but a condition on an amount or a date is never true for a text, and nobody would see why; so they are reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from proxy.audience.rows import Note
from proxy.conditions.values import number_text
from proxy.diagnostics import many
from proxy.model import Attributes, AttributeValue

TEXT, DATE = "a text", "a date"
KINDS = {bool: "yes or no", float: "a number", str: TEXT, frozenset: "a list"}


@dataclass(slots=True)
class Kind:
    """How many values of one kind a column has, and the first of them."""

    line: int
    value: AttributeValue
    count: int = 0


class MixedColumns:
    """Counts the kinds of values as profiles are read; `notes` then tells which columns mix them."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, Kind]] = {}

    def look(self, line: int, attributes: Attributes) -> None:
        """Counts the values of one row."""
        for name, value in attributes.items():
            kinds = self._kinds.setdefault(name, {})
            kind = DATE if isinstance(value, str) and _is_date(value) else KINDS[type(value)]
            kinds.setdefault(kind, Kind(line, value)).count += 1

    def notes(self) -> Iterator[Note]:
        """A note on the rarer kinds of each mixed column, where each first occurs."""
        for name, kinds in self._kinds.items():
            usual, *others = sorted(kinds, key=lambda kind: -kinds[kind].count)
            for other in others:
                if (usual, other) == (TEXT, DATE):
                    continue
                first, rows = kinds[other], kinds[other].count
                value = number_text(first.value) if isinstance(first.value, float) else first.value
                where = f"`{value}` is {other}, as in {rows - 1} more" if rows > 1 else f"`{value}` is {other}"
                yield Note(
                    first.line, name, f"{where}; in {many(kinds[usual].count, 'row')} it is {usual}. Kept as it is"
                )


def _is_date(text: str) -> bool:
    try:
        return text[:1].isdigit() and bool(datetime.fromisoformat(text))
    except ValueError:
        return False
