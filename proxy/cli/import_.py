"""`tailorbird import profiles FILE`: brings in what other systems know of visitors, and says line by line what was
cleaned or refused. The file is read twice, row by row: once to find visitors who come several times (the last row
counts), once to store; so a second import of the same file changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import click

from proxy.audience.clean import clean, last_lines
from proxy.audience.rows import MAX_LINE_BYTES, Note, read_rows
from proxy.cli.options import setting_options
from proxy.errors import OperatorError
from proxy.model import Profile
from proxy.ports import ProfileStore
from proxy.settings import from_environment
from proxy.stores import open_store

BATCH = 1_000


@dataclass(slots=True)
class Totals:
    """What became of the file's rows. `imported` profiles were written or were already so; `changed` of them were
    new or different; `replaced` rows gave way to a later one of the same visitor."""

    imported: int = 0
    changed: int = 0
    replaced: int = 0
    refused: int = 0
    cleaned: int = 0


@click.group("import")
def command() -> None:
    """Bring in what other systems know, with a report of what was cleaned or refused."""


@command.command("profiles")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@setting_options("store")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="how to print the report")
@click.option("--dry-run", is_flag=True, help="report only, store nothing")
def profiles(file: Path, store: str | None, form: Literal["text", "json"], dry_run: bool) -> None:
    """Profiles from FILE: CSV with a header, or JSON lines. A column holds the visitor id (`visitor id`, `id` or
    `customer id`); one may hold segments (`segments`); the others become attributes of the same name.

    Exit code 1 when nothing could be imported.
    """
    url = None if dry_run else from_environment(os.environ, store=store).store
    report: Report = JsonReport() if form == "json" else TextReport(file.name)
    totals = asyncio.run(_import(file, url, report, time.time()))
    report.end(totals, dry_run)
    sys.exit(0 if totals.imported else 1)


async def _import(file: Path, url: str | None, report: Report, now: float) -> Totals:
    totals = Totals()
    with _opened(file) as lines:
        last = last_lines(read_rows(read_lines(lines)))
        lines.seek(0)
        async with _store(url) as store:
            batch: list[Profile] = []
            for profile in _cleaned(lines, last, now, report, totals):
                batch.append(profile)
                if len(batch) == BATCH:
                    await _put(store, batch, totals)
                    batch = []
            await _put(store, batch, totals)
    return totals


def _cleaned(lines: BinaryIO, last: dict[str, int], now: float, report: Report, totals: Totals) -> Iterator[Profile]:
    """The profiles to store, each visitor's once; tells the report and counts what did not become one."""
    for row in read_rows(read_lines(lines)):
        result = clean(row, now=now)
        for note in result.notes:
            report.note(note)
        totals.cleaned += sum(bool(note.column) for note in result.notes)
        totals.refused += any(note.is_refusal for note in result.notes)
        if result.profile is None:
            continue
        final = last.get(result.profile.visitor_id, row.line)
        if final > row.line:
            totals.replaced += 1
            report.note(Note(row.line, "", f"replaced by line {final}, which is of the same visitor"))
            continue
        yield result.profile


async def _put(store: ProfileStore | None, batch: list[Profile], totals: Totals) -> None:
    totals.imported += len(batch)
    if store is not None:
        totals.changed += await store.put_profiles(batch)


@asynccontextmanager
async def _store(url: str | None) -> AsyncIterator[ProfileStore | None]:
    store = open_store(url) if url is not None else None
    try:
        yield store
    finally:
        if store is not None:
            await store.aclose()


def _opened(file: Path) -> BinaryIO:
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


# -- the report


class Report(Protocol):
    """How the report is printed."""

    def note(self, note: Note) -> None:
        """Prints one note."""

    def end(self, totals: Totals, dry_run: bool) -> None:
        """Prints the totals."""


class TextReport:
    """A line a note, and the totals in a sentence."""

    def __init__(self, file: str) -> None:
        self._file = file

    def note(self, note: Note) -> None:
        subject = f"{note.column}: " if note.column else "refused: " if note.is_refusal else ""
        click.echo(f"{self._file}:{note.line}: {subject}{note.what}")

    def end(self, totals: Totals, dry_run: bool) -> None:
        stored = "nothing stored (dry run)" if dry_run else f"{totals.changed} new or changed"
        click.echo(
            f"{totals.imported} profiles imported: {stored}; "
            f"{totals.refused} rows refused, {totals.replaced} replaced by later ones, {totals.cleaned} values cleaned."
        )


class JsonReport:
    """One JSON object, written note by note so that a long report needs no memory."""

    def __init__(self) -> None:
        self._before = '{"notes": [\n'

    def note(self, note: Note) -> None:
        click.echo(self._before + json.dumps(asdict(note), ensure_ascii=False), nl=False)
        self._before = ",\n"

    def end(self, totals: Totals, dry_run: bool) -> None:
        opened = self._before if self._before.startswith("{") else ""
        click.echo(f'{opened}], "dry_run": {json.dumps(dry_run)}, {json.dumps(asdict(totals))[1:]}')
