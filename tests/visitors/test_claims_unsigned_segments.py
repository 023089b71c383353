"""What an unsigned cookie of the shop names."""

from __future__ import annotations

import pytest

from proxy.visitors.claims import unsigned_segments


@pytest.mark.parametrize(
    ("cookie", "names"),
    [
        (b"VIP,Trail runners", {"VIP", "Trail runners"}),
        (b" VIP , , sale ", {"VIP", "sale"}),
        (b'["VIP","Trail, runners"]', {"VIP", "Trail, runners"}),
        (b"%5B%22VIP%22%2C%22L%C3%A4ufer%22%5D", {"VIP", "Läufer"}),
        (b'"VIP"', {"VIP"}),
        (b"[1,2]", set()),
        (b"[" * 1_000, set()),
        (b'["\\ud800"]', set()),
        (b"", set()),
        (b"x" * 3_000, set()),
    ],
)
def test_a_hint_is_a_list_with_commas_or_in_json(cookie: bytes, names: set[str]) -> None:
    assert unsigned_segments(cookie) == names


def test_a_hint_has_at_most_fifty_segments() -> None:
    assert len(unsigned_segments(b",".join(b"s%d" % number for number in range(80)))) == 50
