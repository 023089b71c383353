from __future__ import annotations

from proxy.page.holes import Edit, Fill, FillKind, edited, outermost

NOTHING = Fill(FillKind.NOTHING)


def test_bytes_are_changed_where_an_edit_says_and_nowhere_else() -> None:
    page = edited(b"0123456789", [Edit(1, 3, NOTHING, before="<", after=">"), Edit(5, 5, NOTHING), Edit(7, 9)])
    assert page.body == b"0<>34569"
    assert [hole.at for hole in page.holes] == [2, 5]


def test_what_stood_in_an_attribute_is_a_secret_unless_it_is_short() -> None:
    edits = [
        Edit(0, 1, NOTHING, is_attribute=True, old_value=" secret-1 "),
        Edit(1, 2, NOTHING, is_attribute=True, old_value="short"),
        Edit(2, 3, NOTHING, old_value="for people to read"),
    ]
    assert edited(b"abc", edits).secrets == {b"secret-1"}


def test_what_lies_within_another_goes_with_it() -> None:
    outer, inner, behind = Edit(2, 8), Edit(3, 5), Edit(8, 9)
    assert outermost([behind, inner, outer]) == [outer, behind]
    assert outermost([Edit(4, 4, NOTHING), Edit(4, 4, NOTHING)]) == [Edit(4, 4, NOTHING)]
    assert outermost([Edit(4, 4, NOTHING), Edit(5, 5)]) == [Edit(4, 4, NOTHING), Edit(5, 5)]
