"""The whole product in front of a test origin: real listener, real store, a rule folder on disk.

async with Origin(always(ok(PAGE))) as origin, Behind(origin.url, {"a.rules.yaml": RULES}, tmp_path) as shop:
    answer = await shop.client.get("/", headers=shop.cookies_of("v1", ["VIP"]))
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

from proxy.model import Profile
from proxy.ports import ProfileStore
from proxy.settings import Settings
from proxy.stores import open_store
from proxy.wiring import Tailorbird

SECRET = "a-secret-for-tests-long-enough"
BUYERS_AND_VIPS = {
    "a.rules.yaml": """version: 1
segments:
  VIP:
    description: named by the shop's own cookie
rules:
  - name: Buyers
    slot: home.hero
    priority: high
    when: {orders: at least 2}
    show: {banner: {title: Good to see you again}}
  - name: VIPs
    slot: home.hero
    when: {segment: VIP}
    show: {banner: {title: For our VIPs}}
""",
    "slots.yaml": "slots:\n  home.hero: {}\n",
    "attributes.yaml": "attributes:\n  orders: number\n",
}
"""Rules that ask for one thing only the profile says, and one the signed cookie says."""


class Behind:
    """`url` and `client` reach Tailorbird; `tailorbird` is the joined product, `listener` where it listens; `rules` the
    folder it follows."""

    def __init__(
        self,
        origin: str,
        rules: Mapping[str, str],
        folder: Path,
        *,
        profiles: Iterable[Profile] = (),
        wrap: Callable[[ProfileStore], ProfileStore] = lambda store: store,
        shared: Path | None = None,
        clock: Callable[[], float] = time.time,
        **settings: Any,
    ) -> None:
        self.rules = folder / "rules"
        self._profiles = profiles
        self._wrap = wrap
        self._shared = shared
        self._clock = clock
        store = f"sqlite:{folder / 'profiles.db'}"
        self._settings = Settings(
            **{"origin": (origin,), "rules": str(self.rules), "store": store, "secret": SECRET, **settings}
        )
        for name, text in rules.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Puts a file into the rule folder."""
        path = self.rules / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def cookies_of(self, visitor_id: str, segments: Iterable[str] = ()) -> dict[str, str]:
        """The request field of a known visitor."""
        now, cookies = self.tailorbird.now(), self.tailorbird.cookies
        pairs = [cookies.visitor_pair(visitor_id, now), cookies.segments_pair(visitor_id, segments, now)]
        return {"cookie": b"; ".join(pairs).decode()}

    async def __aenter__(self) -> Behind:
        store = open_store(self._settings.store, self._settings)
        await store.put_profiles(self._profiles)
        self._stack = contextlib.AsyncExitStack()
        store = self._wrap(store)
        self.tailorbird = Tailorbird(self._settings, is_demo=True, store=store, shared=self._shared, clock=self._clock)
        await self._stack.enter_async_context(self.tailorbird)
        self.listener = listener = self.tailorbird.listener("127.0.0.1", 0)
        self.url = listener.url
        serving = asyncio.create_task(listener.listen())

        async def stop() -> None:
            listener.stop(gently=False)
            await serving

        self._stack.push_async_callback(stop)
        limits = httpx.Limits(max_connections=1_000)
        client = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=20, limits=limits, verify=False)
        self.client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *failure: Any) -> None:
        await self._stack.aclose()
