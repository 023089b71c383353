from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audience.rows import MAX_LINE_BYTES, Row, attribute_name, read_rows
from proxy.errors import OperatorError


def lines(*texts: str | bytes) -> list[bytes]:
    return [text if isinstance(text, bytes) else text.encode() + b"\n" for text in texts]


def told(rows: Iterable[Row]) -> list[tuple[int, str, str]]:
    return [(note.line, note.column, note.what) for row in rows for note in row.notes]


# -- names


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("orders", "orders"),
        ("first_name", "first name"),
        ("First Name", "first name"),
        ("firstName", "first name"),
        ("  FIRST--NAME ", "first name"),
        ("E-Mail", "email"),
        ("email_address", "email"),
        ("Straße", "straße"),
        ("Größe", "größe"),
        ("size2024EU", "size2024 eu"),
        ("ＦＵＬＬ", "full"),
        ("???", ""),
    ],
)
def test_a_column_is_named_as_rule_files_write_it(column: str, name: str) -> None:
    assert attribute_name(column) == name


# -- CSV


def test_a_csv_has_a_row_a_visitor() -> None:
    assert list(read_rows(lines("id,first_name,orders", "anna,Anna,4", "ben,,"))) == [
        Row(2, {"id": "anna", "first name": "Anna", "orders": "4"}),
        Row(3, {"id": "ben"}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_values_are_split_by_the_headers_separator(delimiter: str) -> None:
    rows = read_rows(lines(delimiter.join(["Visitor ID", "spend"]), delimiter.join(["anna", '"1,5;2"'])))
    assert [row.cells for row in rows] == [{"visitor id": "anna", "spend": "1,5;2"}]


def test_a_byte_order_mark_and_blank_lines_are_no_matter() -> None:
    rows = list(read_rows(lines("\ufeffid,orders", "", "anna,4", ",", "\n")))
    assert rows == [Row(3, {"id": "anna", "orders": "4"})]


def test_a_value_may_have_several_lines_and_lines_are_still_counted() -> None:
    rows = list(read_rows(lines("id,note", 'anna,"one', 'two"', "ben,x")))
    assert rows == [Row(2, {"id": "anna", "note": "one\ntwo"}), Row(4, {"id": "ben", "note": "x"})]


def test_a_row_that_is_short_or_long_is_refused_and_the_rest_is_read() -> None:
    rows = list(read_rows(lines("id,orders,city", "anna,4", "ben,1,Gent,x", "cleo,2,Oslo")))
    assert [row.is_refused for row in rows] == [True, True, False]
    assert told(rows) == [(2, "", "2 values for 3 columns"), (3, "", "4 values for 3 columns")]


def test_a_quotation_mark_that_is_never_closed_is_told_with_the_lines_it_took() -> None:
    rows = list(read_rows(lines("id,city", 'anna,"Gent', "ben,Oslo", "cleo,Rome")))
    assert told(rows) == [(4, "", "lines 2 to 4 were read as one row: a quotation mark is not closed")]
    assert rows[0].is_refused


def test_a_quotation_mark_within_a_value_refuses_that_row_only() -> None:
    rows = list(read_rows(lines("id,city", 'anna,"Gent" x', "ben,Oslo")))
    assert told(rows) == [(2, "", "a quotation mark stands inside a value")]
    assert rows[1].cells == {"id": "ben", "city": "Oslo"}


def test_a_line_that_is_not_utf_8_is_read_as_windows_writes_it() -> None:
    (row,) = read_rows(lines("id,city", b"anna,K\xf8benhavn \x80\n"))
    assert row.cells["city"] == "København €"
    assert told([row]) == [(2, "", "is not UTF-8, read as Windows-1252")]
    assert not row.is_refused


def test_a_line_too_long_is_refused() -> None:
    rows = list(read_rows(lines("id,city", "anna," + "x" * MAX_LINE_BYTES, "ben,Oslo")))
    assert told(rows) == [(2, "", "is longer than 64 KiB")]
    assert rows[1].cells["id"] == "ben"


def test_columns_that_cannot_be_attributes_are_left_out_and_told_once() -> None:
    header, *rows = read_rows(lines(f"id,orders,Orders,country,,{'x' * 80}", "anna,1,2,NO,z,y", "ben,1,2,NO,z,y"))
    assert [row.cells for row in rows] == [{"id": "anna", "orders": "1"}, {"id": "ben", "orders": "1"}]
    assert told([header]) == [
        (1, "orders", "left out: another column has the same name"),
        (1, "country", "left out: in rules `country` is what the request says; rename the column, as `home country`"),
        (1, "", "left out: the column has no name"),
        (1, "x" * 64, "left out: the column's name is longer than 64 letters"),
    ]
    assert told(rows) == []


# -- JSON lines


def test_json_lines_have_an_object_a_visitor() -> None:
    rows = read_rows(lines('{"id": "anna", "firstName": "Anna", "orders": 4, "x": null}', "", '{"id":"ben"}'))
    assert list(rows) == [Row(1, {"id": "anna", "first name": "Anna", "orders": 4}), Row(3, {"id": "ben"})]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"id": "anna"\n', "is no JSON"),
        (b'["anna"]\n', "is no JSON object"),
        (b'{"id": ' + b"[" * 5_000 + b"\n", "is no JSON"),
        (b'{"id": "anna", "orders": 1e999}\n', "is no JSON"),
    ],
)
def test_a_line_that_is_no_object_is_refused_and_the_rest_is_read(line: bytes, what: str) -> None:
    rows = list(read_rows([b'{"id":"first"}\n', line, b'{"id":"last"}\n']))
    assert [row.is_refused for row in rows] == [False, True, False]
    assert rows[1].line == 2 and rows[1].notes[0].what.startswith(what)


def test_a_first_object_that_is_too_long_is_refused_alone() -> None:
    too_long = b'{"id":"first","x":"%b"}\n' % (b"x" * MAX_LINE_BYTES)
    rows = list(read_rows([too_long, b'{"id":"second"}\n']))
    assert [(row.line, row.is_refused) for row in rows] == [(1, True), (2, False)]


def test_two_spellings_of_one_field_keep_the_first() -> None:
    (row,) = read_rows(lines('{"id":"anna","firstName":"Anna","first_name":"Ann"}'))
    assert row.cells["first name"] == "Anna"
    assert told([row]) == [(1, "first name", "left out: another column has the same name")]


def test_objects_with_ever_new_fields_do_not_fill_memory() -> None:
    rows = list(read_rows(lines(*(f'{{"id":"v","field {number}":1}}' for number in range(600)))))
    assert "field 400" in rows[400].cells and "field 599" not in rows[599].cells
    assert "more than 500 columns" in rows[599].notes[0].what


# -- files that cannot be read


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([], "the file is empty"),
        ([b"\n", b"  \n"], "the file is empty"),
        ([b"name,orders\n"], "no column holds the visitor id"),
        ([b"\x89PNG\r\n", b"\x1a\n"], "no column holds the visitor id"),
        (["id,orders\n".encode("utf-16")], "UTF-16"),
        ([b"PK\x03\x04\x14\0\n"], "workbook"),
        ([b"id,name\r1,Anna\r2,Ben\r"], "old Macs"),
        ([b'[{"id":"anna"}]\n'], "one JSON array"),
        ([b"id," + b"x" * MAX_LINE_BYTES + b"\n", b"anna,gold\n"], "line 1 is longer than 64 KiB"),
        (lines("", "id,na\rme", "1,x"), "line 2, with the names"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_help(content: list[bytes], problem: str) -> None:
    with pytest.raises(OperatorError, match=problem) as refusal:
        list(read_rows(content))
    assert refusal.value.help


@pytest.mark.parametrize("first", ["sep=;", "\ufeffsep=;", '"SEP=;"', "sep=;\r"])
def test_a_first_line_may_say_what_parts_the_cells(first: str) -> None:
    rows = list(read_rows(lines(first, "id;a,b,c", "1;x")))
    assert [(row.line, row.cells) for row in rows] == [(3, {"id": "1", "a b c": "x"})]


def test_a_line_end_of_old_macs_within_a_row_refuses_the_row() -> None:
    assert told(read_rows(lines("id,name", "1,An\rna", "2,Ben"))) == [(2, "", "a line end stands inside a value")]


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=10), st.booleans())
def test_any_bytes_are_rows_or_refused(content: list[bytes], is_json: bool) -> None:
    start = b'{"id":"anna"}\n' if is_json else b"id,x\n"
    for row in read_rows([start, *content]):
        assert row.cells or row.notes
        assert 1 <= row.line <= len(content) + 1
