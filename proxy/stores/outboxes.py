"""Standings and deliveries as bytes in a store, and what both kinds of outbox decide alike."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import msgspec

from proxy.errors import StoreError
from proxy.model import Delivery, LogProgress, Standing
from proxy.ports import Failure, Waiting

MOST_GIVEN_UP = 10_000

packed = msgspec.msgpack.Encoder(order="sorted").encode
standing_in = msgspec.msgpack.Decoder(Standing).decode
delivery_in = msgspec.msgpack.Decoder(Delivery).decode
_failure = msgspec.msgpack.Decoder(Failure)
_progress = msgspec.msgpack.Decoder(LogProgress)


def progress_in(value: bytes | None) -> LogProgress:
    """How far the log was followed; from its beginning where nothing is stored."""
    return _progress.decode(value) if value else LogProgress()


def failure_in(value: bytes | None) -> Failure | None:
    """The failure that was noted, if any."""
    return _failure.decode(value) if value else None


def waiting_for(many: int, since: float, given_up: int, failure: Failure | None) -> Waiting:
    """The counts of a webhook. Of a failure before the oldest message waited nothing is told: it is over."""
    is_now = bool(many) and failure is not None and failure.at >= since
    return Waiting(many, since, given_up, failure if is_now else None)


def says_something(standing: Standing) -> bool:
    """Whether a standing has to be stored."""
    return any(standing.by_webhook.values()) or standing.due_at < inf


def waiting_again(delivery: Delivery, now: float) -> Delivery:
    """A message that was given up, queued once more."""
    return msgspec.structs.replace(delivery, reason="", queued_at=now)


def is_of_erased(visitor_id: str, erased_at: Mapping[str, float], now: float) -> bool:
    """Whether something found out about a visitor at `now` is from before they were erased."""
    return now <= erased_at.get(visitor_id, -inf)


def not_leading() -> StoreError:
    """The error for a process that has lost the lead."""
    return StoreError("another process has the lead now")
