"""`tailorbird import`: imports data of other systems, and reports line by line what was cleaned or refused.

`import profiles FILE` reads the file twice, row by row: once to find visitors who come several times (the last row
counts), once to store; so a second import of the same file changes nothing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import click

from proxy.audience.clean import LIST_MARKS, clean, last_lines
from proxy.audience.mixed_columns import MixedColumns
from proxy.audience.rows import ID_NAMES, PROFILES, Note, Row, attribute_name, read_rows
from proxy.cli.import_events import column_option, import_events, import_orders, named_in
from proxy.cli.import_products import products
from proxy.cli.import_rules import import_rules
from proxy.cli.import_segments import import_segments
from proxy.cli.importing import BATCH, Form, Report, a_store, opened, read_lines, report_on, with_a_bar
from proxy.cli.options import Subcommands, form_option, setting_options, settings_now
from proxy.cli.rulefolder import A_FILE
from proxy.diagnostics import many
from proxy.model import Profile


@dataclass(slots=True)
class Totals:
    """What became of the file's rows. `imported` profiles were written or were already so; `changed` of them were
    new or different; `replaced` rows gave way to a later one of the same visitor."""

    imported: int = 0
    changed: int = 0
    replaced: int = 0
    refused: int = 0
    cleaned: int = 0

    def sentence(self, *, is_stored: bool) -> str:
        """The totals, as the last line of a report."""
        stored = f"{self.changed:,} new or changed" if is_stored else "nothing stored (dry run)"
        return (
            f"{many(self.imported, 'profile')} imported: {stored}; {many(self.refused, 'row')} refused, "
            f"{self.replaced:,} replaced by later ones, {many(self.cleaned, 'value')} cleaned."
        )


@click.group("import", cls=Subcommands)
def command() -> None:
    """Import data of other systems, with a report of what was cleaned or refused."""


command.add_command(import_orders)
command.add_command(import_events)
command.add_command(products)
command.add_command(import_rules)
command.add_command(import_segments)


@command.command("profiles")
@click.argument("file", type=A_FILE)
@setting_options("store")
@column_option({"visitor": ID_NAMES})
@click.option("--list", "lists", multiple=True, metavar="COLUMN", help="a column whose cells list several: sale;news")
@form_option("how to print the report")
@click.option("--dry-run", is_flag=True, help="report only, store nothing")
def profiles(
    file: Path, store: str | None, columns: dict[str, str], lists: tuple[str, ...], form: Form, dry_run: bool
) -> None:
    """Import profiles from FILE: CSV with a header, or JSON lines. A column has the visitor id (`visitor id`, `id` or
    `customer id`); one may have segments (`segments`); the others become attributes of the same name, those of `--list`
    as sets. Exit code 1 when nothing could be imported."""
    url = None if dry_run else settings_now(store=store).store
    report = report_on(file, form)
    read = partial(_rows, columns=columns, lists=frozenset(map(attribute_name, lists)))
    totals = asyncio.run(_import(file, url, read, report, time.time()))
    report.end(totals, dry_run)
    sys.exit(0 if totals.imported else 1)


async def _import(
    file: Path, url: str | None, read: Callable[[Iterator[bytes]], Iterator[Row]], report: Report, now: float
) -> Totals:
    totals = Totals()
    with opened(file) as lines:
        last = last_lines(read(read_lines(lines)))
        lines.seek(0)
        profiles = _cleaned(read(with_a_bar(lines, "profiles")), last, now, report, totals)
        async with a_store(url) as store:
            while batch := list(islice(profiles, BATCH)):
                totals.imported += len(batch)
                totals.changed += await store.put_profiles(batch) if store else 0
    return totals


def _rows(lines: Iterator[bytes], columns: dict[str, str], lists: frozenset[str]) -> Iterator[Row]:
    """The rows of a file, with the visitor id under its usual name where `columns` says that it has another, and the
    cells of the columns `lists` taken apart."""
    named = columns.get("visitor", ID_NAMES[0])
    sheet = named_in(PROFILES, columns)
    for row in read_rows(lines, replace(sheet, named=(*sheet.named, *lists))):
        others = {name: cell for name, cell in row.cells.items() if name not in (named, ID_NAMES[0])}
        apart = {
            name: LIST_MARKS.split(cell) for name, cell in others.items() if name in lists and isinstance(cell, str)
        }
        id = {ID_NAMES[0]: row.cells[named]} if named in row.cells else {}
        yield replace(row, cells=others | apart | id)


def _cleaned(
    rows: Iterator[Row], last: dict[str, int], now: float, report: Report, totals: Totals
) -> Iterator[Profile]:
    """The profiles to store, each visitor's once; tells the report and counts what did not become one."""
    columns = MixedColumns()
    for row in rows:
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
        columns.look(row.line, result.profile.attributes)
        yield result.profile
    for note in columns.notes():
        report.note(note)
