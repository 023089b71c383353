"""Rows of an import as memberships: which visitor is in which segment of an outside system, or has left it. Pure: the
file was read into rows.

A row names a visitor and a segment, or several (`segments`). It may say when that was so, and whether the visitor is in
the segment or not. What a row without a time says holds from the moment of the import.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from proxy.audience.clean import TRUTHS, no_id, segments_of
from proxy.audience.outside import ENTERED, LEFT
from proxy.audience.rows import Note, Row, Sheet
from proxy.events.imported import COLUMNS, IMPORT, Reading, time_of
from proxy.events.intake import Receipt, Rejected, ReportedEvent, accepted
from proxy.model import Arrival, Profile

SEGMENT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "visitor": (*COLUMNS["visitor"], "anonymous id", "external id"),
    "segment": ("segment", "segments", "segment name", "audience", "audience name", "audience key"),
    "time": ("since", *COLUMNS["time"], "entered at", "updated at"),
    "status": ("status", "member", "is member", "action"),
}
"""The names a column may have, after `audience.rows.attribute_name`, the first one found."""
SEGMENTS = Sheet(SEGMENT_COLUMNS["visitor"], frozenset())
_IN = "in add added enter entered active joined subscribed member 1"
_OUT = "out remove removed left exit exited inactive unsubscribed 0"
STATUSES = TRUTHS | dict.fromkeys(_IN.split(), True) | dict.fromkeys(_OUT.split(), False)


@dataclass(frozen=True, slots=True)
class Memberships:
    """What became of a row: an arrival for each segment it names, none if it was refused."""

    arrivals: tuple[Arrival, ...] = ()
    notes: tuple[Note, ...] = ()


def memberships(
    rows: Iterable[Row], reading: Reading, segment: str = "", *, is_in: bool = True
) -> Iterator[Memberships]:
    """The memberships in some rows. `segment` is that of rows that name none, `is_in` holds for rows that say
    neither."""
    for row in rows:
        if row.is_refused or not row.cells:
            yield Memberships(notes=row.notes)
        else:
            yield _of_row(row, reading, segment, is_in)


def leaving(visitor_id: str, segment: str, now: float) -> Arrival | None:
    """The arrival of who has left a segment now; None for an id that no event may have."""
    return _arrival(visitor_id, segment, LEFT, now, now)


def is_known(profile: Profile | None, arrival: Arrival) -> bool:
    """Whether an arrival changes nothing: its visitor is in the segment already, or is not; or a later word counts."""
    key, is_in = arrival.event.subject.casefold(), arrival.event.kind == ENTERED
    if profile is None:
        return not is_in
    said = profile.outside.get(key)
    if said is None:
        return not is_in and key not in map(str.casefold, profile.segments)
    return said.is_in == is_in or arrival.event.at < said.at


def _of_row(row: Row, reading: Reading, segment: str, is_in: bool) -> Memberships:
    cell = reading.cell(row, "segment")
    names, done = _names(segment if cell in (None, "") else cell)
    notes = (*row.notes, *((Note(row.line, "segment", done),) if done else ()))
    at = reading.now if reading.cell(row, "time") in (None, "") else time_of(row, reading)
    said = reading.cell(row, "status")
    status = "" if said is None else str(said).strip().casefold()
    problem = ""
    if isinstance(at, str):
        problem = at
    elif not names:
        problem = "names no segment; a column `segment` does, or --segment for all rows"
    elif status and status not in STATUSES:
        problem = f"`{status}` says neither in nor out; write entered or left"
    kind = ENTERED if STATUSES.get(status, is_in) else LEFT
    arrivals = []
    for name in names if not problem else ():
        arrival = _arrival(reading.text(row, "visitor"), name, kind, float(at), reading.now)
        if arrival is None:
            problem = no_id(reading.text(row, "visitor"))
            break
        arrivals.append(arrival)
    if problem:
        return Memberships((), (*notes, Note(row.line, "", problem, is_refusal=True)))
    return Memberships(tuple(arrivals), notes)


def _names(cell: object) -> tuple[list[str], str]:
    """Segments of a list, or of a text: parted by `;` or `|`; a comma may stand in a name."""
    found, done = segments_of(cell.replace("|", ";").split(";") if isinstance(cell, str) else cell)
    return sorted(found), done


def _arrival(visitor_id: str, segment: str, kind: str, at: float, now: float) -> Arrival | None:
    said = msgspec.json.encode([visitor_id, segment.casefold(), kind, at])
    digest = hashlib.sha256(said).hexdigest()[:24]
    verdict = accepted(ReportedEvent(kind, digest, at, visitor_id, subject=segment), IMPORT, Receipt(now, ""))
    return None if isinstance(verdict, Rejected) else verdict
