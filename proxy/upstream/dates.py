"""The Date of an answer that has none: whoever makes an answer, or passes it on, owes one (RFC 9110 6.6.1)."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache

_NAME = b"date: "
_LATER = b"\r\n" + _NAME


def dated(lines: bytes) -> bytes:
    """Header lines with a Date, which is now unless they have one. Field names are in lower case."""
    if lines.find(_LATER) >= 0 or lines.startswith(_NAME):
        return lines
    return lines + _line(int(time.time()))


@lru_cache(maxsize=1)
def _line(second: int) -> bytes:
    return b"%b%b\r\n" % (_NAME, formatdate(second, usegmt=True).encode())
