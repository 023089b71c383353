"""That an erasure by somebody else is noticed."""

from __future__ import annotations

from pathlib import Path

from proxy.stores import open_store
from proxy.visitors.erasures import Erasures


async def test_who_was_erased_by_another_process_is_forgotten_once(tmp_path: Path) -> None:
    store, other = open_store(f"sqlite:{tmp_path}/s.db"), open_store(f"sqlite:{tmp_path}/s.db")
    forgotten: list[str] = []
    erasures = Erasures(store, lambda: forgotten.append("all"))
    await other.erase(["anna"], 1.0)
    await erasures.look()
    await erasures.look()
    assert forgotten == [], "whoever starts remembers nobody yet"
    await other.erase(["ben"], 2.0)
    await erasures.look()
    await erasures.look()
    assert forgotten == ["all"]
    await store.aclose()
    await other.aclose()


async def test_a_store_that_is_away_says_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    forgotten: list[str] = []
    erasures = Erasures(store, lambda: forgotten.append("all"))
    await erasures.look()
    await store.aclose()
    await erasures.look()
    assert forgotten == []
