"""Segment's payloads, as its SDKs and compatible ones send them.

A body is one call, or a `batch` of calls that share `context` and `sentAt`. Each call is parsed by itself, so that a
malformed one does not affect the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from proxy.audience.outside import ENTERED, LEFT, MEMBERSHIP
from proxy.errors import UNDECODABLE, RequestError
from proxy.events.intake import Receipt, Rejected, ReportedEvent, Sender, accepted, of_theirs, unix_time
from proxy.events.properties import ORDER_NAMES, Properties, details_of, first, items_of, text, value_of
from proxy.events.types import BY_SEGMENT
from proxy.model import Arrival

MAX_EVENT_BYTES = 32 * 1024
SUBJECTS = {
    "list viewed": ("list_id", "category"),
    "searched": ("query", "search_term"),
    "banner shown": ("promotion_id", "name"),
    "banner seen": ("promotion_id", "name"),
    "banner clicked": ("promotion_id", "name"),
    "list filtered": ("filter", "list_id", "category"),
    "segment entered": ("audience_key",),
    "segment left": ("audience_key",),
}

Verdict = tuple[bytes | msgspec.Raw, Arrival | Rejected]
"""A call as it was sent, and what became of it."""


class Call(msgspec.Struct, rename="camel"):
    """One call. Any field may be missing or null."""

    type: str | None = None
    event: str | None = None
    name: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    message_id: str | None = None
    timestamp: str | float | None = None
    original_timestamp: str | float | None = None
    sent_at: str | float | None = None
    properties: dict[str, object] | None = None
    traits: dict[str, object] | None = None
    context: dict[str, object] | None = None


class Batch(msgspec.Struct, rename="camel"):
    """A request's body, of which only the fields of a batch are read."""

    batch: list[msgspec.Raw] | None = None
    write_key: str | None = None
    sent_at: str | float | None = None


_calls = msgspec.json.Decoder(Call)
_batches = msgspec.json.Decoder(Batch)


def batch_of(body: bytes) -> Batch | Rejected:
    """The body as a batch; of a single call, one without `batch`."""
    try:
        return _batches.decode(body)
    except UNDECODABLE as error:
        return Rejected("not-json", f"the body cannot be read: {error}")


def arrivals_in(
    body: bytes, batch: Batch, named: str, sender: Sender, moment: Receipt, *, most: int
) -> Iterator[Verdict]:
    """The outcome of each call, at most so many. `named` is the call in the address, "batch" if each call has its
    type. Raises `RequestError` for more than twice as many."""
    calls = [msgspec.Raw(body)] if batch.batch is None else batch.batch
    require_few(len(calls), most)
    moment = replace(moment, sent_at=unix_time(batch.sent_at))
    for number, raw in enumerate(calls):
        if number >= most:
            yield raw, _unread(raw, sender, Rejected("too-many", f"a batch has at most {most} events"))
        elif len(raw) > MAX_EVENT_BYTES:
            too_large = Rejected("too-large", f"an event has at most {MAX_EVENT_BYTES} bytes")
            yield raw, _unread(raw, sender, too_large)
        else:
            yield raw, _judged(raw, named, sender, moment, number)


def require_few(count: int, most: int) -> None:
    """Raises `RequestError` for more events than twice as many as a request may have: to tell of each whose it is would
    take seconds."""
    if count > 2 * most:
        raise RequestError(f"{count:,} events came in one request, and {most:,} are taken", status=413)


def _judged(raw: msgspec.Raw, named: str, sender: Sender, moment: Receipt, number: int) -> Arrival | Rejected:
    try:
        call = _calls.decode(raw)
    except UNDECODABLE as error:
        return Rejected("not-json", f"the event cannot be read: {error}")
    said = reported_event(call, (call.type or "") if named == "batch" else named)
    return _theirs(said, call, sender) if isinstance(said, Rejected) else accepted(said, sender, moment, number)


def _unread(raw: msgspec.Raw, sender: Sender, refusal: Rejected) -> Rejected:
    """The refusal of a call that is not looked at, but for whose it is."""
    try:
        return _theirs(refusal, _calls.decode(raw), sender)
    except UNDECODABLE:
        return refusal


def _theirs(refusal: Rejected, call: Call, sender: Sender) -> Rejected:
    return of_theirs(refusal, _id(call.user_id), _id(call.anonymous_id), sender)


def reported_event(call: Call, type: str) -> ReportedEvent | Rejected:
    """The events of a call, by its type."""
    properties: Properties = call.properties or {}
    traits: Properties = {}
    match type:
        case "track":
            row = BY_SEGMENT.get((call.event or "").casefold())
            kind = row.kind if row else "custom event"
            subject = first(properties, SUBJECTS.get(kind, ())) if row else call.event or ""
            subject = subject or (_audience(call) if kind in MEMBERSHIP else "")
        case "page":
            kind, subject = (
                "page viewed",
                text(properties, "path") or text(_in_context(call, "page"), "path") or call.name or "",
            )
        case "screen":
            kind, subject = "screen viewed", call.name or text(properties, "name")
        case "identify":
            traits = call.traits or _in_context(call, "traits")
            kind, subject = _identified(_audience(call), traits)
        case "group":
            kind, subject = "grouped", _id(call.group_id)
        case "alias":
            kind, subject = "aliased", _id(call.previous_id)
        case _:
            return Rejected("type", f"`{type}` is none of track, page, screen, identify, group, alias")
    items = items_of(properties)
    return ReportedEvent(
        kind,
        call.message_id or "",
        call.original_timestamp or call.timestamp,
        _id(call.user_id),
        _id(call.anonymous_id),
        subject,
        items,
        value_of(properties, items),
        first(properties, ORDER_NAMES) if kind.startswith("order ") else "",
        text(call.context, "userHash") if call.context else "",
        traits,
        details_of(properties),
    )


def _identified(audience: str, traits: Properties) -> tuple[str, str]:
    """The kind of an `identify`: some platforms send audience membership as a boolean trait with the audience's
    name."""
    is_in = traits.get(audience)
    return (ENTERED if is_in else LEFT, audience) if audience and isinstance(is_in, bool) else ("identified", "")


def _audience(call: Call) -> str:
    """The audience that a platform reports; "" for any other call."""
    personas = _in_context(call, "personas")
    return text(personas, "computation_key") if personas.get("computation_class") == "audience" else ""


def _in_context(call: Call, name: str) -> Properties:
    """The traits in the context, where RudderStack's SDKs put them."""
    said = (call.context or {}).get(name)
    return said if isinstance(said, dict) else {}


def _id(value: str | int | None) -> str:
    return "" if value is None else str(value)
