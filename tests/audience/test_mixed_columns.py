"""MixedColumns that hold several kinds of values are told of, once each."""

from __future__ import annotations

from proxy.audience.mixed_columns import MixedColumns


def test_a_column_of_one_kind_is_not_worth_a_word() -> None:
    columns = MixedColumns()
    for line in range(3):
        columns.look(line, {"orders": 3.0, "tier": "gold", "newsletter": True, "sizes": frozenset({"S"})})
    assert not list(columns.notes())


def test_the_rarer_kinds_are_told_with_their_first_line() -> None:
    columns = MixedColumns()
    for line, value in enumerate([1.0, "many", 2.0, 3.0, "none yet", True], start=2):
        columns.look(line, {"orders": value})
    assert [(note.line, note.column, note.what) for note in columns.notes()] == [
        (3, "orders", "`many` is a text, as in 1 more; in 3 rows it is a number. Kept as it is"),
        (7, "orders", "`True` is yes or no; in 3 rows it is a number. Kept as it is"),
    ]


def test_a_number_is_told_as_it_is_written() -> None:
    columns = MixedColumns()
    columns.look(2, {"orders": "many"})
    columns.look(3, {"orders": 1.0})
    assert [note.what for note in columns.notes()] == ["`1` is a number; in 1 row it is a text. Kept as it is"]


def test_a_text_among_dates_is_told_and_a_date_among_texts_is_not() -> None:
    columns = MixedColumns()
    for line, day in enumerate(["2026-11-03", "2026-01-02 09:30", "32.13.2026", "1.2.26"], start=2):
        columns.look(line, {"last order": day, "note": "2026-01-01" if line == 2 else "asked by phone"})
    columns.look(6, {"last order": "2026-02-01"})
    assert [(note.line, note.column, note.what) for note in columns.notes()] == [
        (4, "last order", "`32.13.2026` is a text, as in 1 more; in 3 rows it is a date. Kept as it is")
    ]
