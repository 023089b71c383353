"""Joining a device to a person, parting them again, and all that is known of one person: what `audience/identity.py`
decides, done on a store.

A join copies first and says so last: the device's log goes into the person's, then the device learns whose it is, from
when on the store itself gives the person what the device does; then what came in between is copied too. Each step may
be done twice, so a join that was broken off is finished by the next.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from proxy.audience.identity import (
    LINKING,
    first_seen,
    join_events,
    moved_to_person,
    returned_to_device,
    unmerge_events,
    why_not_joined,
)
from proxy.model import Arrival, Profile
from proxy.ports import Store

BATCH = 500


@dataclass(frozen=True, slots=True)
class Joining:
    """Why it was refused ("" if it was done), and the visitors whose profiles changed."""

    refusal: str
    changed: frozenset[str] = frozenset()


async def join(store: Store, device_id: str, person_id: str, now: float) -> Joining:
    """Makes the device one of the person's, if they may be joined. May raise `StoreError`; then do it again."""
    device, person = await _profile(store, device_id), await _profile(store, person_id)
    if person.alias and person.alias != device_id:
        person = await _profile(store, person.alias)
    if refusal := why_not_joined(device, person, now):
        return Joining(refusal)
    person_id = person.visitor_id
    log = await store.log_of(device_id)
    for_person, for_device = join_events(device, person_id, first_seen(log, now), now)
    changed = await _applied(store, [*moved_to_person(log, person_id), for_person])
    claimed = await store.apply([for_device])
    if _has_another(claimed.linked.get(device_id), person_id):  # who logged in on it this very moment, and was quicker
        return Joining("another person", await _taken_back(store, device_id, person_id, now))
    late = {arrival.event.id for arrival in log}
    between = [arrival for arrival in await store.log_of(device_id) if arrival.event.id not in late]
    changed |= await _applied(store, moved_to_person(between, person_id))
    if not await _are_joined(store, device_id, person_id):  # one of them was erased this very moment
        await _undone(store, device_id, person_id)
        return Joining("erased", changed | {device_id})
    return Joining("", changed | {device_id})


async def part(store: Store, device_id: str, now: float) -> Joining:
    """Undoes the join of a device: it gets back what it did, before and since, and the person is who they were without
    it; or finishes that where it was broken off. `nobody's` when it is not joined."""
    device = await _profile(store, device_id)
    for person_id in [device.alias] if device.alias else await _half_parted(store, device):
        return Joining("", await _taken_back(store, device_id, person_id, now))
    return Joining("nobody's")


async def _half_parted(store: Store, device: Profile) -> list[str]:
    """The persons from whom a device was parted and who have some of what it did."""
    persons = [id for id, link in device.links.items() if link.is_parted and not link.is_device]
    return [id for id in persons if returned_to_device(await store.log_of(id), device.visitor_id)]


async def whole(store: Store, visitor_id: str) -> tuple[str, ...]:
    """Every id of the person that a visitor is: the person's own first, then the devices'; parted ones left out."""
    profile = await store.get_profile(visitor_id)
    if profile is not None and profile.alias:
        profile = await store.get_profile(profile.alias)
    if profile is None:
        return (visitor_id,)
    return tuple(dict.fromkeys([profile.visitor_id, *sorted(profile.devices), visitor_id]))


async def parted(store: Store, visitor_ids: Collection[str]) -> frozenset[str]:
    """The ids that were joined with any of these, and were parted from them."""
    profiles = [await store.get_profile(visitor_id) for visitor_id in visitor_ids]
    links = [link for profile in profiles if profile is not None for link in profile.links.items()]
    return frozenset(id for id, link in links if link.is_parted).difference(visitor_ids)


async def unlink(store: Store, visitor_id: str, others: Collection[str]) -> None:
    """Removes every join and parting from a visitor's log."""
    await store.withdraw({visitor_id: [f"{kind}:{other}" for kind in LINKING for other in others]})


async def ledger(store: Store, visitor_id: str) -> Sequence[Arrival]:
    """The joins and partings of a visitor, in order."""
    return [arrival for arrival in await store.log_of(visitor_id) if arrival.event.kind in LINKING]


async def _are_joined(store: Store, device_id: str, person_id: str) -> bool:
    """Whether each still knows of the other. (The device may just now be claimed by somebody else, who will let go.)"""
    device, person = await _profile(store, device_id), await _profile(store, person_id)
    link = device.links.get(person_id)
    return link is not None and not link.is_parted and device_id in person.devices


async def _undone(store: Store, device_id: str, person_id: str) -> None:
    """Removes all that joining has told either of the other."""
    own = returned_to_device(await store.log_of(person_id), device_id)
    await store.withdraw({person_id: [arrival.event.id for arrival in own]})
    await unlink(store, person_id, [device_id])
    await unlink(store, device_id, [person_id])


def _has_another(device: Profile | None, person_id: str) -> bool:
    """Whether a device, as it was right after it was claimed, was somebody else's before."""
    links = device.links.items() if device is not None else ()
    return any(id != person_id and not link.is_device and not link.is_parted for id, link in links)


async def _taken_back(store: Store, device_id: str, person_id: str, now: float) -> frozenset[str]:
    """Tells both that they are two, and moves the events that came by the device: last, when none is under way to the
    person any more. Returns whose profiles changed."""
    for_person, for_device = unmerge_events(device_id, person_id, now)
    await _applied(store, [for_device])
    await _applied(store, [for_person])
    own = returned_to_device(await store.log_of(person_id), device_id)
    await _applied(store, own)
    await store.withdraw({person_id: [arrival.event.id for arrival in own]})
    return frozenset((device_id, person_id))


async def _profile(store: Store, visitor_id: str) -> Profile:
    return await store.get_profile(visitor_id) or Profile(visitor_id)


async def _applied(store: Store, arrivals: Sequence[Arrival]) -> frozenset[str]:
    changed: set[str] = set()
    for start in range(0, len(arrivals), BATCH):
        changed.update((await store.apply(arrivals[start : start + BATCH])).visitors)
    return frozenset(changed)
