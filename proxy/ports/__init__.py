"""The interfaces (ports) between calculation and IO. They are implemented in `stores/`, `bus/` and
`upstream/origin.py`; `tests/contracts/` has one suite per port that all its implementations pass."""

from proxy.ports.bus import ID_BYTES, MISSED, PROFILES, Bus, OnMessage, Replies
from proxy.ports.lists import Failure, Outbox, Sightings, ViewLog, Waiting
from proxy.ports.stores import (
    ALL,
    LONGEST_CHANGE_SECONDS,
    Applied,
    Changed,
    EventStore,
    KnownVisitors,
    Partition,
    ProfileStore,
    Refused,
    StartedChanges,
    Store,
    Tombstones,
)
from proxy.ports.upstream import OnHints, Transport, UpstreamRequest, UpstreamResponse
