"""A feed that is a table: cells by the names in its heading, row by row, each with its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from proxy.catalogue.products import Flaw, Problem

MAX_CELL = 1_000_000


def table_rows(data: bytes, separator: str) -> Iterator[tuple[int, dict[str, str]] | Problem]:
    """The rows of a table by the names in its heading: lower case, underscores for blanks, no `g:`. The line is that
    on which a row begins. Cells may be quoted, and then hold line ends."""
    text, problems = decoded(data)
    yield from problems
    csv.field_size_limit(MAX_CELL)
    lines = text.splitlines(keepends=True)
    heading: list[str] = []
    start = 0
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = start + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(line, f"a cell cannot be read: {error}", "close every quote; write quotes in a text twice")
            start = line  # go on with the next line: a quote never closed takes in all that follow
            reader = csv.reader(lines[start:], delimiter=separator, strict=True)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if not heading:
            heading = [re.sub(r"\s+", "_", name.strip().lower().removeprefix("g:")) for name in cells]
            yield from _twice(heading, line)
        elif len(cells) > len(heading):
            what = f"this row has {len(cells)} cells, its heading {len(heading)}"
            yield Problem(line, what, "put quotes around a text that holds the separator")
        else:
            fields: dict[str, str] = {}
            for name, cell in zip(heading, cells, strict=False):
                fields[name] = fields.get(name) or cell.strip()
            yield line, fields


def _twice(heading: list[str], line: int) -> Iterator[Problem]:
    for name in dict.fromkeys(name for name in heading if heading.count(name) > 1 and name):
        what = f"there are {heading.count(name)} columns `{name}`"
        yield Problem(line, what, "keep one of them; the first that says something counts", True, Flaw.DUPLICATE)


def decoded(data: bytes) -> tuple[str, list[Problem]]:
    """The text, in UTF-8 or else Latin-1; where it is not UTF-8, a warning."""
    try:
        return data.decode(), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return data.decode("latin-1"), [
            Problem(line, "this is not UTF-8", "save the file as UTF-8; until then it is read as Latin-1", True)
        ]
