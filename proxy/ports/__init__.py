"""The interfaces between calculation and IO. Implementations: `stores/`, `bus/`, `upstream/origin.py`; one contract
suite per port under `tests/contracts/`."""

from proxy.ports.bus import MISSED, Bus, OnMessage, Replies
from proxy.ports.lists import Outbox, Sightings, ViewLog, Waiting
from proxy.ports.stores import (
    ALL,
    LONGEST_CHANGE_SECONDS,
    Applied,
    Begun,
    Changed,
    EventStore,
    KnownVisitors,
    Part,
    ProfileStore,
    Refused,
    Store,
    Tombstones,
)
from proxy.ports.upstream import OnHints, Transport, UpstreamRequest, UpstreamResponse

__all__ = [
    "ALL",
    "LONGEST_CHANGE_SECONDS",
    "MISSED",
    "Applied",
    "Begun",
    "Bus",
    "Changed",
    "EventStore",
    "KnownVisitors",
    "OnHints",
    "OnMessage",
    "Outbox",
    "Part",
    "ProfileStore",
    "Refused",
    "Replies",
    "Sightings",
    "Store",
    "Tombstones",
    "Transport",
    "UpstreamRequest",
    "UpstreamResponse",
    "ViewLog",
    "Waiting",
]
