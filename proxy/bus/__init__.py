"""Messages between the processes that serve one shop: a purge, new rules, a changed profile. One file per kind of bus;
all of them pass `tests/contracts/test_bus.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxy.bus.joined import JoinedBus
from proxy.bus.local import LocalBus
from proxy.bus.machine import MachineBus
from proxy.ports import Bus

Connect = Callable[..., Any]


def bus_of_machine(folder: Path | None) -> Bus:
    """The bus between the workers that share `folder`; None if this process is the only one."""
    return LocalBus() if folder is None else MachineBus(folder)


def bus_of_shop(machine: Bus, connect: Connect | None) -> Bus:
    """The bus between all processes that share the store: those of this machine or, if the store is a server, all that
    use it. `connect` makes a client of that server, None if there is none. While the server cannot be reached, messages
    still reach this machine's workers."""
    if connect is None:
        return machine
    from proxy.bus.redis import RedisBus  # takes 60 ms to import, and a shop on one machine needs none of it

    return JoinedBus(machine, RedisBus(connect))
