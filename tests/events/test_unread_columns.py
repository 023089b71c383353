"""Columns of an import that nobody reads are told, all in one note."""

from __future__ import annotations

from proxy.audience.rows import Row
from proxy.events.imported import Reading
from proxy.events.unread_columns import UnreadColumns


def told(rows: list[Row], columns: dict[str, str] | None = None) -> list[tuple[int, str]]:
    unread = UnreadColumns(Reading(0, columns=columns or {}))
    assert list(unread.looking(rows)) == rows
    return [(note.line, note.what) for note in unread.notes()]


def test_a_total_under_a_name_of_its_own_is_told_until_it_is_named() -> None:
    rows = [Row(2, {"customer id": "c-1", "date": "2026-11-03"}), Row(3, {"id": "c-2", "summe": "129,00"})]
    ((line, what),) = told(rows)
    assert line == 3
    assert what.startswith("not read: `summe`; what is missed is named by --column WHAT=NAME, of visitor, time, order")
    assert told(rows, {"value": "summe"}) == []


def test_of_many_columns_the_first_are_named() -> None:
    told_of_ten = told([Row(2, {f"extra {number}": "x" for number in range(10)})])
    what = told_of_ten[0][1]
    assert what.startswith("not read: `extra 0`, `extra 1`, ") and "`extra 7` and 2 more;" in what


def test_what_stands_in_a_call_is_its_own() -> None:
    assert told([Row(1, {"type": "track", "user id": "c-1", "context": {}})]) == []
