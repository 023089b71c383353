"""The consent string of IAB Europe's Transparency and Consent Framework, version 2: the purposes agreed to.

Its core part is a row of bits in base64url: a version in 6 bits, dates and numbers of the tool, and, from bit 152, one
bit for each of 24 purposes.
"""

from __future__ import annotations

import base64
import binascii

VERSION_BITS = 6
PURPOSES_AT = 152
PURPOSES = 24
VERSION = 2


def purposes(text: str) -> frozenset[int]:
    """The numbers of the purposes that are agreed to; none when the text is no such string."""
    core = text.split(".")[0]
    try:
        raw = base64.b64decode(core + "=" * (-len(core) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return frozenset()
    if len(raw) * 8 < PURPOSES_AT + PURPOSES or _bits(raw, 0, VERSION_BITS) != VERSION:
        return frozenset()
    agreed = _bits(raw, PURPOSES_AT, PURPOSES)
    return frozenset(number for number in range(1, PURPOSES + 1) if agreed >> (PURPOSES - number) & 1)


def _bits(raw: bytes, start: int, length: int) -> int:
    """A number of so many bits, the highest first."""
    return int.from_bytes(raw, "big") >> (len(raw) * 8 - start - length) & ((1 << length) - 1)
