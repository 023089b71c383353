"""Cache-Control, read (RFC 9111 section 5.2).

Its law: what is written wrongly or twice counts in its strictest reading. A cache that is too careful asks the origin
once too often; one that is not careful enough shows a page to somebody it was not meant for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MAX_SECONDS = 2**31
"""RFC 9111 1.2.2: a delta-seconds too large to hold is taken as 2^31."""

_DIRECTIVE = re.compile(rb'([^\s,;="]+)[ \t]*(?:=[ \t]*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?')


@dataclass(frozen=True, slots=True)
class Directives:
    """One message's directives. Times are seconds, None when absent. `private_fields` and `no_cache_fields` are the
    header fields a qualified `private="..."` or `no-cache="..."` names; the unqualified form sets the flag."""

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


@lru_cache(maxsize=1024)  # origins and browsers send a few spellings, and answers then share what they say
def parse(value: bytes) -> Directives:
    """The directives of a Cache-Control field whose lines were joined by commas. Unknown ones are ignored."""
    if not value:
        return NONE
    found: dict[str, Any] = {}
    for name, argument in _DIRECTIVE.findall(value):
        _take(found, name.lower(), argument)
    return Directives(**found)


def _take(found: dict[str, Any], name: bytes, argument: bytes) -> None:
    if key := FLAGS.get(name):
        found[key] = True
    elif key := SECONDS.get(name):
        # `max-stale` alone accepts any age (RFC 9111 5.2.1.2).
        seconds = MAX_SECONDS if name == b"max-stale" and not argument else _seconds(argument)
        found[key] = min(seconds, found.get(key, seconds))
    elif name == b"min-fresh":
        found["min_fresh"] = max(_seconds(argument), found.get("min_fresh", 0))
    elif key := QUALIFIED.get(name):
        _take_qualified(found, key, argument)


def _take_qualified(found: dict[str, Any], key: str, argument: bytes) -> None:
    fields = frozenset(field.strip().lower() for field in argument.strip(b'"').split(b",") if field.strip())
    if fields:
        found[f"{key}_fields"] = found.get(f"{key}_fields", frozenset()) | fields
    else:
        found[key] = True


def _seconds(argument: bytes) -> int:
    """Quoted digits are accepted; anything that is not plain digits is 0 (RFC 9111 4.2.1: treat it as stale)."""
    digits = argument.strip(b'"')
    return min(int(digits[:12]), MAX_SECONDS) if digits.isdigit() else 0
