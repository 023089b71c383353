"""Checks reported events: each becomes an arrival, or is rejected with a reason. Pure.

`segment.py`, `ga4.py` and `lists.py` parse requests into `ReportedEvent`; this module decides whose event it is, when
it happened, and whether the sender may report it. A browser may report events of its own cookie's visitor only; orders
and personal data count only from trusted senders; an event has the same id however often it is sent."""

from __future__ import annotations

import enum
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from proxy.audience.identity import NOBODY
from proxy.audience.outside import MEMBERSHIP
from proxy.audience.rows import SEGMENT_NAMES, TAKEN, attribute_name
from proxy.events.types import BY_KIND, EventType
from proxy.model import LONGEST_SUBJECT, Arrival, Event, Item
from proxy.settings import DEFAULTS

OLDEST = 631_152_000.0  # the year 1990: older is a clock that was never set
MAX_ID = 100
MAX_TRAITS = 50
MAX_NAME = 64
MAX_TEXT_BYTES = 500
MAX_MEMBERS = 20
MOST_ITEMS = 20
MOST_OTHER_ITEMS = 5
FULL_KINDS = {"cart viewed", "checkout started", "order completed", "order refunded", "order cancelled"}
"""Kinds of events with a whole cart or order, which keep `MOST_ITEMS` items; others keep `MOST_OTHER_ITEMS`."""

VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

Trait = str | float | bool | list[str]


class Access(enum.StrEnum):
    """What a write key may report. `PUBLIC`: what its own visitor did. `TRUSTED`: also their orders and traits.
    `SERVER`: everything, of any visitor."""

    PUBLIC = "public"
    TRUSTED = "trusted"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender. `visitor_id` is that of the cookie, "" for none; `key` makes ids for visitors without a cookie, so
    that an id they choose cannot be another visitor's; `user_key` proves who is logged in."""

    source: str
    access: Access
    visitor_id: str = ""
    key: bytes = b""
    user_key: bytes = b""


@dataclass(frozen=True, slots=True)
class Receipt:
    """When a request was received (Unix seconds), and when it was sent by its sender's clock (None: unknown).
    `request_id` makes ids for events without one; events older than `late_seconds` are refused."""

    received_at: float
    request_id: str
    late_seconds: float = DEFAULTS.late_event_days * 86_400
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why an event was refused: `reason` is a word for counters and lists, `what` a sentence for the sender; and whose
    it is, "" if it names nobody."""

    reason: str
    what: str
    visitor_id: str = ""


class ReportedEvent(msgspec.Struct, frozen=True):
    """An event as it was sent, not yet checked. `at` is by the sender's clock; ids are "" if not given."""

    kind: str
    message_id: str = ""
    at: str | float | None = None
    user_id: str = ""
    anonymous_id: str = ""
    subject: str = ""
    items: tuple[Item, ...] = ()
    value: float = 0.0
    order_id: str = ""
    user_hash: str = ""
    traits: Mapping[str, object] = {}
    details: dict[str, str | float | bool] = {}


_OR_TRUSTED = " or trusted"
# Looking up a member of an enum takes eight times as long, and each event needs five.
PUBLIC, TRUSTED, SERVER = Access


def accepted(said: ReportedEvent, sender: Sender, moment: Receipt, number: int = 0) -> Arrival | Rejected:
    """The event as an arrival, or why it is refused. `number` is its position in the request."""
    verdict = _judged(said, sender, moment, number)
    return of_theirs(verdict, said.user_id, said.anonymous_id, sender) if isinstance(verdict, Rejected) else verdict


def of_theirs(refusal: Rejected, user_id: str, anonymous_id: str, sender: Sender) -> Rejected:
    """The refusal of an event that names these ids, with the visitor whose event it is: so that it is found when they
    are exported or erased."""
    visitor_id = _visitor(user_id, anonymous_id, sender)
    return replace(refusal, visitor_id=visitor_id) if isinstance(visitor_id, str) else refusal


def _judged(said: ReportedEvent, sender: Sender, moment: Receipt, number: int) -> Arrival | Rejected:
    row = BY_KIND[said.kind]
    is_trusted = sender.access is SERVER or (sender.access is TRUSTED and said.kind not in MEMBERSHIP)
    if row.is_server_only and not is_trusted:
        return Rejected(
            "server-only", f"`{row.kind}` needs a key of kind server{_OR_TRUSTED * (said.kind not in MEMBERSHIP)}"
        )
    if row.needs and not getattr(said, row.needs):
        needed = "product" if row.needs == "items" else row.needs
        return Rejected(f"no-{row.needs}", f"`{row.kind}` names no {needed}: {row.help}")
    if len(said.message_id) > MAX_ID:
        return Rejected("message-id", f"a message id has at most {MAX_ID} characters")
    visitor_id = _visitor(said.user_id, said.anonymous_id, sender)
    if isinstance(visitor_id, Rejected):
        return visitor_id
    at = _happened(said.at, sender, moment)
    if isinstance(at, Rejected):
        return at
    others = _other_ids(said, sender, visitor_id)
    return Arrival(
        visitor_id,
        Event(
            at,
            _id(said, sender, moment, number),
            row.kind,
            said.subject[:LONGEST_SUBJECT],
            _items(said, row),
            said.value,
        ),
        sender.source,
        moment.received_at,
        traits_of(said.traits) if said.traits and sender.access is not PUBLIC else {},
        (),
        {**said.details, **others} if others else said.details,
        "",
        _joins(said, sender, visitor_id),
    )


# -- whose


def _visitor(user_id: str, anonymous_id: str, sender: Sender) -> str | Rejected:
    if sender.access is SERVER:
        return _named(user_id or anonymous_id)
    if sender.visitor_id:
        return sender.visitor_id
    if not anonymous_id or NOBODY.fullmatch(anonymous_id):
        return Rejected("no-visitor", "there is neither our cookie nor an anonymousId")
    return stranger_id(sender.key, sender.source, anonymous_id)


def _named(text: str) -> str | Rejected:
    if not text:
        return Rejected("no-visitor", "there is neither a userId nor an anonymousId")
    if not VISITOR_ID.fullmatch(text) or NOBODY.fullmatch(text):
        what = "an id is 1 to 64 letters, digits, hyphens and underscores, and says who it is"
        return Rejected("visitor-id", f"{what}; send a hash of anything else, as of an e-mail address")
    return text


def stranger_id(key: bytes, source: str, anonymous_id: str) -> str:
    """The visitor id of a sender's visitor without our cookie: a keyed hash, so that nobody can choose another
    visitor's id."""
    return "anon_" + hmac.digest(key, f"{source}\n{anonymous_id}".encode("utf-8", "replace"), "sha256").hex()[:32]


def _other_ids(said: ReportedEvent, sender: Sender, visitor_id: str) -> dict[str, str]:
    """The sender's other id of the visitor, if the sender is trusted."""
    if sender.access is PUBLIC:
        return {}
    if visitor_id == said.user_id and not said.anonymous_id:
        return {}  # as servers mostly say it
    names = {"user id": said.user_id, "anonymous id": said.anonymous_id}
    return {name: id for name, id in names.items() if id != visitor_id and VISITOR_ID.fullmatch(id)}


def user_hash(user_key: bytes, user_id: str) -> str:
    """The hash by which the shop's server proves to a page who is logged in."""
    return hmac.digest(user_key, user_id.encode("utf-8", "replace"), "sha256").hex()


def _joins(said: ReportedEvent, sender: Sender, visitor_id: str) -> tuple[str, str]:
    """The device and the person to be joined. A server is trusted; a browser only with a hash made by a server, or
    anybody could claim to be anybody."""
    if sender.access is SERVER:
        device = said.subject if said.kind == "aliased" else said.anonymous_id
        is_two = device and said.user_id and device != visitor_id and VISITOR_ID.fullmatch(device)
        return (device, visitor_id) if is_two else NO_JOIN
    if not said.user_hash or not sender.user_key or not sender.visitor_id or not VISITOR_ID.fullmatch(said.user_id):
        return NO_JOIN
    is_proven = hmac.compare_digest(user_hash(sender.user_key, said.user_id).encode(), said.user_hash.encode())
    return (visitor_id, said.user_id) if is_proven else NO_JOIN


NO_JOIN = ("", "")


# -- when, and which


def _happened(at: str | float | None, sender: Sender, moment: Receipt) -> float | Rejected:
    """When it happened by the server's clock: as long before `received_at` as it was before `sent_at` by the sender's
    clock; never after."""
    if at is None or at == "":
        return moment.received_at
    said_at = unix_time(at)
    if said_at is None:
        return Rejected("timestamp", "a timestamp is ISO 8601, as 2026-11-23T12:00:00Z")
    skew = moment.received_at - moment.sent_at if moment.sent_at is not None else 0.0
    happened = min(said_at + skew, moment.received_at)
    oldest = OLDEST if sender.access is SERVER else moment.received_at - moment.late_seconds
    return happened if happened >= oldest else Rejected("too-old", "it happened too long ago")


def unix_time(value: str | float | None) -> float | None:
    """The Unix seconds of a time in ISO 8601 (without a zone: UTC), or of a number of seconds or milliseconds; None for
    anything else."""
    if isinstance(value, int | float):
        return value / 1_000 if abs(value) > 1e11 else float(value)
    try:
        parsed = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _id(said: ReportedEvent, sender: Sender, moment: Receipt, number: int) -> str:
    """The id of the event; an order has the same id from any sender. It may be paid back in parts, each a message."""
    if said.order_id and len(said.order_id) <= MAX_ID:
        part = f":{said.message_id}" if said.kind == "order refunded" and said.message_id else ""
        return f"{said.kind}:{said.order_id}{part}"
    return f"{sender.source}:{said.message_id or f'{moment.request_id}-{number}'}"


# -- what


def _items(said: ReportedEvent, row: EventType) -> tuple[Item, ...]:
    return said.items[: MOST_ITEMS if row.kind in FULL_KINDS else MOST_OTHER_ITEMS]


def traits_of(said: Mapping[str, object]) -> dict[str, Trait]:
    """The traits that can be attributes, by their names in rule files; without nested objects, values that are too
    long, and the names of request attributes."""
    found: dict[str, Trait] = {}
    for name, value in said.items():
        attribute, trait = attribute_name(name), _trait(value)
        is_free = attribute and attribute not in TAKEN and attribute not in SEGMENT_NAMES
        if trait is not None and is_free and len(attribute) <= MAX_NAME and len(found) < MAX_TRAITS:
            found[attribute] = trait
    return found


def _trait(value: object) -> Trait | None:
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return float(value) if abs(value) <= 2**53 else None
    if isinstance(value, str):
        return value if len(value.encode("utf-8", "replace")) <= MAX_TEXT_BYTES else None
    if isinstance(value, list) and len(value) <= MAX_MEMBERS and all(isinstance(member, str) for member in value):
        return sorted(set(value)) if sum(len(member.encode()) for member in value) <= MAX_TEXT_BYTES else None
    return None
