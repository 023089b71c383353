"""Rows of visitors and segments as memberships."""

from __future__ import annotations

import pytest

from proxy.audience.outside import ENTERED, LEFT
from proxy.audience.rows import read_rows
from proxy.events.imported import Reading
from proxy.events.imported_segments import SEGMENT_COLUMNS, SEGMENTS, is_known, leaving, memberships
from proxy.model import Arrival, Membership, Profile

NOON = 1_795_435_200.0
READING = Reading(NOON, known=SEGMENT_COLUMNS)


def said(text: str, **options: object) -> list[tuple[str, str, str, float]]:
    """Visitor, kind, segment and time of each membership, of rows that are all taken."""
    found = list(memberships(read_rows(text.encode().splitlines(True), SEGMENTS), READING, **options))  # type: ignore[arg-type]
    assert not [note for one in found for note in one.notes if note.is_refusal]
    return [
        (arrival.visitor_id, arrival.event.kind, arrival.event.subject, arrival.event.at)
        for one in found
        for arrival in one.arrivals
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("visitor id,segment\nanna,VIP\n", [("anna", ENTERED, "VIP", NOON)]),
        ("user_id;audience_name\nanna;Shoes, men\n", [("anna", ENTERED, "Shoes, men", NOON)]),
        ("id,segments\nanna,B; A|B\n", [("anna", ENTERED, "A", NOON), ("anna", ENTERED, "B", NOON)]),
        ("id,segment,since,status\nanna,VIP,2026-11-20,Left\n", [("anna", LEFT, "VIP", 1_795_132_800.0)]),
        ('{"visitor": 7, "segment": ["A"], "member": false}\n', [("7", LEFT, "A", NOON)]),
        ('{"userId": "anna", "audienceKey": "vip", "status": "active"}\n', [("anna", ENTERED, "vip", NOON)]),
    ],
)
def test_a_row_says_who_is_in_what_since_when(text: str, expected: list[tuple[str, str, str, float]]) -> None:
    assert said(text) == expected


def test_what_all_rows_have_need_not_stand_in_each() -> None:
    assert said("id\nanna\n", segment="VIP") == [("anna", ENTERED, "VIP", NOON)]
    assert said("id,segment\nanna,B\n", segment="VIP", is_in=False) == [("anna", LEFT, "B", NOON)]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("anna,,,", "names no segment; a column `segment` does, or --segment"),
        (",VIP,,", "has no visitor id"),
        ("anna smith,VIP,,", "`anna smith` is no visitor id of 1 to 64 letters"),
        ("null,VIP,,", "`null` is no visitor id"),
        ("anna,VIP,soon,", "`soon` is no time"),
        ("anna,VIP,,maybe", "`maybe` says neither in nor out; write entered or left"),
        ("anna,VIP,46287,", "`46287` is no time; as a spreadsheet counts days it is 2026-09-22: give its column"),
        ('"1,23E+12",VIP,,', "`1,23E+12` is a long number as a spreadsheet shortens it"),
        ("anna," + "V" * 65 + ",,", "names no segment"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_line(row: str, problem: str) -> None:
    rows = read_rows(f"id,segment,since,status\nben,VIP,,\n{row}\n".encode().splitlines(True), SEGMENTS)
    ben, other = memberships(rows, READING)
    assert len(ben.arrivals) == 1 and not other.arrivals
    refusals = [note for note in other.notes if note.is_refusal]
    assert [note.line for note in refusals] == [3] and problem in refusals[0].what


def test_what_is_known_already_is_told_from_what_is_new() -> None:
    def arrival(kind: str, at: float = NOON) -> Arrival:
        row = f"id,segment,since,status\nanna,Vip,{at:.0f},{'in' if kind == ENTERED else 'out'}\n"
        (one,) = memberships(read_rows(row.encode().splitlines(True), SEGMENTS), READING)
        return one.arrivals[0]

    entered, left = arrival(ENTERED), arrival(LEFT)
    inside = Profile("anna", outside={"vip": Membership(NOON - 9, "x", True, "VIP")})
    outside = Profile("anna", outside={"vip": Membership(NOON - 9, "x", False, "VIP")})
    listed = Profile("anna", segments=frozenset({"VIP"}))
    assert [is_known(profile, entered) for profile in (None, inside, outside, listed)] == [False, True, False, False]
    assert [is_known(profile, left) for profile in (None, inside, outside, listed)] == [True, False, True, False]
    assert is_known(inside, arrival(LEFT, NOON - 99)), "a later word counts"


def test_a_leave_event_needs_a_valid_id() -> None:
    gone = leaving("anna", "VIP", NOON)
    assert gone is not None and (gone.event.kind, gone.event.at) == (LEFT, NOON)
    assert leaving("null", "VIP", NOON) is None
