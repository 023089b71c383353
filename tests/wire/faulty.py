"""A profile store that is slow now and then."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from proxy.model import Profile
from proxy.ports import ProfileStore


class Slow:
    """`share` of the reads take `seconds` longer, by dice thrown from `seed`. All else is the store's own."""

    def __init__(self, *, seed: int, share: float, seconds: float) -> None:
        self._dice = random.Random(seed)
        self._share = share
        self._seconds = seconds

    def around(self, store: ProfileStore) -> ProfileStore:
        """The store, made slow."""
        self._store = store
        return self  # type: ignore[return-value]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get_profile(self, visitor_id: str) -> Profile | None:
        if self._dice.random() < self._share:
            await asyncio.sleep(self._seconds)
        return await self._store.get_profile(visitor_id)
