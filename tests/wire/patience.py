"""How long tests wait for stores and origins: a busy machine makes an answer late, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.settings import Settings

WAITS: dict[str, Any] = {
    "profile_budget_ms": 20_000.0,
    "profile_longest_ms": 20_000.0,
    "store_timeout_ms": 5_000,
    "store_write_timeout_ms": 20_000,
    "connect_timeout_ms": 20_000,
}
PATIENT = Settings(**WAITS)
"""What a store promises it keeps on a busy machine too, if later."""

TIMELESS: Mapping[str, Any] = {
    **dict.fromkeys(("head_seconds", "keep_alive_seconds", "upload_seconds", "download_seconds"), 1e6),
    **dict.fromkeys(
        ("connect_timeout_ms", "first_byte_timeout_ms", "between_bytes_timeout_ms", "change_timeout_ms"), 10**6
    ),
    **dict.fromkeys(("page_timeout_ms", "parts_timeout_ms", "collapse_wait_ms", "max_wait_ms"), 10**6),
    **WAITS,
}
"""Nothing ends by the clock of the machine, which may stand still for a while."""
