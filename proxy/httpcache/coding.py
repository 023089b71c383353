"""Content codings: which ones a client takes (RFC 9110 section 12.5.3), and undoing what an origin applied, bounded."""

from __future__ import annotations

import zlib
from functools import lru_cache

KNOWN = (b"br", b"gzip", b"zstd")
"""The codings told apart when a stored answer is chosen; what else a client lists makes no difference to us."""

MAX_RATIO = 100
_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_RATIO_COUNTS_FROM = 64 * 1024


@lru_cache(maxsize=512)  # browsers send a few spellings; 5 us each time otherwise
def preferred(accept_encoding: bytes) -> tuple[bytes, ...]:
    """The codings among `KNOWN` that the client accepts, in the order of `KNOWN`."""
    if accept_encoding == b"":
        return ()
    weights = dict(_weight(part) for part in accept_encoding.lower().split(b","))
    otherwise = weights.get(b"*", False)
    return tuple(coding for coding in KNOWN if weights.get(coding, otherwise))


def takes_gzip(accept_encoding: bytes) -> bool:
    """True when gzip is acceptable to the client."""
    return b"gzip" in preferred(accept_encoding)


def _weight(part: bytes) -> tuple[bytes, bool]:
    name, _, parameters = part.partition(b";")
    weight = parameters.strip().removeprefix(b"q=").strip()
    # Zero, written 0, 0.0, 0.000: not acceptable. A weight that cannot be read counts as 1.
    return name.strip(), not weight or bool(weight.strip(b"0."))


def inflated(body: bytes, coding: bytes, max_bytes: int) -> bytes | None:
    """`body` without its content coding; None when the coding is unknown, the data is broken or cut short, or it
    would grow beyond `max_bytes` or `MAX_RATIO` times its size (a decompression bomb)."""
    if coding in (b"", b"identity"):
        return body
    if coding not in _WINDOW_BITS:
        return None
    limit = min(max_bytes, max(len(body) * MAX_RATIO, _RATIO_COUNTS_FROM))
    decoder = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        plain = decoder.decompress(body, limit + 1)
    except zlib.error:
        return None
    return plain if decoder.eof and len(plain) <= limit and not decoder.unused_data else None
