"""Edge Side Includes: `<esi:include>`, `<esi:remove>`, `<esi:comment>` and `<!--esi ... -->`.

An include is a hole that is filled from an address; an include of one of our slots is a slot. Tags are found by an HTML
parser, so those in a script, an attribute or another comment do not count. Includes are processed only if the origin or
the operator says so, since a page may contain text that a visitor wrote. A few ESI variables are supported in addresses
(`substituted`); ESI conditions are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote

import turbohtml
from turbohtml import Comment, Document, Element

from proxy.page.holes import Edit, Fill, FillKind
from proxy.page.slots import SLOT_NAME

SLOT_ADDRESS = "/_tb/slot/"

_WRAPPED = re.compile(rb"<!--esi(\s.*?)-->", re.DOTALL)
_HIDDEN = re.compile(r"esi\s")
_CONTENT = re.compile(rb'content\s*=\s*"[^"]*\bESI/1\.0\b', re.IGNORECASE)


def says_includes(surrogate_control: bytes) -> bool:
    """Whether an origin says, in Surrogate-Control, that its page has includes."""
    return bool(_CONTENT.search(surrogate_control))


def unwrapped(body: bytes) -> bytes:
    """The page with the content of `<!--esi ... -->`; unchanged if some of these are not comments."""
    end = body.rfind(b"-->") + 3  # beyond the last, the expression would search the rest once for each beginning
    wrapped = [match.decode("latin-1").replace("\r\n", "\n") for match in _WRAPPED.findall(body, 0, end)]
    if not wrapped:
        return body
    document = turbohtml.parse(body.decode("latin-1"), scripting=True)
    comments = [node.data for node in document.descendants if isinstance(node, Comment)]
    if [comment for comment in comments if _HIDDEN.match(comment)] != [f"esi{content}" for content in wrapped]:
        return body
    return _WRAPPED.sub(rb"\1", body[:end]) + body[end:]


def include_edits(document: Document, *, are_honoured: bool) -> Iterator[Edit]:
    """The edits for all ESI tags. Includes of our own slots are always honoured: they fetch nothing."""
    for element in document.select(r"esi\:include,esi\:remove,esi\:comment"):
        where = element.source_location
        if where is None or where.start_tag is None:
            continue
        start, end = where.start_tag.start_offset, where.start_tag.end_offset
        if where.end_tag is not None and (element.tag == "esi:remove" or not element.children):
            end = where.end_tag.end_offset
        if slot := _slot(element):
            yield Edit(start, end, before=f'<tb-slot name="{slot}"></tb-slot>')
        elif are_honoured and element.tag == "esi:include":
            yield Edit(start, end, _fill(element))
        elif are_honoured and (element.tag == "esi:comment" or where.end_tag is not None):
            yield Edit(start, end)


def _slot(element: Element) -> str:
    """The slot that an include names; "" for any other tag."""
    source = element.attr("src") or ""
    if element.tag != "esi:include" or not source.startswith(SLOT_ADDRESS):
        return ""
    name = source.removeprefix(SLOT_ADDRESS).partition("?")[0]
    return name if SLOT_NAME.fullmatch(name) else ""


def _fill(element: Element) -> Fill:
    return Fill(FillKind.INCLUDE, element.attr("src") or "", alternate=element.attr("alt") or "")


_VARIABLE = re.compile(r"\$\((\w+)(?:\{([^{}()|]*)\})?(?:\|(?:'([^'()]*)'|([^'()|]*)))?\)", re.ASCII)
_MOST_PARAMETERS = 200
_STEPS = frozenset({".", ".."})
"""Path segments that would change the path, even if they are escaped."""


def substituted(address: str, host: bytes, query: bytes) -> str | None:
    """The address with its ESI variables replaced, for a page of this host and query; None if it has unknown variables,
    or if a value would not stay within its place.

    `$(QUERY_STRING{name}|default)`, `$(QUERY_STRING)` and `$(HTTP_HOST)` depend only on the page's own address, which
    is its cache key, so the page stays the same for everybody. Cookies and other request fields are not supported:
    addresses are stored and logged.
    """
    if "$(" not in address:
        return address
    made: list[str] = []
    last, mark = 0, address.find("?")
    for match in _VARIABLE.finditer(address):
        value = _value(match, host, query, in_query=0 <= mark < match.start())
        if value is None:
            return None
        made += [address[last : match.start()], value]
        last = match.end()
    whole = "".join([*made, address[last:]])
    return None if "$(" in whole else whole


def _value(match: re.Match[str], host: bytes, query: bytes, *, in_query: bool) -> str | None:
    name, key, quoted, bare = match.groups()
    otherwise = quoted or bare or ""
    if name == "HTTP_HOST" and key is None:
        return host.decode("latin-1")
    if name != "QUERY_STRING":
        return None
    if key is None:  # as it came; it is one only after a question mark
        return (query.decode("latin-1") or otherwise) if in_query else None
    value = _parameter(key, query) or otherwise
    return None if value in _STEPS and not in_query else quote(value, safe="")


def _parameter(name: str, query: bytes) -> str:
    """The first parameter of that name; "" if there is none, or if there are too many parameters."""
    try:
        parameters = parse_qsl(query.decode("latin-1"), max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return ""
    return next((value for key, value in parameters if key == name), "")
