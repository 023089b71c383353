"""All that a store has logged, person by person."""

from __future__ import annotations

from proxy.model import Arrival, Event, Profile
from proxy.ports import Store
from proxy.stores.joining import join, part
from proxy.stores.logs import VISITORS_AT_ONCE, Logged, logs

NOW = 1_795_435_200.0


def event(visitor_id: str, id: str) -> Arrival:
    return Arrival(visitor_id, Event(NOW, f"site:{id}", "page viewed", "/"), "site", NOW)


async def everybody(store: Store) -> dict[str, Logged]:
    found = [person async for person in logs(store)]
    by_id = {person.visitor_id: person for person in found}
    assert len(by_id) == len(found)
    return by_id


def told(person: Logged) -> list[str]:
    return [arrival.event.id for arrival in person.arrivals if arrival.event.kind == "page viewed"]


async def test_everybody_is_told_once_however_many_they_are(store: Store) -> None:
    ids = [f"v{number}" for number in range(2 * VISITORS_AT_ONCE + 1)]
    await store.apply([event(id, "1") for id in ids])
    assert (await everybody(store)).keys() == set(ids)


async def test_devices_are_listed_with_their_person_and_alone_once_split_off(store: Store) -> None:
    await store.apply([event("phone", "1"), event("anna", "2")])
    await join(store, "phone", "anna", NOW)
    await store.apply([event("phone", "3")])
    people = await everybody(store)
    assert people.keys() == {"anna"} and told(people["anna"]) == ["site:1", "site:2", "site:3"]
    assert people["anna"].bucket_key == "phone", "chance goes on drawing her as when she was nobody"
    await part(store, "phone", NOW + 1)
    people = await everybody(store)
    assert {id: told(person) for id, person in people.items()} == {"anna": ["site:2"], "phone": ["site:1", "site:3"]}


async def test_chance_draws_by_what_an_import_says(store: Store) -> None:
    await store.put_profiles([Profile("ben", bucket_key="card-7"), Profile("cleo")])
    assert {id: person.bucket_key for id, person in (await everybody(store)).items()} == {
        "ben": "card-7", "cleo": "cleo",
    }  # fmt: skip
