"""Joins devices to persons as logins arrive, for one worker: each pair once, and known to all workers before the login
is answered.
"""

from __future__ import annotations

from collections.abc import Collection

from proxy.memo import make_room
from proxy.metrics import Metrics
from proxy.ports import Store
from proxy.stores.joining import join
from proxy.visitors.journal import Change, Tell
from proxy.visitors.profiles import ProfileReader

MOST_REMEMBERED = 10_000

Pair = tuple[str, str]
"""A device and a person."""


class Joiner:
    """Joins for one worker. `tell` sends a change to the other workers."""

    def __init__(self, store: Store, profiles: ProfileReader, metrics: Metrics, tell: Tell) -> None:
        self._store = store
        self._profiles = profiles
        self._metrics = metrics
        self._tell = tell
        self._settled: dict[Pair, None] = {}

    async def join(self, pairs: Collection[Pair], now: float) -> None:
        """Joins the pairs that may be joined and are not joined yet. May raise `StoreError`."""
        for device, person in pairs:
            if device and (device, person) not in self._settled:
                await self._join(device, person, now)

    def forget(self) -> None:
        """Forgets the pairs that are done: an erased visitor may be joined again."""
        self._settled.clear()

    async def _join(self, device: str, person: str, now: float) -> None:
        done = await join(self._store, device, person, now)
        self._metrics.count("tailorbird_joins_total", "outcome", done.refusal or "done")
        if done.changed:
            await self._profiles.renew(done.changed, now)
            await self._tell(Change(visitor_ids=done.changed), True)
        make_room(self._settled, MOST_REMEMBERED)
        self._settled[device, person] = None
