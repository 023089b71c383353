"""Who gets in when places are short, and that each connection is looked at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from proxy.serve import admission
from proxy.serve.admission import Admission
from proxy.settings import Settings


@dataclass(eq=False)
class Guest:
    address: str = "192.0.2.1"
    since: float = 0.0
    is_idle: bool = True
    has_left: bool = False
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self, now: float) -> None:
        self.looked.set()

    def close_idle(self) -> None:
        self.has_left = True


async def test_one_address_gets_its_share_and_no_more() -> None:
    door = Admission(Settings(max_clients_per_address=2))
    first = Guest()
    assert [door.enter(guest) for guest in (first, Guest(), Guest())] == [True, True, False]
    assert door.enter(Guest("192.0.2.2"))
    door.leave(first)
    assert door.enter(Guest())


async def test_ipv6_addresses_of_one_customer_are_one_address() -> None:
    door = Admission(Settings(max_clients_per_address=1))
    assert door.enter(Guest("2001:db8:0:1::1"))
    assert not door.enter(Guest("2001:db8:0:1:ffff::2"))
    assert door.enter(Guest("2001:db8:0:2::1"))


async def test_private_networks_and_trusted_proxies_stand_for_many() -> None:
    door = Admission(Settings(max_clients_per_address=1, trusted_proxies=("203.0.113.0/24",)))
    for address in ("127.0.0.1", "::1", "172.17.0.1", "203.0.113.9"):
        assert all(door.enter(Guest(address)) for _ in range(3)), address


async def test_when_all_places_are_taken_the_longest_idle_give_way() -> None:
    door = Admission(Settings(max_clients=40))
    busy = [Guest(f"192.0.2.{n}", since=0.0, is_idle=False) for n in range(5)]
    idle = [Guest(f"198.51.100.{n}", since=float(n)) for n in range(35)]
    assert all(door.enter(guest) for guest in (*idle, *busy))
    assert door.enter(Guest())
    assert [guest.has_left for guest in idle] == [True] * 32 + [False] * 3
    assert not any(guest.has_left for guest in busy)


async def test_when_all_are_busy_nobody_else_gets_in() -> None:
    door = Admission(Settings(max_clients=1))
    assert door.enter(Guest(is_idle=False))
    assert not door.enter(Guest())
    assert len(door) == 1


async def test_leaving_without_having_entered_is_harmless() -> None:
    door = Admission(Settings(max_clients_per_address=1))
    door.enter(guest := Guest())
    door.leave(Guest())
    door.leave(guest)
    door.leave(guest)
    assert door.enter(Guest())
    assert not door.enter(Guest())


async def test_each_connection_is_looked_at_again_and_again(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(admission, "LOOK_SECONDS", 0.001)
    door = Admission(Settings())
    guests = [Guest(), Guest()]
    for guest in guests:
        door.enter(guest)
    for _ in range(2):
        await asyncio.wait_for(asyncio.gather(*(guest.looked.wait() for guest in guests)), 30)
        for guest in guests:
            guest.looked.clear()


async def test_many_are_looked_at_in_turns_and_not_who_left_meanwhile(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(admission, "LOOK_SECONDS", 0.001)
    door = Admission(Settings(max_clients_per_address=1_000))
    guests = [Guest() for _ in range(3 * admission.AT_ONCE)]
    for guest in guests:
        door.enter(guest)
    while not (looked := [guest for guest in guests if guest.looked.is_set()]):
        await asyncio.sleep(0)
    assert len(looked) == admission.AT_ONCE
    gone, *others = (guest for guest in guests if guest not in looked)
    door.leave(gone)
    await asyncio.wait_for(asyncio.gather(*(guest.looked.wait() for guest in others)), 30)
    looked[0].looked.clear()
    await asyncio.wait_for(looked[0].looked.wait(), 30)
    assert not gone.looked.is_set()
