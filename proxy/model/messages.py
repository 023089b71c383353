"""Header fields, and the cache's answer to "may this be stored or reused?"."""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]
"""Header fields in wire order: lower-case name, value. Repeated fields stay repeated."""


@dataclass(frozen=True, slots=True)
class CacheVerdict:
    """Whether a response may be stored, or reused; `reason` is the word that logs, metrics and headers print."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed
