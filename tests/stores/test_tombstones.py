"""Tombstones: hashes that only their key can make."""

from __future__ import annotations

import pytest

from proxy.model import Arrival, Event
from proxy.stores.tombstones import is_erased, new_key, tombstone


def test_a_tombstone_says_nothing_without_its_key() -> None:
    key = new_key()
    assert tombstone(key, "anna") == tombstone(key, "anna")
    assert len({tombstone(key, "anna"), tombstone(key, "ben"), tombstone(new_key(), "anna")}) == 3
    assert b"anna" not in tombstone(key, "anna")


@pytest.mark.parametrize(
    ("at", "kind", "erased_at", "erased"),
    [
        (10.0, "page viewed", None, False),
        (10.0, "page viewed", 10.0, True),
        (10.0, "page viewed", 9.0, False),
        (10.0, "profile imported", 9.0, True),
    ],
)
def test_what_was_before_stays_gone_and_so_does_what_imports_tell(
    at: float, kind: str, erased_at: float | None, erased: bool
) -> None:
    assert is_erased(Arrival("anna", Event(at, "1", kind)), erased_at) is erased
