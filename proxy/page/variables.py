"""ESI variables in the address of an include: `$(QUERY_STRING{name}|default)`, `$(QUERY_STRING)` and `$(HTTP_HOST)`.

These depend only on the page's own address, which is its cache key, so the page stays the same for everybody. Cookies
and other request fields (`$(HTTP_COOKIE{...})`) are not supported: addresses are stored and logged. The value of a
parameter is escaped so that it stays within its place in the address."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote

_VARIABLE = re.compile(r"\$\((\w+)(?:\{([^{}()|]*)\})?(?:\|(?:'([^'()]*)'|([^'()|]*)))?\)", re.ASCII)
_MOST_PARAMETERS = 200
_STEPS = frozenset({".", ".."})
"""Path segments that would change the path, even if they are escaped."""


def substituted(address: str, host: bytes, query: bytes) -> str | None:
    """The address with its variables replaced, for a page of this host and query; None if it has unknown variables, or
    if a value would not stay within its place."""
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
    """The first parameter of that name; "" if there is none, or if there are too many parameters."""
    try:
        parameters = parse_qsl(query.decode("latin-1"), max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return ""
    return next((value for key, value in parameters if key == name), "")
