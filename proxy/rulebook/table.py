"""Makes a rule file of a decision table, such as a spreadsheet: rows are rules, columns are words.

A column is a word of a rule (`name`, `slot`, `priority`, `from`, `limit` ...), `banner` or a word of a banner (`title`,
`link` ...), or else a word of conditions; `unless` before such a word turns it round. An empty cell asks nothing.
Several words in a cell, parted by `|`, mean any of them. Columns of one head must all hold.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.audience.rows import SEPARATOR
from proxy.errors import OperatorError
from proxy.page.slots import SLOT_KINDS
from proxy.rulebook.mending import in_quotes, quoted
from proxy.rulebook.words import PLACED

OF_A_RULE = tuple(word.name for word in PLACED if word.name not in ("when", "unless", "stop after", "ramp"))
OF_A_BANNER = tuple(key.name for kind in SLOT_KINDS if kind.name == "banner" for key in kind.keys)
BANNER, UNLESS = "banner", "unless "
NOTHING_NEW = "show: nothing new"
MADE = "# Made of a table by `tailorbird import rules`, which makes it anew: change the table, not this file."
MAX_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Table:
    """A rule file made of a table. `rows` has for each of its lines the line of the table, or 0."""

    text: str
    rows: tuple[int, ...]

    def row_of(self, line: int) -> int:
        """The table's line that a line of the rule file was made of."""
        return self.rows[line - 1] if 0 < line <= len(self.rows) else 0


def rules_from_table(raw: str, timezone: str = "UTC") -> Table:
    """The rule file. It is valid YAML whatever the cells hold; the checker judges its content."""
    rows = _rows(raw)
    head = [cell.strip() for cell in next(rows, (0, []))[1]]
    if not any(head):
        raise OperatorError(
            "the table is empty", help="write a heading of words, as name, slot, country, and a row a rule"
        )
    lines: list[tuple[str, int]] = [(MADE, 0), ("version: 1", 0), (f"timezone: {quoted(timezone)}", 0), ("", 0)]
    rules: list[tuple[str, int]] = []
    for row, cells in rows:
        known = [(word, cell.strip()) for word, cell in zip(head, cells, strict=False) if word and cell.strip()]
        if known and len(rules) < MAX_ROWS * 50:
            rules += [(line, row) for line in _rule(known)]
    lines += [("rules:", 0), *rules] if rules else [("rules: []", 0)]
    return Table("\n".join(line for line, _ in lines) + "\n", tuple(row for _, row in lines))


def _rule(cells: Sequence[tuple[str, str]]) -> Iterator[str]:
    placed = [(word, cell) for word, cell in cells if word.casefold() in OF_A_RULE]
    shown = [(word, cell) for word, cell in cells if word.casefold() in OF_A_BANNER]
    file = next((cell for word, cell in cells if word.casefold() == BANNER), "")
    used = {*OF_A_RULE, *OF_A_BANNER, BANNER}
    asked = [(word, cell) for word, cell in cells if word.casefold() not in used]
    unless = [(word[len(UNLESS) :], cell) for word, cell in asked if word.casefold().startswith(UNLESS)]
    lines = [f"{word.casefold()}: {_value(cell)}" for word, cell in placed]
    lines += _condition("when", [(word, cell) for word, cell in asked if not word.casefold().startswith(UNLESS)])
    lines += _condition("unless", unless)
    lines += _show(file, shown)
    yield from (("  - " if place == 0 else "    ") + line for place, line in enumerate(lines))


def _condition(word: str, asked: Sequence[tuple[str, str]]) -> list[str]:
    """The lines of a condition. If a column is there twice, both must hold."""
    if not asked:
        return []
    if len({key for key, _ in asked}) == len(asked):
        return [f"{word}:", *(f"  {quoted(key)}: {_value(cell)}" for key, cell in asked)]
    return [f"{word}:", "  all of:", *(f"    - {quoted(key)}: {_value(cell)}" for key, cell in asked)]


def _show(file: str, shown: Sequence[tuple[str, str]]) -> list[str]:
    if shown:
        return ["show:", "  banner:", *(f"    {word.casefold()}: {quoted(cell)}" for word, cell in shown)]
    if not file or file.casefold() == "nothing new":
        return [NOTHING_NEW]
    return ["show:", f"  banner: {quoted(file)}"]


def _value(cell: str) -> str:
    """A cell's words: one, or a list of several."""
    words = [word.strip() for word in cell.split("|") if word.strip()]
    return quoted(words[0]) if len(words) == 1 else f"[{', '.join(map(_in_list, words))}]"


def _in_list(word: str) -> str:
    return in_quotes(word) if "," in word else quoted(word)


def _rows(raw: str) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the line it ends on. Raises `OperatorError` for a quotation mark that is never closed."""
    text = re.sub(r"\r\n?", "\n", raw.removeprefix("\ufeff"))  # old Macs end lines by CR alone
    head, _, rest = text.partition("\n")
    if said := SEPARATOR.fullmatch(head.strip()):
        text = "\n" + rest
    # Comma, semicolon or tab, whichever the head has most of; Excel in many countries writes semicolons.
    delimiter = said[1] if said else max(",;\t", key=head.count)
    reader, began = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True), 0
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
            began = reader.line_num
    except csv.Error as error:
        lines = f"lines {began + 1} to {reader.line_num} were read as one row" if reader.line_num > began + 1 else ""
        what = f"{lines or f'line {began + 1} cannot be read'}: a quotation mark is not closed, or stands inside a text"
        raise OperatorError(what, help="close every quotation mark, and write those in a text twice") from error
