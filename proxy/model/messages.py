"""Messages between a client, the cache and the origin."""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]
"""Header fields in wire order: lower-case name, value. Repeated fields stay repeated."""


@dataclass(frozen=True, slots=True)
class CacheVerdict:
    """May it be stored, may it be reused: yes or no, and the one word logs, metrics and headers print."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed
