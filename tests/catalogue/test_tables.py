from __future__ import annotations

import time

import pytest

from proxy.catalogue.products import Problem
from proxy.catalogue.tables import table_rows


def test_cells_are_known_by_their_headings_and_rows_by_the_line_they_begin_on() -> None:
    table = b'g:ID\tItem  Group\tTitle\n\n1\tG\t"two\nlines"\n2\n'
    assert list(table_rows(table, "\t")) == [
        (3, {"id": "1", "item_group": "G", "title": "two\nlines"}),
        (5, {"id": "2"}),
    ]


def test_a_table_whose_every_row_is_broken_is_read_in_seconds() -> None:
    rows = 200_000
    begun = time.process_time()
    found = list(table_rows(b"id,title\n" + b'1,"a "b" c"\n' * rows, ","))
    assert len(found) == rows and all(isinstance(each, Problem) for each in found)
    assert time.process_time() - begun < 10, "it takes 30 where what is left is copied for each"


def test_a_table_in_another_encoding_is_read_and_told() -> None:
    problem, row = table_rows("id,title\n1,Käse\n".encode("latin-1"), ",")
    assert row == (2, {"id": "1", "title": "Käse"})
    assert isinstance(problem, Problem) and (problem.line, problem.what) == (2, "this is not UTF-8")


@pytest.mark.parametrize(
    ("table", "line", "what", "rows"),
    [
        (b"id,title\n1,a,b\n2,c\n", 2, "this row has 3 cells, its heading 2", ["2"]),
        (b'id,title\n1,"never closed\n2,c\n', 2, "a cell cannot be read", ["2"]),
        (b"id,title,title\n1,,c\n", 1, "there are 2 columns `title`", ["1"]),
        (b"id,title\n1," + b"x" * 1_000_001 + b"\n2,c\n", 2, "a cell cannot be read", ["2"]),
    ],
)
def test_a_row_that_makes_no_sense_costs_no_other(table: bytes, line: int, what: str, rows: list[str]) -> None:
    found = list(table_rows(table, ","))
    (problem,) = [each for each in found if isinstance(each, Problem)]
    assert problem.line == line and what in problem.what and problem.help
    assert [each[1]["id"] for each in found if not isinstance(each, Problem)] == rows
