"""What all imports share: reading a file line by line in bounded memory, with a progress bar; the report of what was
cleaned or refused; and a store, or none for a dry run."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import click

from proxy.audience.rows import MAX_LINE_BYTES, Note
from proxy.diagnostics import many
from proxy.errors import OperatorError
from proxy.ports import Store
from proxy.stores import open_store

BATCH = 1_000
MOST_ALIKE = 5
WORDED = re.compile(r"`[^`]*`|\d+")
"""What tells notes apart that are alike: the value, the line."""
Form = Literal["text", "json"]


@asynccontextmanager
async def a_store(url: str | None) -> AsyncIterator[Store | None]:
    """The store at `url`; None for None."""
    if url is None:
        yield None
        return
    async with aclosing(open_store(url)) as store:
        yield store


def opened(file: Path) -> BinaryIO:
    """The file, to be read more than once. Raises `OperatorError`."""
    try:
        lines = file.open("rb")
    except OSError as error:
        raise OperatorError(f"`{file}` cannot be read: {error.strerror}") from error
    if not lines.seekable():
        raise OperatorError(f"`{file}` is a pipe", help="write it to a file first: an import reads it twice")
    return lines


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file in bounded memory: one that is too long comes as its beginning, longer than allowed."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES + 1)


def with_a_bar(file: BinaryIO, label: str) -> Iterator[bytes]:
    """The lines; on a terminal, with a bar that grows with them."""
    if not sys.stderr.isatty():
        yield from read_lines(file)
        return
    size = file.seek(0, 2)
    file.seek(0)
    with click.progressbar(length=size, label=label, file=sys.stderr) as bar:
        for line in read_lines(file):
            yield line
            bar.update(len(line))


class Totals(Protocol):
    """What came of a file: a dataclass of numbers that can say itself in a sentence."""

    def sentence(self, *, is_stored: bool) -> str:
        """The totals, as the last line of a report."""


class TextReport:
    """A line a note, but of what was cleaned alike in a column the first few only: what was refused must not go under
    in a thousand times `yes` read as true. And the totals in a sentence."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._alike: dict[tuple[str, str], list[int]] = {}

    def note(self, note: Note) -> None:
        if not note.is_refusal:
            lines = self._alike.setdefault((note.column, WORDED.sub("", note.what)), [note.line, 0])
            lines[1] += 1
            if lines[1] > MOST_ALIKE:
                return
        subject = f"{note.column}: " if note.column else "refused: " if note.is_refusal else ""
        click.echo(f"{self._file}:{note.line}: {subject}{note.what}")

    def end(self, totals: Totals, dry_run: bool) -> None:
        for (column, _), (line, count) in self._alike.items():
            if count > MOST_ALIKE:
                subject = f"{column}: " if column else "whole rows: "
                click.echo(f"{self._file}: {subject}{count - MOST_ALIKE:,} more as in line {line}")
        if any(count > MOST_ALIKE for _, count in self._alike.values()):
            click.echo("(`--format json` lists them all)")
        click.echo(totals.sentence(is_stored=not dry_run))


class JsonReport:
    """One JSON object, written note by note so that a long report needs no memory."""

    def __init__(self) -> None:
        self._before = '{"notes": [\n'

    def note(self, note: Note) -> None:
        click.echo(self._before + json.dumps(asdict(note), ensure_ascii=False), nl=False)
        self._before = ",\n"

    def end(self, totals: Totals, dry_run: bool) -> None:
        head = self._before if self._before.startswith("{") else ""
        numbers = json.dumps(asdict(totals))  # type: ignore[call-overload]
        click.echo(f'{head}], "dry_run": {json.dumps(dry_run)}, {numbers[1:]}')


Report = TextReport | JsonReport


def report_on(file: Path, form: Form) -> Report:
    """How the report is printed."""
    return JsonReport() if form == "json" else TextReport(file.name)


@dataclass(slots=True)
class Taken:
    """What became of a file of events or orders. `changed` of the `imported` ones were new; `too_old` happened before
    the time that was asked for, and `lost` visitors did nothing since."""

    noun: str
    imported: int = 0
    changed: int = 0
    refused: int = 0
    too_old: int = 0
    visitors: int = 0
    lost: int = 0

    def sentence(self, *, is_stored: bool) -> str:
        """The totals, as the last line of a report."""
        stored = f"{self.changed:,} new" if is_stored else "nothing stored (dry run)"
        old = f", {self.too_old} too old" if self.too_old else ""
        lost = f" {many(self.lost, 'visitor')} did nothing since then: left out." if self.lost else ""
        return (
            f"{many(self.imported, self.noun)} of {many(self.visitors, 'visitor')} imported: {stored}; "
            f"{many(self.refused, 'row')} refused{old}.{lost}"
        )
