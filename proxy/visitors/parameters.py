"""The query of a page's address, decoded: parameters, and the search term.

A form is sent in the encoding of its page, which the address does not say: what is not UTF-8 is read as Windows-1252,
which older shops use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote_plus

MAX_PARAMETERS = 100
MAX_CHARACTERS = 500
"""Of a name or a value; nobody types or links more, and what was shown by it is remembered."""
SEARCH_PARAMETERS = ("q", "query", "search", "s", "search_query", "keyword", "keywords")
NOT_READ = "\N{REPLACEMENT CHARACTER}"


def parameters_of(query: bytes) -> dict[str, list[str]]:
    """The values of each query parameter, decoded; empty values are left out, as is what follows the 100th
    of them and their 500th character."""
    found: dict[str, list[str]] = {}
    if not query:
        return found
    for pair in query.decode("utf-8", "replace").split("&", MAX_PARAMETERS)[:MAX_PARAMETERS]:
        name, _, value = pair.partition("=")
        if value:
            found.setdefault(_read(name), []).append(_read(value))
    return found


def first_of(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    """The first value of a parameter; "" for none."""
    values = parameters.get(name)
    return values[0] if values else ""


def search_term_of(parameters: Mapping[str, Sequence[str]]) -> str:
    """The search term; "" for none."""
    if not parameters:
        return ""
    return next((parameters[name][0] for name in SEARCH_PARAMETERS if name in parameters), "")


def _read(coded: str) -> str:
    text = unquote_plus(coded)
    return (unquote_plus(coded, "cp1252", "replace") if NOT_READ in text else text)[:MAX_CHARACTERS]
