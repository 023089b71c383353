"""`tailorbird import orders FILE` and `import events FILE`: events from before Tailorbird was installed.

The log takes each event once. So an interrupted import is simply run again, and a second run changes nothing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from proxy.audience.rows import Sheet, attribute_name, read_rows
from proxy.cli.importing import BATCH, Form, Report, Taken, a_store, opened, read_lines, report_on, with_a_bar
from proxy.cli.options import form_option, setting_options, settings_now
from proxy.cli.rulefolder import A_FILE
from proxy.events.imported import COLUMNS, EVENTS, ORDERS, Reading, Result, events, lines_of_orders, orders
from proxy.events.unread_columns import UnreadColumns
from proxy.model import Arrival

Command = TypeVar("Command", bound=Callable[..., Any])
Read = Callable[[BinaryIO, Reading, Sheet, UnreadColumns], Iterator[Result]]


def column_option(columns: Mapping[str, tuple[str, ...]]) -> Callable[[Command], Command]:
    """Adds `--column WHAT=NAME`, of these."""

    def named(context: click.Context, option: click.Parameter, said: tuple[str, ...]) -> dict[str, str]:
        pairs = dict(pair.partition("=")[::2] for pair in said)
        for what, column in pairs.items():
            if what not in columns or not column:
                raise click.BadParameter(f"`{what}={column}`: write one of {', '.join(columns)}, then = and its column")
        return {what: attribute_name(column) for what, column in pairs.items()}

    help = f"which column has what, as visitor=customer_number: {', '.join(columns)}"
    return click.option("--column", "columns", multiple=True, callback=named, metavar="WHAT=NAME", help=help)


def timezone_option(command: Command) -> Command:
    """Adds `--timezone`."""
    text = "of times that say none  (default: UTC)"
    return click.option("--timezone", callback=_zone, default="UTC", help=text)(command)


def named_in(sheet: Sheet, columns: Mapping[str, str]) -> Sheet:
    """The sheet of a file in which these columns were named."""
    return replace(
        sheet,
        id_names={*sheet.id_names, columns.get("visitor", "")},
        named=columns.values(),
        naming=", or name it by --column visitor=NAME",
    )


def _zone(context: click.Context, option: click.Parameter, said: str) -> str:
    try:
        return ZoneInfo(said).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"there is no time zone `{said}`; write it as Europe/Amsterdam") from None


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What both commands take."""
    for option in (
        click.option("--dry-run", is_flag=True, help="report only, store nothing"),
        form_option("of the report"),
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="leave out what is older, and say who is lost"),
        timezone_option,
        column_option(COLUMNS),
        setting_options("store"),
        click.argument("file", type=A_FILE),
    ):
        command = option(command)
    return command


@click.command("orders")
@_options
def import_orders(file: Path, dry_run: bool, form: Form, **said: Any) -> None:
    """Import orders from FILE: CSV with a header, or JSON lines. A row is an order, or one line of an order if it has
    an order id. Columns: visitor id, date, and optionally order id, product, category, brand, price, quantity, total,
    currency. Exit code 1 when nothing could be imported."""
    _run(file, Taken("order"), _orders, ORDERS, dry_run, form, **said)


@click.command("events")
@_options
def import_events(file: Path, dry_run: bool, form: Form, **said: Any) -> None:
    """Import events from FILE: JSON lines in Segment's format, or rows with visitor id, event, time, and optionally
    subject, product, category, brand, price, quantity, value, currency, order id, message id. Exit code 1
    when nothing could be imported."""
    _run(file, Taken("event"), _events, EVENTS, dry_run, form, **said)


def _run(
    file: Path,
    totals: Taken,
    read: Read,
    sheet: Sheet,
    dry_run: bool,
    form: Form,
    *,
    store: str | None,
    columns: dict[str, str],
    timezone: str,
    since: datetime | None,
) -> None:
    url = None if dry_run else settings_now(store=store).store
    since_at = since.replace(tzinfo=ZoneInfo(timezone)).timestamp() if since else float("-inf")
    reading = Reading(time.time(), timezone, columns, since_at)
    named = named_in(sheet, columns)
    report = report_on(file, form)
    unread = UnreadColumns(reading)
    asyncio.run(_import(file, url, lambda lines: read(lines, reading, named, unread), totals, report))
    for note in unread.notes():
        report.note(note)
    report.end(totals, dry_run)
    sys.exit(0 if totals.imported else 1)


def _orders(lines: BinaryIO, reading: Reading, sheet: Sheet, unread: UnreadColumns) -> Iterator[Result]:
    """A look at all rows first, to know when an order is whole."""
    counts = lines_of_orders(read_rows(read_lines(lines), sheet), reading)
    lines.seek(0)
    return orders(unread.looking(read_rows(with_a_bar(lines, "orders"), sheet)), counts, reading)


def _events(lines: BinaryIO, reading: Reading, sheet: Sheet, unread: UnreadColumns) -> Iterator[Result]:
    return events(unread.looking(read_rows(with_a_bar(lines, "events"), sheet)), reading)


async def _import(
    file: Path, url: str | None, read: Callable[[BinaryIO], Iterator[Result]], totals: Taken, report: Report
) -> None:
    with opened(file) as lines:
        arrivals = _counted(read(lines), totals, report)
        async with a_store(url) as store:
            while batch := list(islice(arrivals, BATCH)):
                totals.imported += len(batch)
                totals.changed += len((await store.apply(batch)).new) if store else 0


def _counted(results: Iterator[Result], totals: Taken, report: Report) -> Iterator[Arrival]:
    """What to store; tells the report, and counts. Of visitors it keeps a hash each, not the ids."""
    seen: set[int] = set()
    kept: set[int] = set()
    for result in results:
        for note in result.notes:
            report.note(note)
        totals.refused += sum(note.is_refusal for note in result.notes)
        totals.too_old += result.is_too_old
        if result.visitor_id:
            seen.add(hash(result.visitor_id))
        if result.arrival is not None:
            kept.add(hash(result.visitor_id))
            yield result.arrival
    totals.visitors, totals.lost = len(kept), len(seen - kept)
