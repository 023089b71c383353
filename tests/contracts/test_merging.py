"""Merge rules, on every store: they hold for joins and their undoing, in every process, and profiles made anew by them
are the same to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.audience.merging import Merge
from proxy.cli.store import copy_events
from proxy.model import Arrival, Event, Profile
from proxy.ports import Store
from proxy.stores import open_store
from proxy.stores.joining import join, part

NOON = 1_795_435_200.0
RULES = {"channel": Merge.OLDEST, "points": Merge.HIGHEST, "lists": Merge.ALL, "email": Merge.OWN}


def told(visitor_id: str, number: int, **traits: str | float | bool | list[str]) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"crm:{number}", "identified"), "crm", NOON + number, traits)


SAID = [
    told("laptop", 1, channel="search", points=9.0, lists="news", email="guest"),
    told("anna", 2, channel="shop", points=5.0, lists="sales", email="anna"),
    told("laptop", 3, channel="mail", points=1.0, lists="news", email="guest 2", town="Gent"),
]
TOGETHER = {
    "channel": "search",
    "points": 9.0,
    "lists": frozenset({"news", "sales"}),
    "email": "anna",
    "town": "Gent",
}
ANNA = {"channel": "shop", "points": 5.0, "lists": frozenset({"sales"}), "email": "anna"}


async def attributes(store: Store, visitor_id: str) -> object:
    profile = await store.get_profile(visitor_id)
    return dict(profile.attributes) if profile else None


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]], ids=["in order", "backwards"])
async def test_devices_are_merged_by_the_rules_and_split_again(store: Store, order: list[int]) -> None:
    await store.put_merge_rules(RULES)
    await store.apply([SAID[order[0]], SAID[order[1]]])
    await join(store, "laptop", "anna", NOON + 10)
    await store.apply([SAID[order[2]]])
    assert await attributes(store, "anna") == TOGETHER
    assert await store.rebuild() == 0
    await part(store, "laptop", NOON + 20)
    assert await attributes(store, "anna") == ANNA
    assert await store.rebuild() == 0


async def test_other_rules_hold_in_every_process_from_the_next_event_on(store: Store, url: str) -> None:
    beside = open_store(url)
    await beside.apply(SAID[:1])
    await store.put_merge_rules({"points": Merge.LOWEST})
    await beside.apply(SAID[2:])
    assert (await store.merge_rules(), await attributes(store, "laptop")) == (
        {"points": "lowest"},
        {"channel": "mail", "points": 1.0, "lists": "news", "email": "guest 2", "town": "Gent"},
    )
    await store.put_merge_rules({"points": Merge.HIGHEST})
    assert await store.rebuild() == 1
    assert (await beside.get_profile("laptop") or Profile("")).attributes["points"] == 9.0
    await beside.aclose()


async def test_a_copy_has_the_rules_too(store: Store, tmp_path: Path) -> None:
    other = open_store(f"sqlite:{tmp_path}/other.db")
    await store.put_merge_rules(RULES)
    await store.apply(SAID[:2])
    await other.apply(SAID[2:])
    await copy_events(store, other)
    assert await other.merge_rules() == RULES
    assert await other.rebuild() == 0
    assert (await other.get_profile("laptop") or Profile("")).attributes["points"] == 9.0
    await other.aclose()
