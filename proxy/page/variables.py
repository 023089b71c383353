"""Variables in the address of an include: `$(QUERY_STRING{name}|otherwise)`, `$(QUERY_STRING)` and `$(HTTP_HOST)`.

These three say nothing that the page's own address does not say, by which it is kept: a page with them stays one page
for everybody. What a cookie or a browser says (`$(HTTP_COOKIE{...})`) is no part of an address here: addresses are
kept, logged and told to others. The law: what a visitor puts into a parameter stays within its place in the address.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote

_VARIABLE = re.compile(r"\$\((\w+)(?:\{([^{}()|]*)\})?(?:\|(?:'([^'()]*)'|([^'()|]*)))?\)", re.ASCII)
_MOST_PARAMETERS = 200
_STEPS = frozenset({".", ".."})
"""What would lead elsewhere in a path, however it is written."""


def substituted(address: str, host: bytes, query: bytes) -> str | None:
    """The address for a page of this host and query, without variables; None where it names others, or what stands
    there would not stay within its place."""
    if "$(" not in address:
        return address
    made: list[str] = []
    last = 0
    for match in _VARIABLE.finditer(address):
        before = address[last : match.start()]
        value = _value(match, "".join([*made, before]), host, query)
        if value is None:
            return None
        made += [before, value]
        last = match.end()
    whole = "".join([*made, address[last:]])
    return None if "$(" in whole else whole


def _value(match: re.Match[str], before: str, host: bytes, query: bytes) -> str | None:
    name, key, quoted, bare = match.groups()
    otherwise = quoted or bare or ""
    if name == "HTTP_HOST" and key is None:
        return host.decode("latin-1")
    if name != "QUERY_STRING":
        return None
    if key is None:  # as it came; it is one only after a question mark
        return (query.decode("latin-1") or otherwise) if "?" in before else None
    value = _parameter(key, query) or otherwise
    return None if value in _STEPS and "?" not in before else quote(value, safe="")


def _parameter(name: str, query: bytes) -> str:
    """The first of that name; "" where there is none, or far too many to look through."""
    try:
        said = parse_qsl(query.decode("latin-1"), max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return ""
    return next((value for key, value in said if key == name), "")
