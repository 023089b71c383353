"""Visitors drawn at random, and what they tell of segments."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.model import Link, Profile
from proxy.ports import Store
from proxy.rulebook.compile import Loaded, Publication, load
from proxy.rulebook.names import Names
from proxy.serve.survey import KEPT_SECONDS, Survey, looked_at
from proxy.stores import open_store

NOON = 1_795_435_200.0
RULES = b"""
segments:
  Buyers: {when: {orders: at least 1}, description: who bought}
  Good buyers: {when: {segment: Buyers, orders: at least 4}}
rules: []
"""


def rules() -> tuple[Publication, Names]:
    loaded: Loaded = load({"a.rules.yaml": RULES, "attributes.yaml": b"attributes: {tier: text}"})
    assert loaded.publication is not None
    assert loaded.names is not None
    return loaded.publication, loaded.names


def people(many: int) -> list[Profile]:
    return [Profile(f"v{n}", {"orders": float(n % 5), "tier": "gold" if n % 5 == 4 else "tin"}) for n in range(many)]


@pytest.fixture
async def store(tmp_path: Path) -> Store:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.put_profiles(people(1_000))
    return store


async def test_every_segment_is_told_with_its_size_and_what_sets_it_apart(store: Store) -> None:
    groups = await Survey(store, lambda: NOON).groups(rules()[0])
    assert (groups.visitors, groups.sampled) == (1_000, 1_000)
    buyers, good = groups.segments
    assert (buyers.size.name, buyers.size.members, buyers.size.share, buyers.description) == (
        "Buyers",
        800,
        0.8,
        "who bought",
    )
    assert good.size.members == 200
    assert good.drivers[0].feature == "tier: gold"
    assert [(one.one, one.other, one.part) for one in groups.overlaps] == [("Buyers", "Good buyers", 0.25)]
    await store.aclose()


async def test_a_condition_is_counted_while_it_is_typed(store: Store) -> None:
    publication, names = rules()
    now = NOON
    survey = Survey(store, lambda: now)
    for text, members in (
        ("", 1_000),
        ("tier: gold", 200),
        ("segment: Good buyers", 200),
        ("segment: Buyers\ntier: not gold", 600),
        ("viewed: {times: at least 1}", 0),
    ):
        typed = await survey.typed(publication, names, text)
        assert typed.size is not None
        assert (text, typed.size.members, typed.problems) == (text, members, ())
    of_a_request = await survey.typed(publication, names, "tier: gold\ncountry: NO\nunless: {device: phone}")
    assert of_a_request.size is not None and of_a_request.size.members == 0
    assert [(one.place.line, one.what) for one in of_a_request.problems] == [
        (2, 'only a request tells "country", so nobody is counted here'),
        (3, 'only a request tells "device", so nobody is counted here'),
    ]
    wrong = await survey.typed(publication, names, "teir: gold")
    assert wrong.size is None
    assert wrong.problems[0].help == 'did you mean "tier"?'
    await store.put_profiles([Profile("new", {"tier": "gold"})])
    now += KEPT_SECONDS
    assert (await survey.typed(publication, names, "tier: gold")).visitors == 1_001
    await store.aclose()


def test_devices_of_a_person_are_no_visitors_of_their_own() -> None:
    phone = Profile("phone", {"orders": 9.0}, links={"v1": Link(1.0)})
    looked = looked_at(rules()[0], [*people(5), phone], 6, NOON)
    assert len(looked.ids) == 5
