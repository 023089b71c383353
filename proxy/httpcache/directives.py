"""Parsing Cache-Control (RFC 9111 section 5.2).

A directive that is malformed or repeated is read in the strictest way: at worst the origin is asked once too often,
instead of a page being shown to somebody it was not meant for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MAX_SECONDS = 2**31
"""RFC 9111 1.2.2: a larger number of seconds is taken as 2^31."""

_DIRECTIVE = re.compile(rb'([^\s,;="]+)[ \t]*(?:=[ \t]*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?')


@dataclass(frozen=True, slots=True)
class Directives:
    """The directives of one message. Times are seconds, None if absent. `private_fields` and `no_cache_fields` are the
    header fields named by a qualified `private="..."` or `no-cache="..."`; the unqualified form sets the flag."""

    max_age: int | None = None
    s_maxage: int | None = None
    no_store: bool = False
    no_cache: bool = False
    no_cache_fields: frozenset[bytes] = frozenset()
    private: bool = False
    private_fields: frozenset[bytes] = frozenset()
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    immutable: bool = False
    no_transform: bool = False
    only_if_cached: bool = False
    min_fresh: int | None = None
    max_stale: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None


FLAGS = {
    b"no-store": "no_store",
    b"public": "public",
    b"must-revalidate": "must_revalidate",
    b"proxy-revalidate": "proxy_revalidate",
    b"must-understand": "must_understand",
    b"immutable": "immutable",
    b"no-transform": "no_transform",
    b"only-if-cached": "only_if_cached",
}
SECONDS = {
    b"max-age": "max_age",
    b"s-maxage": "s_maxage",
    b"max-stale": "max_stale",
    b"stale-while-revalidate": "stale_while_revalidate",
    b"stale-if-error": "stale_if_error",
}
QUALIFIED = {b"private": "private", b"no-cache": "no_cache"}

NONE = Directives()


@lru_cache(maxsize=1024)  # origins and browsers send few different values
def parse(value: bytes) -> Directives:
    """The directives of a Cache-Control field, its lines joined by commas. Unknown directives are ignored."""
    if not value:
        return NONE
    found: dict[str, Any] = {}
    for name, argument in _DIRECTIVE.findall(value):
        _add(found, name.lower(), argument)
    return Directives(**found)


def _add(found: dict[str, Any], name: bytes, argument: bytes) -> None:
    if key := FLAGS.get(name):
        found[key] = True
    elif key := SECONDS.get(name):
        # `max-stale` alone accepts any age (RFC 9111 5.2.1.2).
        seconds = MAX_SECONDS if name == b"max-stale" and not argument else _seconds(argument)
        found[key] = min(seconds, found.get(key, seconds))
    elif name == b"min-fresh":
        found["min_fresh"] = max(_seconds(argument), found.get("min_fresh", 0))
    elif key := QUALIFIED.get(name):
        _add_qualified(found, key, argument)


def _add_qualified(found: dict[str, Any], key: str, argument: bytes) -> None:
    fields = frozenset(field.strip().lower() for field in argument.strip(b'"').split(b",") if field.strip())
    if fields:
        found[f"{key}_fields"] = found.get(f"{key}_fields", frozenset()) | fields
    else:
        found[key] = True


def _seconds(argument: bytes) -> int:
    """The number, quoted or not; 0 for anything that is not digits (RFC 9111 4.2.1: treat it as stale)."""
    digits = argument.strip(b'"')
    return min(int(digits[:12]), MAX_SECONDS) if digits.isdigit() else 0
