"""Targeted cache fields (RFC 9213), as CDN-Cache-Control.

Unlike Cache-Control they are Structured Fields (RFC 9651), a Dictionary of directives: a field that is malformed
anywhere, or has a directive of the wrong type, is ignored as a whole.
"""

from __future__ import annotations

import re
from typing import Any

from proxy.httpcache.directives import FLAGS, MAX_SECONDS, QUALIFIED, SECONDS, Directives

_KEY = rb"[a-z*][a-z0-9_.*-]*"
_ITEM = (
    rb"-?\d{1,12}\.\d{1,3}|-?\d{1,15}"  # Decimal, Integer
    rb'|"(?:[ !#-\[\]-~]|\\["\\])*"'  # String
    rb"|[A-Za-z*][!#$%&'*+.^_`|~:/\w-]*"  # Token
    rb"|:[A-Za-z0-9+/=]*:|\?[01]|@-?\d{1,15}"  # Byte Sequence, Boolean, Date
)
_PARAMETERS = rb"(?:; *" + _KEY + rb"(?:=(?:" + _ITEM + rb"))?)*"
_INNER_LIST = rb"\( *(?:(?:" + _ITEM + rb")" + _PARAMETERS + rb"(?: +|(?=\))))*\)"
_MEMBER = re.compile(
    rb"(?P<key>" + _KEY + rb")(?:=(?P<value>" + _INNER_LIST + rb"|" + _ITEM + rb"))?" + _PARAMETERS + rb"[ \t]*"
)
_COMMA = re.compile(rb",[ \t]*(?=.)")
_INTEGER = re.compile(rb"-?\d{1,15}")


def parse(value: bytes) -> Directives | None:
    """The directives of a targeted field, its lines joined by commas; None if it is empty or malformed. Unknown
    directives are ignored."""
    members = _members(value.strip(b" "))
    found: dict[str, Any] = {}
    for name, written in (members or {}).items():
        if not _add(found, name, written):
            return None
    return Directives(**found) if members else None


def _members(text: bytes) -> dict[bytes, bytes] | None:
    """Each key with its value as written; of a repeated key the last value (RFC 9651 4.2.2). None if malformed."""
    members, at = {}, 0
    while at < len(text):
        member = _MEMBER.match(text, at)
        if member is None:
            return None
        members[member["key"]] = member["value"] or b"?1"
        at = member.end()
        if at < len(text):
            comma = _COMMA.match(text, at)
            if comma is None:
                return None
            at = comma.end()
    return members


def _add(found: dict[str, Any], name: bytes, written: bytes) -> bool:
    """Adds the directive; False if its value has the wrong type."""
    if key := SECONDS.get(name):
        found[key] = min(max(0, int(written)), MAX_SECONDS) if _INTEGER.fullmatch(written) else None
        return found[key] is not None
    if key := FLAGS.get(name):
        found[key] = True
        return written == b"?1"
    if key := QUALIFIED.get(name):
        return _add_qualified(found, key, written)
    return True


def _add_qualified(found: dict[str, Any], key: str, written: bytes) -> bool:
    fields = frozenset(name.strip().lower() for name in written.strip(b'"').split(b",") if name.strip())
    if written.startswith(b'"') and fields:
        found[f"{key}_fields"] = fields
        return True
    found[key] = True
    return written in (b"?1", b'""')
