"""A profile as bytes in a store: one msgpack value, read in one look-up.

The visitor id is part of the value and checked when it is read, so that an answer meant for another read, or a value
copied under a wrong key, is never taken for this visitor's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxy.errors import DamagedValueError, StoreError
from proxy.model import Profile

MAX_BYTES = 64 * 1024


class Record(msgspec.Struct, array_like=True, frozen=True):
    """The value: format, visitor id, attributes (a set as a list of texts), segments, when it was written, what chance
    draws by."""

    format: int
    visitor_id: str
    attributes: dict[str, str | float | bool | list[str]]
    segments: list[str]
    updated_at: float
    bucket_key: str = ""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def packed(profile: Profile) -> bytes:
    """The value to store. Raises `StoreError` when it is larger than 64 KiB."""
    attributes: dict[str, Any] = {
        name: sorted(value) if isinstance(value, frozenset) else value for name, value in profile.attributes.items()
    }
    record = Record(1, profile.visitor_id, attributes, sorted(profile.segments), profile.updated_at, profile.bucket_key)
    value = _encoder.encode(record)
    if len(value) > MAX_BYTES:
        raise StoreError(
            f"the profile of `{profile.visitor_id}` is {len(value)} bytes, more than {MAX_BYTES}",
            help="leave out what no rule asks for",
        )
    return value


def unpacked(value: bytes, visitor_id: str) -> Profile:
    """The profile in a stored value. Raises `DamagedValueError` when it is not one, or another visitor's."""
    if len(value) > MAX_BYTES:
        raise DamagedValueError("a stored profile is too large to be one", help="import it again")
    try:
        record = _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DamagedValueError("a stored profile cannot be read", help="import it again") from None
    if record.format != 1 or record.visitor_id != visitor_id:
        raise DamagedValueError("a stored profile is of another visitor or format", help="import it again")
    attributes = {name: frozenset(text) if isinstance(text, list) else text for name, text in record.attributes.items()}
    segments = frozenset(record.segments)
    return Profile(record.visitor_id, attributes, segments, record.updated_at, bucket_key=record.bucket_key)


def is_news(profile: Profile, stored: bytes) -> bool:
    """Whether storing `profile` would change more than the time it was written. `stored` is empty when nothing is."""
    try:
        known = unpacked(stored, profile.visitor_id)
    except DamagedValueError:
        return True
    return _told(known) != _told(profile)


def _told(profile: Profile) -> tuple[object, ...]:
    return (profile.attributes, profile.segments, profile.bucket_key)
