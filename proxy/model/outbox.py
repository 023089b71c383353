"""Webhooks: what they were last told of a visitor, and the messages still to be sent."""

from __future__ import annotations

from math import inf

import msgspec


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """The segments of a visitor as each webhook knows them, or will know them when the queued messages are sent.

    * `by_webhook`: for each webhook, each segment and since when the visitor is in it (Unix seconds).
    * `due_at`: when the segments may change by time alone; infinity for never.
    """

    visitor_id: str
    by_webhook: dict[str, dict[str, float]] = {}
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


class LogProgress(msgspec.Struct, frozen=True, array_like=True):
    """How far the process that follows the event log for webhooks has come.

    * `place`: the position in the store's log of events.
    * `swept_rules`, `swept_at`: a hash of the rules by which all visitors were last checked, and when that was.
    * `checked_to`: the position up to which unfinished changes were checked (`outbox/unfinished.py`).
    """

    place: str = ""
    swept_rules: str = ""
    swept_at: float = 0.0
    checked_to: str = ""
