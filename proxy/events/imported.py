"""Rows of an import as events: orders, whole or line by line, and events of any kind. Pure: a file was read into rows.

The same file gives the same events whenever it is imported, each under the same id, so that the log takes it once. An
order is known by its number, as in what the shop's own pages and servers send; a row without one by what it says, and
by how many rows before it said the same.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from proxy.audience.clean import currency_of, dated, no_id, number_of, shortened
from proxy.audience.rows import Note, Row, Sheet
from proxy.conditions.values import number_text
from proxy.events.intake import Access, Receipt, Rejected, ReportedEvent, Sender, accepted, unix_time
from proxy.events.properties import MOST_AMOUNT
from proxy.events.segment import Call, reported_event
from proxy.events.types import BY_GA4, BY_KIND, BY_SEGMENT, EventClass
from proxy.model import Arrival, Item

IMPORT = Sender("import", Access.SERVER)
AHEAD_SECONDS = 86_400.0
DAY = re.compile(r"\d{4}-\d\d-\d\d|\d\d\.\d\d\.\d{4}")
DAY_ALONE = "a day without a time is taken for its midnight: results count it for nothing that was met later that day"

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "visitor": ("visitor id", "visitor", "user id", "customer id", "customer", "id"),
    "time": ("time", "date", "at", "timestamp", "order date", "created at", "ordered at", "happened at"),
    "order": ("order id", "order", "order number", "transaction id"),
    "product": ("product id", "product", "sku", "item id", "item"),
    "category": ("category", "product category"),
    "brand": ("brand",),
    "price": ("price", "unit price"),
    "quantity": ("quantity", "qty"),
    "value": ("value", "total", "order total", "revenue", "amount"),
    "currency": ("currency", "currency code", "order currency"),
    "event": ("event", "kind", "event name"),
    "subject": ("subject", "path", "query", "search words"),
    "message": ("message id", "event id"),
}
"""The names a column may have, after `audience.rows.attribute_name`, the first one found."""
AMOUNTS = ("price", "quantity", "value")
ORDERS = Sheet(COLUMNS["visitor"], frozenset(), has_spaces=True)
EVENTS = Sheet((*COLUMNS["visitor"], "anonymous id"), frozenset(), has_spaces=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read: the present moment, the time zone of times that name none, the columns with names of their
    own, the moment before which rows are too old, and the names that columns may have otherwise."""

    now: float
    timezone: str = "UTC"
    columns: Mapping[str, str] = field(default_factory=dict)
    since: float = float("-inf")
    known: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COLUMNS)

    def cell(self, row: Row, what: str) -> object:
        """What the row has in the column for `what`; None when nothing."""
        named = self.columns.get(what)
        return next((row.cells[name] for name in ([named] if named else self.known[what]) if name in row.cells), None)

    def names(self) -> set[str]:
        """Those of all columns that are read."""
        return {name for what, names in self.known.items() for name in [self.columns.get(what), *names] if name}

    def text(self, row: Row, what: str) -> str:
        value = self.cell(row, what)
        return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    def number(self, row: Row, what: str) -> float | None:
        value = self.cell(row, what)
        found = (
            number_of(value.strip()) if isinstance(value, str) else value if isinstance(value, int | float) else None
        )
        return found if found is None or abs(found) <= MOST_AMOUNT else None

    def currency(self, row: Row) -> str:
        """The code of the row's currency: as its column says, else as an amount has it; "" when neither does."""
        return currency_of(self.text(row, "currency"), (self.text(row, "value"), self.text(row, "price")))

    def notes(self, row: Row) -> tuple[Note, ...]:
        """What there is to say of the row: also of an amount that nobody can read, without which it counts all the
        same."""
        said = ((what, self.text(row, what)) for what in AMOUNTS)
        unread = ((what, text) for what, text in said if text and self.number(row, what) is None)
        notes = [Note(row.line, what, f"left out: `{text}` is no number") for what, text in unread]
        if (named := self.text(row, "currency")) and not self.currency(row):
            notes.append(Note(row.line, "currency", f"left out: `{named}` is no code of three letters, as EUR"))
        return (*row.notes, *notes)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row, or of the rows of an order: an arrival, or None when it was refused, is older than asked
    for, or waits for the rest of its order. `visitor_id` is "" when nobody could be told."""

    arrival: Arrival | None
    notes: tuple[Note, ...] = ()
    visitor_id: str = ""
    is_too_old: bool = False


def lines_of_orders(rows: Iterable[Row], reading: Reading) -> Counter[int]:
    """How many rows each order has, by the hash of its number: an order is complete with the last of them."""
    numbers = (reading.text(row, "order") for row in rows if not row.is_refused)
    return Counter(hash(number) for number in numbers if number)


def orders(rows: Iterable[Row], lines: Counter[int], reading: Reading) -> Iterator[Result]:
    """The orders in some rows. `lines` are those of `lines_of_orders`, and are used up."""
    waiting: dict[str, list[Row]] = {}
    alike: Counter[int] = Counter()
    for row in rows:
        if row.is_refused or not row.cells:
            yield Result(None, row.notes)
            continue
        number = reading.text(row, "order")
        if problem := shortened(number):
            yield _refused(row, problem)
            continue
        if not number:
            yield _order([row], _alike(row, alike), "", reading)
            continue
        waiting.setdefault(number, []).append(row)
        lines[hash(number)] -= 1
        if lines[hash(number)] <= 0:
            yield _order(waiting.pop(number), "", number, reading)
        elif row.notes:
            yield Result(None, row.notes)


def events(rows: Iterable[Row], reading: Reading) -> Iterator[Result]:
    """The events in some rows: calls as Segment has them, or a row an event."""
    alike: Counter[int] = Counter()
    for row in rows:
        if row.is_refused or not row.cells:
            yield Result(None, row.notes)
        elif is_call(row):
            yield _judged(_call(row, alike), row, reading)
        else:
            yield _judged(_event(row, alike, reading), row, reading, reading.notes(row))


def is_call(row: Row) -> bool:
    """Whether the row is a call as Segment has them."""
    return "type" in row.cells and bool({"user id", "anonymous id"} & row.cells.keys())


# -- orders


def _order(rows: Sequence[Row], message_id: str, number: str, reading: Reading) -> Result:
    """The order of some rows: its first tells whose it is and when, each its product."""
    at = time_of(rows[0], reading)
    if isinstance(at, str):
        return _refused(rows[0], at)
    first = {msgspec.json.encode(row.cells, order="sorted"): row for row in reversed(rows)}
    once = list(reversed(first.values())) if number else rows
    kept = {row.line for row in once}
    notes = [note for row in rows for note in reading.notes(row)]
    notes += [Note(rows[0].line, "time", DAY_ALONE)] if DAY.fullmatch(reading.text(rows[0], "time")) else []
    again = (row.line for row in rows if row.line not in kept)
    notes += [Note(line, "", "the same line of the same order came before") for line in again]
    items = tuple(item for row in once if (item := _item(row, reading)).product)
    value = _value(once, items, reading)
    if value < 0:
        what = f"`{number_text(value)}` is less than nothing; what was paid back is an event `order refunded`"
        return _refused(rows[0], what)
    visitor, details = reading.text(rows[0], "visitor"), _details(rows, reading)
    said = ReportedEvent(
        "order completed", message_id, at, visitor, items=items, value=value, order_id=number, details=details
    )
    return _judged(said, rows[0], reading, tuple(notes))


def _value(rows: Sequence[Row], items: Sequence[Item], reading: Reading) -> float:
    """What the order came to: as said, in each of its rows alike; else what its products cost."""
    said = [value for row in rows if (value := reading.number(row, "value")) is not None]
    return max(said) if said else sum(item.price * item.quantity for item in items)


def _details(rows: Iterable[Row], reading: Reading) -> dict[str, str | float | bool]:
    code = next(filter(None, map(reading.currency, rows)), "")
    return {"currency": code} if code else {}


def _item(row: Row, reading: Reading) -> Item:
    return Item(
        reading.text(row, "product"),
        reading.text(row, "category"),
        reading.text(row, "brand"),
        reading.number(row, "price") or 0.0,
        reading.number(row, "quantity") or 1.0,
    )


# -- events


def _event(row: Row, alike: Counter[int], reading: Reading) -> ReportedEvent | str:
    name = reading.text(row, "event")
    if not name:
        return "says no event; a column `event` names it, or the one that `--column event=NAME` names"
    known = BY_KIND.get(name.casefold()) or BY_SEGMENT.get(name.casefold()) or BY_GA4.get(name)
    if known is not None and known.event_class is EventClass.NONE:
        return f"`{name}` is not for imports of events"
    kind, subject = known.kind if known else "custom event", reading.text(row, "subject")
    at = time_of(row, reading)
    if isinstance(at, str):
        return at
    item = _item(row, reading)
    return ReportedEvent(
        kind,
        reading.text(row, "message") or _alike(row, alike),
        at,
        reading.text(row, "visitor"),
        subject=subject if known else name,
        items=(item,) if item.product else (),
        value=reading.number(row, "value") or 0.0,
        order_id=reading.text(row, "order") if kind.startswith("order ") else "",
        details=_details([row], reading),
    )


def _call(row: Row, alike: Counter[int]) -> ReportedEvent | str:
    try:
        call = msgspec.convert({_camel(name): value for name, value in row.cells.items()}, Call, strict=False)
    except msgspec.ValidationError as error:
        return f"is no call: {error}"
    call.message_id = call.message_id or _alike(row, alike)
    said = reported_event(call, call.type or "")
    return said.what if isinstance(said, Rejected) else said


def _camel(name: str) -> str:
    first, *others = name.split()
    return first + "".join(word.capitalize() for word in others)


# -- both


def _judged(said: ReportedEvent | str, row: Row, reading: Reading, notes: tuple[Note, ...] | None = None) -> Result:
    """The arrival, or what is wrong."""
    if isinstance(said, str):
        return _refused(row, said)
    verdict = accepted(said, IMPORT, Receipt(reading.now, ""))
    if isinstance(verdict, Rejected):
        is_nobody = verdict.reason in ("no-visitor", "visitor-id")
        return _refused(row, no_id(reading.text(row, "visitor")) if is_nobody else verdict.what)
    is_too_old = verdict.event.at < reading.since
    return Result(
        None if is_too_old else verdict, row.notes if notes is None else notes, verdict.visitor_id, is_too_old
    )


def _refused(row: Row, what: str) -> Result:
    return Result(None, (*row.notes, Note(row.line, "", what, is_refusal=True)))


def time_of(row: Row, reading: Reading) -> float | str:
    """When it happened, Unix seconds; or what is wrong."""
    value = reading.cell(row, "time")
    if value is None or value == "":
        return "says no time; a column `time` or `date` has it, or the one that `--column time=NAME` names"
    text = str(value).strip()
    at = unix_time(float(text)) if text.isascii() and text.isdigit() and len(text) > 8 else None
    if at is None:
        try:
            there = datetime.fromisoformat(dated(text) or text)
        except ValueError:
            return f"`{text}` is no time; {_day_in_a_spreadsheet(text)}write it as 2026-11-25 or 2026-11-25 08:00"
        at = (there if there.tzinfo else there.replace(tzinfo=ZoneInfo(reading.timezone))).timestamp()
    return at if at <= reading.now + AHEAD_SECONDS else f"`{text}` is still to come"


def _day_in_a_spreadsheet(text: str) -> str:
    """What a number of five digits was before a spreadsheet lost its format: a day, counted from the end of 1899."""
    if not re.fullmatch(r"[3-7]\d{4}(?:[.,]\d+)?", text, re.ASCII):
        return ""
    day = date(1899, 12, 30) + timedelta(days=int(text[:5]))
    return f"as a spreadsheet counts days it is {day}: give its column the format Date, or "


def _alike(row: Row, alike: Counter[int]) -> str:
    """An id for a row that has none: a hash of what it says, and how many rows before it said the same."""
    digest = hashlib.sha256(msgspec.json.encode(row.cells, order="sorted")).hexdigest()[:24]
    alike[hash(digest)] += 1
    return f"{digest}-{alike[hash(digest)]}"
