"""Tombstones: what is kept of erased visitors, namely a keyed hash of the id, from which the id cannot be recovered,
and the time of the erasure. They keep replays and imports from bringing the visitor back; what a visitor with that id
does afterwards is new.
"""

from __future__ import annotations

import hashlib
import secrets

from proxy.audience.identity import IMPORTED
from proxy.model import Arrival

KEY_BYTES = 32


def new_key() -> bytes:
    """A new key for the hashes of one store."""
    return secrets.token_bytes(KEY_BYTES)


def tombstone(key: bytes, visitor_id: str) -> bytes:
    """The keyed hash of an id."""
    return hashlib.blake2b(visitor_id.encode(), key=key, digest_size=16).digest()


def is_erased(arrival: Arrival, erased_at: float | None) -> bool:
    """Whether a tombstone forbids the arrival: it happened before the erasure, or comes from an import."""
    return erased_at is not None and (arrival.event.at <= erased_at or arrival.event.kind == IMPORTED)


def visitors_of(arrival: Arrival) -> tuple[str, ...]:
    """The visitors whose tombstones may forbid the arrival: its visitor, and the device it came from."""
    return (arrival.visitor_id, arrival.via) if arrival.via else (arrival.visitor_id,)
