"""What goes out to other systems: what they were told of a visitor, and what they are still to be told."""

from __future__ import annotations

from math import inf

import msgspec


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """What each webhook was last told of a visitor, or will be: by its name, the segments they are in, and since when.
    At `due_at` time alone may change that, infinity for never."""

    visitor_id: str
    told: dict[str, dict[str, float]] = {}
    due_at: float = inf


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """That a visitor entered a segment, or left it, for one webhook to hear. `id` is the same however often it is sent;
    `reason` is why it was given up, "" for what still waits."""

    id: str
    webhook: str
    visitor_id: str
    segment: str
    entered: bool
    at: float
    queued_at: float
    reason: str = ""


class Followed(msgspec.Struct, frozen=True, array_like=True):
    """How far the store's log was followed, by which rules everybody was last looked at, and when; and up to where
    those were looked for whom a crash kept out of the log."""

    place: str = ""
    swept: str = ""
    swept_at: float = 0.0
    begun: str = ""
