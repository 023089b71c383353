"""`tailorbird import segments FILE`: who is in which segment of another system, row by row. What is known already is
not stored again, so a second import of the same file changes nothing."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click

from proxy.audience.outside import ENTERED
from proxy.audience.rows import read_rows
from proxy.cli.import_events import column_option, named_in, timezone_option
from proxy.cli.importing import BATCH, Form, Report, a_store, opened, report_on, with_a_bar
from proxy.cli.options import form_option, setting_options, settings_now
from proxy.cli.rulefolder import A_FILE, no_such_segment, read_rules
from proxy.diagnostics import many
from proxy.events.imported import Reading
from proxy.events.imported_segments import SEGMENT_COLUMNS, SEGMENTS, Memberships, is_known, leaving, memberships
from proxy.events.unread_columns import UnreadColumns
from proxy.model import Arrival, Profile
from proxy.ports import Store


@dataclass(slots=True)
class Taken:
    """What became of the file's rows. Of the `imported` memberships, `entered` and `left` were news; `others_left`
    stood in no row."""

    imported: int = 0
    entered: int = 0
    left: int = 0
    others_left: int = 0
    refused: int = 0
    segments: list[str] = field(default_factory=list)

    def sentence(self, *, is_stored: bool) -> str:
        """The totals, as the last line of a report."""
        others = f" {many(self.others_left, 'other visitor')} left." if self.others_left else ""
        stored = f"{self.entered:,} entered, {self.left:,} left" if is_stored else "nothing stored (dry run)"
        named = f" of {', '.join(self.segments)}" if self.segments else ""
        return f"{many(self.imported, 'row')}{named} imported: {stored}; {many(self.refused, 'row')} refused.{others}"


@click.command("segments")
@click.argument("file", type=A_FILE)
@setting_options("store", "rules")
@click.option("--segment", default="", metavar="NAME", help="the segment of rows that name none")
@click.option("--leave", is_flag=True, help="who is in FILE leaves the segments, which undoes an import")
@click.option("--whole", is_flag=True, help="who is not in FILE leaves the segments that are, unless a row was refused")
@column_option(SEGMENT_COLUMNS)
@timezone_option
@form_option("of the report")
@click.option("--dry-run", is_flag=True, help="report only, store nothing")
def import_segments(
    file: Path, store: str | None, rules: str | None, form: Form, dry_run: bool, leave: bool, whole: bool, **said: Any
) -> None:
    """Members of segments of another system from FILE: CSV with a header, or JSON lines. A row has a visitor id and a
    segment, or several by `;`; it may say since when (else: now) and, in a column `status`, that they entered or left.

    Exit code 1 when nothing could be imported.
    """
    if leave and whole:
        raise click.UsageError("--leave and --whole contradict each other")
    settings = settings_now(store=store, rules=rules)
    url = None if dry_run else settings.store
    report = report_on(file, form)
    run = Import(report, time.time(), said["segment"], not leave, said["columns"], said["timezone"])
    asyncio.run(run.read(file, url, is_whole=whole))
    for line in _asked_for_by_none(run.totals.segments, Path(settings.rules)):
        click.echo(line, err=True)
    report.end(run.totals, dry_run)
    sys.exit(0 if run.totals.imported else 1)


def _asked_for_by_none(segments: Sequence[str], rules: Path) -> Iterator[str]:
    """A line for each segment that the rule folder does not name: it was misspelt, or waits for its rule. Nothing where
    there is no folder, or none that can be read."""
    publication = read_rules(rules, None, None).publication if segments and rules.is_dir() else None
    known = [segment.name for segment in publication.plan.segments] if publication else []
    folded = set(map(str.casefold, known))
    for name in segments if publication else ():
        if name.casefold() not in folded:
            yield no_such_segment(name, known)


class Import:
    """One import of one file."""

    def __init__(
        self, report: Report, now: float, segment: str, is_in: bool, columns: dict[str, str], timezone: str
    ) -> None:
        self.totals = Taken()
        self._report, self._now, self._segment, self._is_in = report, now, segment, is_in
        self._reading = Reading(now, timezone, columns, known=SEGMENT_COLUMNS)
        self._names: dict[str, str] = {}
        self._members: set[int] = set()

    async def read(self, file: Path, url: str | None, *, is_whole: bool) -> None:
        """Reads it, and stores what is new in the store at `url`, if there is one."""
        sheet, unread = named_in(SEGMENTS, self._reading.columns), UnreadColumns(self._reading)
        with opened(file) as lines:
            rows = unread.looking(read_rows(with_a_bar(lines, "segments"), sheet))
            found = memberships(rows, self._reading, self._segment, is_in=self._is_in)
            arrivals = self._counted(found)
            async with a_store(url) as store:
                while batch := list(islice(arrivals, BATCH)):
                    if store is not None:
                        await self._store(store, batch)
                self.totals.segments = sorted(self._names.values(), key=str.casefold)
                if is_whole and store is not None and not self.totals.refused:
                    await self._let_others_leave(store)
        for note in unread.notes():
            self._report.note(note)
        if is_whole and self.totals.refused:
            click.echo("nobody who is not in the file left: mend the rows that were refused first", err=True)

    def _counted(self, found: Iterator[Memberships]) -> Iterator[Arrival]:
        for one in found:
            for note in one.notes:
                self._report.note(note)
            self.totals.refused += any(note.is_refusal for note in one.notes)
            self.totals.imported += bool(one.arrivals)
            for arrival in one.arrivals:
                key = arrival.event.subject.casefold()
                self._names.setdefault(key, arrival.event.subject)
                if arrival.event.kind == ENTERED:
                    self._members.add(hash((arrival.visitor_id, key)))
                yield arrival

    async def _store(self, store: Store, arrivals: Sequence[Arrival]) -> None:
        """Stores what is new. Of what several rows say of one moment, the last counts."""
        last = {(one.visitor_id, one.event.subject.casefold(), one.event.at): one for one in arrivals}
        ids = list({one.visitor_id for one in last.values()})
        profiles = dict(zip(ids, await asyncio.gather(*map(store.get_profile, ids)), strict=True))
        news = [one for one in last.values() if not is_known(profiles[one.visitor_id], one)]
        taken = (await store.apply(news)).new if news else ()
        entered = sum(one.event.kind == ENTERED for one in taken)
        self.totals.entered += entered
        self.totals.left += len(taken) - entered

    async def _let_others_leave(self, store: Store) -> None:
        gone: list[Arrival] = []
        async for profile in store.profiles():
            gone += filter(None, map(partial(leaving, profile.visitor_id, now=self._now), self._left_by(profile)))
            if len(gone) >= BATCH:
                self.totals.others_left += len((await store.apply(gone)).new)
                gone = []
        if gone:
            self.totals.others_left += len((await store.apply(gone)).new)

    def _left_by(self, profile: Profile) -> Iterator[str]:
        """The segments of the file that a visitor is in who is not in the file, by any id of theirs."""
        for name in profile.segments:
            key = name.casefold()
            if key in self._names and not any(
                hash((id, key)) in self._members for id in (profile.visitor_id, *profile.devices)
            ):
                yield name
