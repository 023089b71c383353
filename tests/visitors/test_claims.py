"""The lists of segments in cookies."""

from __future__ import annotations

import msgspec
import pytest

from proxy.visitors import claims
from proxy.visitors.claims import SegmentLists, segment_list


def test_equal_segment_lists_share_one_set() -> None:
    lists = SegmentLists()
    first, second = (lists.read(segment_list(["vip", "b2b"])) for _ in range(2))
    assert first == {"b2b", "vip"} and first is second


@pytest.mark.parametrize("listed", [b"{}", b"[1]", b'["a', b'"a"', b"null", b'["\xff"]'])
def test_what_is_no_list_of_texts_is_none(listed: bytes) -> None:
    assert SegmentLists().read(msgspec.Raw(listed)) is None


def test_no_more_lists_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MOST_LISTS", 8)
    lists = SegmentLists()
    for number in range(100):
        assert lists.read(segment_list([f"s{number}", ""])) == {f"s{number}"}
    assert len(lists._known) <= 8
