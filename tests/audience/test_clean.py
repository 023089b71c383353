from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audience.clean import clean, last_lines, number_of, segments_of, tidy, value_of
from proxy.audience.rows import Note, Row
from proxy.model import Profile
from proxy.stores.record import packed

NOW = 1_795_435_200.0


# -- numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12.0),
        ("0", 0.0),
        ("-3", -3.0),
        ("12.5", 12.5),
        ("12,5", 12.5),
        ("0,123", 0.123),
        ("1.234,50", 1234.5),
        ("1,234.50", 1234.5),
        ("1.234.567", 1234567.0),
        ("1,234,567", 1234567.0),
        ("1 234,50", 1234.5),
        ("1\u00a0234\u00a0567", 1234567.0),
        ("1\u202f234,5", 1234.5),
        ("1'234.50", 1234.5),
        ("1,234", 1234.0),
        ("1.234", 1.234),
        ("€ 1.234", 1234.0),
        ("€ 12.30", 12.3),
        ("€12,30", 12.3),
        ("12 EUR", 12.0),
        ("USD 1,234.50", 1234.5),
        ("1 234 kr", None),
        ("1.234.5", None),
        ("1,23,456", None),
        ("0612345678", None),
        ("007", None),
        ("1e5", None),
        ("12 KG", None),
        ("€ 12 EUR", None),
        ("2026-11-25", None),
        ("25.12.2026", None),
        ("1234567890123456", None),
        ("+31612345678", None),
        ("٣", None),
        ("", None),
        ("EUR", None),
        ("1" + " " * 900 + "x", None),
    ],
)
def test_a_number_is_read_in_the_forms_people_write(text: str, number: float | None) -> None:
    assert number_of(text) == number


@given(st.decimals(min_value=-999_999_999, max_value=999_999_999, places=2))
def test_amounts_in_dutch_and_english_are_the_same_number(amount: object) -> None:
    english = f"{amount:,.2f}"
    dutch = english.replace(",", "_").replace(".", ",").replace("_", ".")
    assert number_of(english) == number_of(dutch) == float(str(amount))


# -- values


@pytest.mark.parametrize(
    ("name", "cell", "value", "done"),
    [
        ("orders", "12", 12.0, ""),
        ("orders", " 12 ", 12.0, "spaces around it removed"),
        ("spend", "1.234,50", 1234.5, "`1.234,50` read as 1234.5"),
        ("newsletter", "ja", True, "`ja` read as true"),
        ("newsletter", "NEE", False, "`NEE` read as false"),
        ("newsletter", "Nein", False, "`Nein` read as false"),
        ("newsletter", "nej", False, "`nej` read as false"),
        ("newsletter", "WAHR", True, "`WAHR` read as true"),
        ("newsletter", "yes", True, "`yes` read as true"),
        ("newsletter", "true", True, ""),
        ("home country", "NO", "NO", ""),
        ("language", "no", "no", ""),
        ("last name", "Ja", "Ja", ""),
        ("postcode", "1012", "1012", ""),
        ("phone", "612345678", "612345678", ""),
        ("email", " Anna@Example.COM", "anna@example.com", "spaces around it removed, written in small letters"),
        ("email", "anna@", None, "left out: `anna@` is no e-mail address"),
        ("email", "anna@example", None, "left out: `anna@example` is no e-mail address"),
        ("twitter", "Anna@Example", "Anna@Example", ""),
        ("birthday", "1990-02-28", "1990-02-28", ""),
        ("birthday", "28.02.1990", "1990-02-28", "`28.02.1990` read as 1990-02-28"),
        ("last seen", "24.12.2025 08:30", "2025-12-24 08:30", "`24.12.2025 08:30` read as 2025-12-24 08:30"),
        ("build", "31.02.2025", "31.02.2025", ""),
        ("sku", "24.12.2025", "24.12.2025", ""),
        (
            "birthday",
            "02/03/1990",
            "02/03/1990",
            "kept as a text: if `02/03/1990` is a date, write it as 2025-12-24",
        ),
        ("birthday", "25-11-1980", "25-11-1980", "kept as a text: if `25-11-1980` is a date, write it as 2025-12-24"),
        ("seen", "2026/11/5", "2026/11/5", "kept as a text: if `2026/11/5` is a date, write it as 2025-12-24"),
        (
            "seen",
            "1-2-2026 8:30",
            "1-2-2026 8:30",
            "kept as a text: if `1-2-2026 8:30` is a date, write it as 2025-12-24",
        ),
        ("phone line", "12-34-567", "12-34-567", ""),
        ("last seen", "2026-11-25T12:00:00Z", "2026-11-25T12:00:00Z", ""),
        ("orders", "NULL", None, "`NULL` read as empty"),
        ("orders", "", None, ""),
        ("orders", "  ", None, "spaces around it removed"),
        ("city", "Malmo\u0308", "Malmö", "letters and their accents joined"),
        ("motto", "a\x00b\x1bc\td", "abc\td", "control characters removed"),
        ("story", "x" * 1_001, None, "left out: longer than 1000 characters"),
        ("orders", 4, 4.0, ""),
        ("spend", 12.5, 12.5, ""),
        ("number", 2**60, str(2**60), "too large for a number, kept as text"),
        ("newsletter", False, False, ""),
        ("brands", ["Hoka", " Salomon "], frozenset({"Hoka", "Salomon"}), ""),
        ("brands", [], None, ""),
        ("brands", ["x"] * 3 + [1], None, "left out: a list may hold up to 100 texts of up to 1000 characters"),
        ("address", {"city": "Oslo"}, None, "left out: an object within an object; give its parts fields of their own"),
    ],
)
def test_a_value_is_cleaned_and_what_was_done_is_said(name: str, cell: object, value: object, done: str) -> None:
    cleaned = value_of(name, cell)
    assert cleaned == (value, done)
    assert type(cleaned[0]) is type(value)


@pytest.mark.parametrize(
    ("cell", "segments"),
    [
        ("VIP", {"VIP"}),
        ("VIP; Trail runners ;", {"VIP", "Trail runners"}),
        ("VIP|Sale", {"VIP", "Sale"}),
        ("VIP, Sale", {"VIP", "Sale"}),
        ("NULL", set()),
        ("", set()),
        (["VIP", "Sale, maybe"], {"VIP", "Sale, maybe"}),
    ],
)
def test_segments_are_a_list(cell: object, segments: set[str]) -> None:
    assert segments_of(cell) == (segments, "")


@pytest.mark.parametrize(
    ("cell", "why"), [("VIP;" + "x" * 65, "longer than 64"), (["VIP", 3], "no text"), (7, "no text")]
)
def test_segments_that_cannot_be_are_left_out_and_told(cell: object, why: str) -> None:
    segments, done = segments_of(cell)
    assert segments <= {"VIP"} and why in done


@given(st.text())
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    once, _ = tidy(text)
    assert tidy(once) == (once, "")


# -- rows


def test_a_row_becomes_a_profile() -> None:
    row = Row(7, {"id": " anna ", "orders": "4", "segments": "VIP", "newsletter": "ja"})
    cleaned = clean(row, now=NOW)
    assert cleaned.profile == Profile("anna", {"orders": 4.0, "newsletter": True}, frozenset({"VIP"}), NOW)
    assert cleaned.notes == (Note(7, "newsletter", "`ja` read as true"),)


@pytest.mark.parametrize(
    "cells",
    [
        {"orders": "4"},
        {"id": "anna@x.nl"},
        {"id": "x" * 65},
        {"id": "änna"},
        {"id": True},
        {"id": ["anna"]},
        {"id": "NULL"},
        {"id": "undefined"},
        {"id": "0"},
    ],
)
def test_a_row_without_a_proper_id_is_refused(cells: dict[str, object]) -> None:
    cleaned = clean(Row(7, cells), now=NOW)
    assert cleaned.profile is None
    assert [(note.line, note.is_refusal) for note in cleaned.notes] == [(7, True)]


def test_an_id_that_cannot_be_is_told_with_what_can() -> None:
    told = [clean(Row(2, {"id": id}), now=NOW).notes[0].what for id in ("", "c 6", "jane@shop.example")]
    assert told[0].startswith("has no visitor id of 1 to 64 letters")
    assert told[1].startswith("`c 6` is no visitor id of 1 to 64 letters")
    assert told[2].startswith("`jane@shop.example` is an e-mail address, and no visitor id: write your own number")


def test_the_visitor_id_goes_before_other_ids_which_stay_attributes() -> None:
    cleaned = clean(Row(2, {"customer id": "C-17", "visitor id": "anna"}), now=NOW)
    assert cleaned.profile == Profile("anna", {"customer id": "C-17"}, updated_at=NOW)


def test_a_row_that_was_refused_when_read_stays_refused() -> None:
    notes = (Note(3, "", "2 values for 3 columns", is_refusal=True),)
    assert clean(Row(3, {"id": "anna"}, notes), now=NOW).profile is None


def test_a_row_too_large_for_a_store_is_refused() -> None:
    small = Row(2, {"id": "anna", **{f"story {number}": "ä" * 1_000 for number in range(20)}})
    large = Row(3, {"id": "anna", **{f"story {number}": "ä" * 1_000 for number in range(30)}})
    kept = clean(small, now=NOW).profile
    assert kept is not None and packed(kept)
    assert clean(large, now=NOW).profile is None
    assert clean(large, now=NOW).notes[-1].is_refusal


CELLS = st.one_of(
    st.text(max_size=30),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.lists(st.text(max_size=5)),
)


@given(st.dictionaries(st.sampled_from(["orders", "email", "segments", "first name", "brands"]), CELLS))
def test_any_cells_give_a_profile_a_store_can_hold(cells: dict[str, object]) -> None:
    cleaned = clean(Row(2, {"id": "anna", **cells}), now=NOW)
    assert cleaned.profile is not None
    assert packed(cleaned.profile)


# -- visitors who come several times


def test_the_last_line_of_each_visitor_who_comes_again_is_known() -> None:
    rows = [
        Row(2, {"id": "anna"}),
        Row(3, {"id": "ben"}),
        Row(4, {"id": " anna"}),
        Row(5, {"id": "anna"}),
        Row(6, {"x": 1}),
    ]
    assert last_lines(rows) == {"anna": 5}


def test_a_refused_row_does_not_replace_a_good_one() -> None:
    refused = Row(3, {"id": "anna"}, (Note(3, "", "2 values for 3 columns", is_refusal=True),))
    assert last_lines([Row(2, {"id": "anna"}), refused]) == {}
