"""Segments that the shop's own, unsigned cookie names: a hint, since anybody may write it."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

MAX_UNSIGNED_BYTES = 2_048
MAX_UNSIGNED_SEGMENTS = 50


def unsigned_segments(cookie: bytes) -> frozenset[str]:
    """Segment names in a foreign, unsigned cookie: a JSON list or a list with commas, percent-encoded or not.
    Empty when it makes no sense or is too long."""
    if len(cookie) > MAX_UNSIGNED_BYTES:
        return frozenset()
    text = unquote(cookie.strip(b'"').decode("utf-8", "replace"))
    names = _json_names(text) if text.startswith("[") else text.split(",")
    return frozenset(name.strip() for name in names[:MAX_UNSIGNED_SEGMENTS] if name.strip())


def _json_names(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, RecursionError):
        return []
