from __future__ import annotations

from proxy.page.holes import HOLE_FILLS, FillKind, hole_fragment
from proxy.page.piece import MAX_STORED_BYTES


def test_every_way_to_fill_a_hole_that_an_operator_may_write_says_what_it_does() -> None:
    assert {row.kind for row in HOLE_FILLS} == set(FillKind) - {FillKind.INCLUDE}
    assert all(row.help and row.example.startswith(row.kind) for row in HOLE_FILLS)


def test_what_is_poured_stands_as_it_is_in_parts_that_a_stored_block_holds() -> None:
    content = b"{x}<b>" * 20_000
    parts = hole_fragment(content).fill({})
    assert b"".join(part for part in parts if isinstance(part, bytes)) == content
    assert all(isinstance(part, bytes) and len(part) <= MAX_STORED_BYTES for part in parts)
    assert list(hole_fragment(b"").fill({})) == []
