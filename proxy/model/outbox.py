"""Webhooks: what they were last told of a visitor, and the messages still to be sent."""

from __future__ import annotations

from math import inf

import msgspec


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """The segments of a visitor as each webhook knows them, or will know them when the queued messages are sent.

    * `told`: by webhook, each segment and since when the visitor is in it (Unix seconds).
    * `due_at`: when the passing of time alone may change that; infinity for never.
    """

    visitor_id: str
    told: dict[str, dict[str, float]] = {}
    due_at: float = inf


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """A message for one webhook: a visitor `entered` a segment, or left it. `id` is the same however often it is sent;
    `reason` is why it was given up, "" while it waits."""

    id: str
    webhook: str
    visitor_id: str
    segment: str
    entered: bool
    at: float
    queued_at: float
    reason: str = ""


class Followed(msgspec.Struct, frozen=True, array_like=True):
    """How far the process that follows the log for webhooks has come.

    * `place`: in the store's log of events.
    * `swept`, `swept_at`: by which rules all visitors were last looked at, and when.
    * `begun`: up to which place changes were looked for that a crash kept out of the log.
    """

    place: str = ""
    swept: str = ""
    swept_at: float = 0.0
    begun: str = ""
