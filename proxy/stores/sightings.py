"""What was told of products, by pages and changes, as bytes in a store."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proxy.errors import UNDECODABLE
from proxy.model import Sighting

_encoder = msgspec.msgpack.Encoder()  # JSON has no endless sale
_decoder = msgspec.msgpack.Decoder(Sighting)


def packed(sightings: Iterable[Sighting]) -> dict[str, bytes]:
    """Sightings by their keys, the last word on each, in their order."""
    lines: dict[str, bytes] = {}
    for sighting in sightings:
        lines.pop(sighting.key, None)
        lines[sighting.key] = _encoder.encode(sighting)
    return lines


def unpacked(lines: Iterable[bytes | None]) -> list[Sighting]:
    """The sightings that can be read."""
    found = []
    for line in lines:
        try:
            found.append(_decoder.decode(line or b""))
        except UNDECODABLE:
            continue
    return found
