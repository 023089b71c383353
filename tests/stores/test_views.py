"""A recorded view is a line of JSON, and comes back from it."""

from __future__ import annotations

import pytest

from proxy.model import View
from proxy.stores.views import MAX_BYTES, packed, small_enough, unpacked

VIEW = View(1.0, "v1", {"home.hero": "VIPs"}, {"segment": frozenset({"b", "a"}), "orders": 2.0}, ("country",), "anna")


def test_a_view_is_the_same_line_however_its_sets_lie_in_memory() -> None:
    line = packed(VIEW)
    assert b'"segment":["a","b"]' in line
    assert b"\n" not in line
    assert unpacked(line) == VIEW


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"\xff", b'{"at": "noon"}', b"[" * 100_000])
def test_a_line_without_a_view_has_none(line: bytes) -> None:
    assert unpacked(line) is None


def test_what_is_too_large_is_left_out() -> None:
    large = View(1.0, "v1", {}, {"search term": "x" * MAX_BYTES})
    assert [view for view, _ in small_enough([large, VIEW])] == [VIEW]
