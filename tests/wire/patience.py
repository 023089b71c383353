"""How long tests wait for stores: a busy machine makes an answer late, and no other."""

from __future__ import annotations

from typing import Any

from proxy.settings import Settings

WAITS: dict[str, Any] = {
    "profile_budget_ms": 20_000.0,
    "profile_longest_ms": 20_000.0,
    "store_timeout_ms": 5_000,
    "store_write_timeout_ms": 20_000,
}
PATIENT = Settings(**WAITS)
"""What a store promises it keeps on a busy machine too, if later."""
