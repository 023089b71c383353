"""Reads files of past visits and orders.

Three forms are recognised by their first lines: *baskets*, one a line, products between commas; *tables* with a
heading (CSV in any of the usual separators), one product a row, gathered by order, or by session or visitor and time;
*events* as JSON lines, read like a table. Columns are found by the names that are usual for them. What cannot be read
is counted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from math import isfinite
from typing import Literal

import orjson

from proxy.catalogue.shopper import VISIT_GAP_SECONDS
from proxy.errors import OperatorError

# The names that are usual for a column, the likeliest first.
PRODUCT = "itemid item productid product sku asin stockcode articleid itemdescription productname itemname name"
ORDER = "orderid order ordernumber orderno invoice invoiceno invoiceid transactionid transaction basketid basket"
SESSION = "sessionid session visitid visit"
VISITOR = "visitorid visitor userid user customerid customer membernumber member anonymousid clientid uid"
TIME = "timestamp time datetime eventtime at date eventdate createdat invoicedate orderdate unixtime ts"
PAGE = "event eventname page url path action"

_SAMPLE_LINES = 200
_SEPARATORS = ",;\t|"
_DIGITAL_DATES = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
_MILLISECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Group:
    """The products of a visit or an order, in order. `at` is when it began, in Unix seconds, or, in a file without
    times, its number."""

    products: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """The content of a file. `unread` counts the lines that cannot be read; the first is line `unread_at`."""

    kind: Literal["visits", "baskets"]
    groups: tuple[Group, ...]
    unread: int = 0
    unread_at: int = 0


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table, by number; -1 for what it does not have."""

    product: int
    order: int
    session: int
    visitor: int
    time: int


def read_history(lines: Iterable[str]) -> HistoryFile:
    """The visits or baskets of a file, in the order of time. Raises `OperatorError` for one that holds none."""
    coming = _Numbered(lines)
    begun = list(islice(coming, _SAMPLE_LINES))
    if begun:
        begun[0] = begun[0].removeprefix("\ufeff")
    first = [line for line in begun if line.strip()]
    if not first:
        raise OperatorError("there is nothing in this file", help="write one basket a line, or a table with a heading")
    if "\r" in first[0]:
        raise OperatorError("the lines of this file end as on old Macs", help="save it as CSV UTF-8")
    rest = _Numbered(chain(begun, coming))
    if first[0].lstrip().startswith("{"):
        columns, events = _events(first, rest)
        return _grouped(columns, events, rest)
    separator = _separator(first)
    if separator:
        rows = _rows(rest, separator)
        heading = next(_rows(first[:1], separator))
        sample = list(_rows(first[1:], separator))
        if (named := _named(heading, sample)) is not None:
            next(row for row in rows if row)
            return _grouped(named, rows, rest)
        if (unnamed := _unnamed([heading, *sample])) is not None:
            return _grouped(unnamed, rows, rest)
        return _baskets(rows)
    return _baskets(line.split() for line in rest)


class _Numbered:
    """Lines without their ends; `number` is that of the latest, from 1."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return line.strip("\r\n")


def read_sequences(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """Products of one visit a line, between blanks, commas or tabs."""
    return [tuple(words) for line in lines if (words := re.split(r"[\s,;]+", line.strip())) and words[0]]


def _baskets(rows: Iterable[Sequence[str]]) -> HistoryFile:
    found = (tuple(word for cell in row if (word := cell.strip())) for row in rows)
    groups = tuple(Group(basket, float(number)) for number, basket in enumerate(filter(None, found)))
    return HistoryFile("baskets", groups)


def _rows(lines: Iterable[str], separator: str) -> Iterator[Sequence[str]]:
    """The rows of a table; one that cannot be read is a single cell, as of a quotation mark that is never closed."""
    reader = csv.reader(lines, delimiter=separator)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield ["?"]


# -- columns


def _separator(lines: Sequence[str]) -> str:
    """The one on most lines; "" when none is."""
    found = {mark: sum(mark in line for line in lines) for mark in _SEPARATORS}
    best = max(found, key=found.__getitem__)
    return best if found[best] else ""


def _named(heading: Sequence[str], sample: Sequence[Sequence[str]]) -> _Columns | None:
    names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in heading]
    product = _first(PRODUCT, names)
    if product < 0:
        product = _first(PAGE, names)
    order = _first(ORDER, names)
    if order >= 0 and 2 * sum(len(row) > order and bool(row[order].strip()) for row in sample) < len(sample):
        order = -1  # a column that only purchases fill: the others are events
    columns = _Columns(product, order, _first(SESSION, names), _first(VISITOR, names), _first(TIME, names))
    grouped = max(columns.order, columns.session, columns.visitor)
    return columns if product >= 0 and grouped >= 0 else None


def _first(usual: str, names: Sequence[str]) -> int:
    return next((names.index(name) for name in usual.split() if name in names), -1)


def _unnamed(rows: Sequence[Sequence[str]]) -> _Columns | None:
    """A table without a heading is recognised by a column of times: visit, time, product."""
    width = len(rows[0])
    if width < 3 or any(len(row) != width for row in rows):
        return None
    for column in range(width):
        if all(re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", row[column].strip()) for row in rows):
            others = [other for other in range(width) if other != column]
            return _Columns(others[1], -1, others[0], -1, column)
    return None


def _events(first: Sequence[str], lines: Iterable[str]) -> tuple[_Columns, Iterator[Sequence[str]]]:
    """JSON lines as a table: the names of the first events are its heading."""
    known = [event for line in first if (event := _object(line))]
    heading = list(dict.fromkeys(name for event in known for name in event))
    sample = [[str(event.get(name) or "") for name in heading] for event in known]
    columns = _named(heading, sample)
    if columns is None:
        raise OperatorError(
            "these events say of no product who looked at it", help="each needs product_id and visitor_id, or the like"
        )
    objects = (_object(line) for line in lines if line.strip())
    return columns, ([str(event.get(name) or "") for name in heading] if event else ["?"] for event in objects)


def _object(line: str) -> Mapping[str, object]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


# -- grouping


def _grouped(columns: _Columns, rows: Iterable[Sequence[str]], lines: _Numbered) -> HistoryFile:
    """Rows by order; else by session; else by visitor, a new visit after half an hour of silence."""
    by = next(column for column in (columns.order, columns.session, columns.visitor) if column >= 0)
    clicks: dict[str, list[tuple[float, str]]] = {}
    unread = unread_at = 0
    needed = max(columns.product, by, columns.time)
    for number, row in enumerate(rows):
        if len(row) <= needed or not (product := row[columns.product].strip()) or not (key := row[by].strip()):
            unread += bool(row)
            unread_at = unread_at or (lines.number if row else 0)
            continue
        at = _moment(row[columns.time]) if columns.time >= 0 else None
        clicks.setdefault(key, []).append((float(number) if at is None else at, product))
    is_split = by == columns.visitor and columns.time >= 0
    groups = [group for found in clicks.values() for group in _visits(found, is_split=is_split)]
    kind: Literal["visits", "baskets"] = "baskets" if by == columns.order else "visits"
    return HistoryFile(kind, tuple(sorted(groups, key=lambda group: group.at)), unread, unread_at)


def _visits(clicks: list[tuple[float, str]], *, is_split: bool) -> Iterator[Group]:
    clicks.sort(key=lambda click: click[0])
    began, last, visit = clicks[0][0], clicks[0][0], list[str]()
    for at, product in clicks:
        if is_split and at - last > VISIT_GAP_SECONDS:
            yield Group(tuple(visit), began)
            began, visit = at, []
        visit.append(product)
        last = at
    yield Group(tuple(visit), began)


def _moment(written: str) -> float | None:
    """Unix seconds from seconds or milliseconds, a date, or a date and time."""
    text = written.strip()
    try:
        if text.isdigit() and len(text) in _DIGITAL_DATES:
            return datetime.strptime(text, _DIGITAL_DATES[len(text)]).replace(tzinfo=UTC).timestamp()
        number = float(text)
    except ValueError:
        return _iso(text)
    if not isfinite(number):  # as `NaN`, which programs write for a time that is missing
        return None
    return number / 1000 if number > _MILLISECONDS else number


def _iso(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
