"""GA4's payloads, as they are: what a page pushes onto `dataLayer`, the Measurement Protocol, and the query string of a
browser's beacon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import msgspec

from proxy.errors import UNDECODABLE
from proxy.events.intake import Receipt, Rejected, ReportedEvent, Sender, accepted, of_theirs
from proxy.events.properties import ORDER_NAMES, Properties, details_of, first, items_of, text, value_of
from proxy.events.segment import MAX_EVENT_BYTES, Verdict
from proxy.events.types import BY_GA4
from proxy.model import Arrival

SUBJECTS = {
    "list viewed": ("item_list_id", "item_list_name"),
    "searched": ("search_term",),
    "banner shown": ("promotion_id", "promotion_name"),
    "banner clicked": ("promotion_id", "promotion_name"),
    "screen viewed": ("screen_name",),
}
ITEM_PARTS = {
    "id": "item_id",
    "nm": "item_name",
    "br": "item_brand",
    "ca": "item_category",
    "pr": "price",
    "qt": "quantity",
}
"""Of a beacon's `pr1=idSKU~nmName~pr12.5`: the two letters each part begins with."""
MOST_PARAMETERS, MOST_OF_ALL = 200, 5_000
"""Of a beacon, and of all of a request together. Those of its address count for each line that they are shared by: so
5 kB could name 500,000."""
EARLY = {"gtm.js", "gtm.dom", "gtm.load", ""}


class Named(msgspec.Struct):
    """An event of the Measurement Protocol, or one pushed onto `dataLayer`."""

    name: str = ""
    event: str = ""
    params: dict[str, object] = {}
    ecommerce: dict[str, object] | None = None


class Body(msgspec.Struct):
    """A body of the Measurement Protocol."""

    events: list[msgspec.Raw] | None = None
    client_id: str | None = None
    user_id: str | None = None
    timestamp_micros: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None


_named = msgspec.json.Decoder(Named)


def arrivals_in(body: bytes, query: bytes, sender: Sender, moment: Receipt, *, most: int) -> Iterator[Verdict]:
    """What becomes of each event of a request, of at most so many."""
    shared = _parameters(query)
    if not body.lstrip().startswith((b"{", b"[")):
        lines, left = [line for line in body.splitlines() if line.strip()] or [b""], MOST_OF_ALL
        for number, line in enumerate(lines[:most]):
            asked = shared | _parameters(line)
            left -= len(asked)
            if left < 0:
                too_many = Rejected(
                    "too-many", f"the events of a request have at most {MOST_OF_ALL} parameters together"
                )
                yield (
                    b"\n".join(lines[number:most]),
                    of_theirs(too_many, asked.get("uid", ""), asked.get("cid", ""), sender),
                )
                return
            yield line or query, _beacon(asked, sender, moment, number)
        return
    try:
        is_list = body.lstrip().startswith(b"[")
        whole = (
            Body(msgspec.json.decode(body, type=list[msgspec.Raw])) if is_list else msgspec.json.decode(body, type=Body)
        )
    except UNDECODABLE as error:
        yield body, Rejected("not-json", f"the body cannot be read: {error}")
        return
    for number, raw in enumerate([msgspec.Raw(body)] if whole.events is None else whole.events[:most]):
        yield bytes(raw), _pushed(bytes(raw), whole, shared, sender, moment, number)


def _pushed(
    payload: bytes, whole: Body, shared: Mapping[str, str], sender: Sender, moment: Receipt, number: int
) -> Arrival | Rejected:
    user, client = whole.user_id or "", whole.client_id or shared.get("cid", "")
    said = _read(payload, whole, user, client)
    if isinstance(said, Rejected):
        return of_theirs(said, user, client, sender)
    return accepted(said, sender, moment, number)


def _read(payload: bytes, whole: Body, user: str, client: str) -> ReportedEvent | Rejected:
    if len(payload) > MAX_EVENT_BYTES:
        return Rejected("too-large", f"an event has at most {MAX_EVENT_BYTES} bytes")
    try:
        event = _named.decode(payload)
    except UNDECODABLE as error:
        return Rejected("not-json", f"the event cannot be read: {error}")
    at = whole.timestamp_micros / 1e6 if whole.timestamp_micros else None
    return _reported_event(event.name or event.event, {**event.params, **(event.ecommerce or {})}, user, client, at)


def _parameters(line: bytes) -> dict[str, str]:
    """Of a beacon; what follows the 200th is left out."""
    first = b"&".join(line.split(b"&", MOST_PARAMETERS)[:MOST_PARAMETERS])
    return dict(parse_qsl(first.decode("utf-8", "replace")))


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:  # as `http://[`
        return ""


def _beacon(asked: Mapping[str, str], sender: Sender, moment: Receipt, number: int) -> Arrival | Rejected:
    properties: dict[str, object] = {
        name.partition(".")[2]: value for name, value in asked.items() if name.startswith(("ep.", "epn."))
    }
    properties["page_location"] = asked.get("dl", "")
    items = [_listed(value) for name, value in sorted(asked.items()) if name.startswith("pr") and name[2:].isdigit()]
    if items:
        properties["items"] = items
    user, client = asked.get("uid", ""), asked.get("cid", "")
    said = _reported_event(asked.get("en", ""), properties, user, client, None)
    if isinstance(said, Rejected):
        return of_theirs(said, user, client, sender)
    return accepted(said, sender, moment, number)


def _listed(parts: str) -> dict[str, object]:
    return {ITEM_PARTS[part[:2]]: part[2:] for part in parts.split("~") if part[:2] in ITEM_PARTS}


def _reported_event(
    name: str, properties: Properties, user_id: str, client_id: str, at: float | None
) -> ReportedEvent | Rejected:
    if name in EARLY:
        return Rejected("type", "it names no event")
    row = BY_GA4.get(name)
    kind = row.kind if row else "custom event"
    subject = first(properties, SUBJECTS.get(kind, ())) if row else name
    if kind == "page viewed":
        subject = _path_of(text(properties, "page_location")) or text(properties, "page_path")
    items = items_of(properties)
    return ReportedEvent(
        kind,
        first(properties, ("event_id",)),
        at,
        user_id,
        client_id,
        subject,
        items,
        value_of(properties, items),
        first(properties, ORDER_NAMES) if kind.startswith("order ") else "",
        details=details_of(properties),
    )
