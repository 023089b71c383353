"""Lists of visitors added to and removed from a segment of an outside system: ours, `{"segment": "VIP", "add":
["c-17"], "remove": []}`, and RudderStack's `audiencelist`. Each entry is an event of its own, so that a malformed one
does not affect the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec

from proxy.audience.outside import ENTERED, LEFT
from proxy.errors import UNDECODABLE
from proxy.events.intake import Receipt, Rejected, ReportedEvent, Sender, accepted, of_theirs, unix_time
from proxy.events.segment import Verdict, require_few

ID_NAMES = ("userId", "user_id", "visitor", "id", "externalId", "external_id", "anonymousId", "anonymous_id")
SEGMENT_NAMES = ("segment", "audience_key", "audienceName", "audience_name", "audienceId", "audience_id")


class Changes(msgspec.Struct):
    """Visitors added and removed: ids, or objects with an id."""

    add: list[Any] = []
    remove: list[Any] = []


class Properties(msgspec.Struct, rename="camel"):
    """The part of RudderStack's body that has the changes."""

    list_data: Changes | None = None


class Listed(msgspec.Struct, rename="camel"):
    """The body of a list; any field may be missing."""

    add: list[Any] | None = None
    remove: list[Any] | None = None
    properties: Properties | None = None
    message_id: str | None = None
    timestamp: str | float | None = None
    sent_at: str | float | None = None


_lists = msgspec.json.Decoder(Listed)
_named = msgspec.json.Decoder(dict[str, Any])


def list_in(body: bytes) -> Listed | None:
    """The body as a list; None when it is none."""
    try:
        listed = _lists.decode(body)
    except UNDECODABLE:
        return None
    is_list = listed.add is not None or listed.remove is not None
    return listed if is_list or (listed.properties and listed.properties.list_data) else None


def arrivals_in(body: bytes, listed: Listed, sender: Sender, moment: Receipt, *, most: int) -> Iterator[Verdict]:
    """The outcome for each visitor in the list, at most so many; added ones before removed ones. Raises `RequestError`
    for more than twice as many."""
    moment = replace(moment, sent_at=unix_time(listed.sent_at))
    said = _named.decode(body)
    segment = _text({**(said.get("properties") or {}), **said}, SEGMENT_NAMES)
    changes = listed.properties.list_data if listed.properties else None
    changes = changes or Changes(listed.add or [], listed.remove or [])
    require_few(len(changes.add) + len(changes.remove), most)
    who = chain(((ENTERED, one) for one in changes.add), ((LEFT, one) for one in changes.remove))
    for number, (kind, one) in enumerate(who):
        payload = msgspec.json.encode({"segment": segment, "add" if kind == ENTERED else "remove": [one]})
        visitor_id = _text(one, ID_NAMES) if isinstance(one, dict) else _id(one)
        if number >= most:
            too_many = Rejected("too-many", f"a list has at most {most} of them")
            yield payload, of_theirs(too_many, visitor_id, "", sender)
            continue
        message_id = f"{listed.message_id}-{number}" if listed.message_id else ""
        yield (
            payload,
            accepted(
                ReportedEvent(kind, message_id, listed.timestamp, visitor_id, subject=segment), sender, moment, number
            ),
        )


def _text(said: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := _id(said.get(name)))), "")


def _id(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
