"""What is left of who was erased: a keyed hash that nobody can turn back into an id, and when that was. It keeps a
replay or an import from bringing them back; what a visitor of that id does afterwards is new."""

from __future__ import annotations

import hashlib
import secrets

from proxy.audience.identity import IMPORTED
from proxy.model import Arrival

KEY_BYTES = 32


def new_key() -> bytes:
    """A key for the hashes of one store."""
    return secrets.token_bytes(KEY_BYTES)


def tombstone(key: bytes, visitor_id: str) -> bytes:
    """The hash of an id."""
    return hashlib.blake2b(visitor_id.encode(), key=key, digest_size=16).digest()


def is_erased(arrival: Arrival, erased_at: float | None) -> bool:
    """Whether the arrival is of what was erased: it happened before, or an import tells it."""
    return erased_at is not None and (arrival.event.at <= erased_at or arrival.event.kind == IMPORTED)
