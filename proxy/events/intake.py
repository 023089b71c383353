"""Checks events: each becomes an arrival, or a rejection with a reason. Pure: time, sender and the cookie's visitor are
given.

`segment.py` and `ga4.py` parse what was sent into `Said`; this decides whose event it is, when it happened, and whether
the sender may say so. The laws: a browser speaks for the visitor of its own cookie and for nobody else; money and
personal data count only from trusted senders; the same event has the same id, however often it is sent.
"""

from __future__ import annotations

import enum
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from proxy.audience.identity import NOBODY
from proxy.audience.outside import MEMBERSHIP
from proxy.audience.rows import SEGMENT_NAMES, TAKEN, attribute_name
from proxy.events.types import BY_KIND, Row
from proxy.model import Arrival, Event, Item
from proxy.settings import DEFAULTS

OLDEST = 631_152_000.0  # the year 1990: older is a clock that was never set
MAX_ID = 100
MAX_TRAITS = 50
MAX_NAME = 64
MAX_TEXT_BYTES = 500
MAX_MEMBERS = 20
MOST_ITEMS = 20
FEW_ITEMS = 5
WHOLE = {"cart viewed", "checkout started", "order completed", "order refunded", "order cancelled"}
"""Kinds that name all that is in a cart or an order; of others the first few items say enough."""

VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

Trait = str | float | bool | list[str]


class Access(enum.StrEnum):
    """What a write key may do. `PUBLIC`: say what its own visitor did. `TRUSTED`: also what they ordered and who they
    are. `SERVER`: all of it, of anybody."""

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
class Moment:
    """When a request was received, and `sent_at` by its sender's clock (None: not said). `request_id` makes ids for
    events that have none; events older than `late_seconds` are refused."""

    received_at: float
    request_id: str
    late_seconds: float = DEFAULTS.late_event_days * 86_400
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why an event was refused: a word for counters and lists, a sentence for the sender."""

    reason: str
    what: str


class Said(msgspec.Struct, frozen=True):
    """An event as it was sent, not yet checked. `at` is by the sender's clock; ids are "" when not given."""

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
# A member of an enum takes eight times as long to look up, and each event asks five times.
PUBLIC, TRUSTED, SERVER = Access


def taken(said: Said, sender: Sender, moment: Moment, number: int = 0) -> Arrival | Rejected:
    """The event as an arrival to be applied, or why it is refused. `number` is its place in the request."""
    row = BY_KIND[said.kind]
    is_trusted = sender.access is SERVER or (sender.access is TRUSTED and said.kind not in MEMBERSHIP)
    if row.is_server_only and not is_trusted:
        return Rejected(
            "server-only", f"`{row.kind}` needs a key of kind server{_OR_TRUSTED * (said.kind not in MEMBERSHIP)}"
        )
    if row.needs and not getattr(said, row.needs):
        return Rejected(f"no-{row.needs}", f"`{row.kind}` says no {row.needs}: {row.help}")
    if len(said.message_id) > MAX_ID:
        return Rejected("message-id", f"a message id has at most {MAX_ID} characters")
    visitor_id = _visitor(said, sender)
    if isinstance(visitor_id, Rejected):
        return visitor_id
    at = _happened(said.at, sender, moment)
    if isinstance(at, Rejected):
        return at
    others = _others(said, sender, visitor_id)
    return Arrival(
        visitor_id,
        Event(at, _id(said, sender, moment, number), row.kind, cut(said.subject, 200), _items(said, row), said.value),
        sender.source,
        moment.received_at,
        traits_of(said.traits) if said.traits and sender.access is not PUBLIC else {},
        (),
        {**said.details, **others} if others else said.details,
        "",
        _joins(said, sender, visitor_id),
    )


# -- whose


def _visitor(said: Said, sender: Sender) -> str | Rejected:
    if sender.access is SERVER:
        return _named(said.user_id or said.anonymous_id)
    if sender.visitor_id:
        return sender.visitor_id
    if not said.anonymous_id or NOBODY.fullmatch(said.anonymous_id):
        return Rejected("no-visitor", "there is neither our cookie nor an anonymousId")
    return stranger(sender.key, sender.source, said.anonymous_id)


def _named(text: str) -> str | Rejected:
    if not text:
        return Rejected("no-visitor", "there is neither a userId nor an anonymousId")
    if not VISITOR_ID.fullmatch(text) or NOBODY.fullmatch(text):
        what = "an id is 1 to 64 letters, digits, hyphens and underscores, and says who it is"
        return Rejected("visitor-id", f"{what}; send a hash of anything else, as of an e-mail address")
    return text


def stranger(key: bytes, source: str, anonymous_id: str) -> str:
    """The visitor id of a sender's visitor without our cookie: a keyed hash, so that nobody can choose another
    visitor's id."""
    return "anon_" + hmac.digest(key, f"{source}\n{anonymous_id}".encode("utf-8", "replace"), "sha256").hex()[:32]


def _others(said: Said, sender: Sender, visitor_id: str) -> dict[str, str]:
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


def _joins(said: Said, sender: Sender, visitor_id: str) -> tuple[str, str]:
    """The device and the person to be joined. A server is trusted; a browser only with a hash made by a server, or
    anybody could claim to be anybody."""
    if sender.access is SERVER:
        device = said.subject if said.kind == "aliased" else said.anonymous_id
        is_two = device and said.user_id and device != visitor_id and VISITOR_ID.fullmatch(device)
        return (device, visitor_id) if is_two else NONE
    if not said.user_hash or not sender.user_key or not sender.visitor_id or not VISITOR_ID.fullmatch(said.user_id):
        return NONE
    is_proven = hmac.compare_digest(user_hash(sender.user_key, said.user_id).encode(), said.user_hash.encode())
    return (visitor_id, said.user_id) if is_proven else NONE


NONE = ("", "")


# -- when, and which


def _happened(at: str | float | None, sender: Sender, moment: Moment) -> float | Rejected:
    """When it happened by our clock: as long before it was received as the sender says it was before it was sent; never
    after."""
    if at is None or at == "":
        return moment.received_at
    said_at = instant(at)
    if said_at is None:
        return Rejected("timestamp", "a timestamp is ISO 8601, as 2026-11-23T12:00:00Z")
    skew = moment.received_at - moment.sent_at if moment.sent_at is not None else 0.0
    happened = min(said_at + skew, moment.received_at)
    oldest = OLDEST if sender.access is SERVER else moment.received_at - moment.late_seconds
    return happened if happened >= oldest else Rejected("too-old", "it happened too long ago")


def instant(value: str | float | None) -> float | None:
    """Unix seconds of a time in ISO 8601 (without a zone: UTC), or in seconds or milliseconds; None when it is none."""
    if isinstance(value, int | float):
        return value / 1_000 if abs(value) > 1e11 else float(value)
    try:
        parsed = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _id(said: Said, sender: Sender, moment: Moment, number: int) -> str:
    """The id of the event; an order has the same id from any sender."""
    if said.order_id and len(said.order_id) <= MAX_ID:
        return f"{said.kind}:{said.order_id}"
    return f"{sender.source}:{said.message_id or f'{moment.request_id}-{number}'}"


# -- what


def _items(said: Said, row: Row) -> tuple[Item, ...]:
    return said.items[: MOST_ITEMS if row.kind in WHOLE else FEW_ITEMS]


def traits_of(said: Mapping[str, object]) -> dict[str, Trait]:
    """What can be an attribute, by the name rule files have for it. Objects within objects, what is too long, and names
    that rules ask the request for are left out."""
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


def cut(text: str, most: int) -> str:
    """The text, cut to at most so many bytes of UTF-8."""
    if len(text) * 4 <= most:
        return text
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= most else raw[:most].decode("utf-8", "ignore")
