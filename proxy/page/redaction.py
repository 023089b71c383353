"""Removes the content of holes, which belongs to one visitor, from a page before it is stored.

The page is parsed once, as for slots, and edited by byte offsets; all other bytes stay. If a removed secret occurs
elsewhere in the page, the page is not stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from turbohtml import Element

from proxy.page.holes import Edit, FillKind, Hole, Redacted, edited, outermost
from proxy.page.includes import include_edits, unwrapped
from proxy.page.markup import Location, Markup, location_of
from proxy.page.scan import UncutReason
from proxy.page.selecting import TooManySiblings, elements_by

RAW_TEXT = frozenset({"script", "style", "noscript", "iframe", "noembed", "noframes", "xmp", "plaintext"})
"""Elements whose content is not HTML: nothing that is escaped as HTML may be inserted there."""

MOST_EDITS = 1_000
"""Holes, includes and other ESI tags of one page: each hole is filled for each visitor, each include fetched."""

_NAME = re.compile(r"[^\s=/>]+")
_NONCE = re.compile(rb"'nonce-([^'\s]+)'", re.IGNORECASE)
_EMPTY_NONCE = b"'nonce-{}'"
"""The hole in a stored Content-Security-Policy. With the braces it is no valid nonce, so unfilled it allows nothing."""


@dataclass(frozen=True, slots=True)
class NotRedacted:
    """Why a page cannot be stored: the word that logs and headers print, and the place."""

    reason: str
    place: Location | None = None

    def __str__(self) -> str:
        return f"{self.reason} at {self.place}" if self.place else self.reason


class _Impossible(Exception):
    def __init__(self, verdict: NotRedacted) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


def redacted(page: Markup, holes: Sequence[Hole], *, has_includes: bool = False) -> Redacted | NotRedacted:
    """The page with these holes emptied, as far as it has them; or why it cannot be stored. With `has_includes`, its
    includes become holes too."""
    open_page = page.of(unwrapped(page.body)) if has_includes else page
    try:
        each = chain(_edits(open_page, holes), include_edits(open_page.document, are_honoured=has_includes))
        found = list(islice(each, MOST_EDITS + 1))
    except _Impossible as impossible:
        return impossible.verdict
    edits = outermost(found)
    if len(found) > MOST_EDITS:
        line = open_page.body.count(b"\n", 0, found[-1].start) + 1
        return NotRedacted("too-many-holes", Location(f"the page, more than {MOST_EDITS:,}", line=line))
    if (holes or edits or open_page is not page) and page.foreign_at >= 0:
        return NotRedacted(UncutReason.CHARSET)
    made = edited(open_page.body, edits)
    return _leftover_secret(made) or made


def _leftover_secret(page: Redacted) -> NotRedacted | None:
    """Why the page cannot be stored, if a removed secret is still in it; else None."""
    for secret in page.secrets:
        if (at := page.body.find(secret)) >= 0:
            return NotRedacted("hole-elsewhere", Location("the page", line=page.body.count(b"\n", 0, at) + 1))
    return None


def _edits(page: Markup, holes: Sequence[Hole]) -> Iterator[Edit]:
    for hole in holes:
        try:
            elements = elements_by(hole.selector, page)
        except TooManySiblings:
            raise _Impossible(NotRedacted("too-many-siblings", Location("the page"))) from None
        for element in elements:
            edit = _attribute(page.text, element, hole) if hole.attribute else _content(element, hole)
            if edit is not None:
                yield edit


def _attribute(text: str, element: Element, hole: Hole) -> Edit | None:
    """The edit that empties an attribute; afterwards it has double quotes."""
    where = element.source_location
    span = where and where.attrs.get(hole.attribute.lower())
    if not span:
        return None
    written = text[span.start_offset : span.end_offset]
    name = _NAME.match(written)
    if name is None:
        raise _Impossible(NotRedacted("hole-unclear", location_of(element, hole.attribute)))
    value = written[name.end() :].lstrip(" \t\r\n=").strip("\"'")
    before = f'{name[0]}="'
    return Edit(span.start_offset, span.end_offset, hole.fill, before, '"', is_attribute=True, old_value=value)


def _content(element: Element, hole: Hole) -> Edit | None:
    where = element.source_location
    if where is None or where.start_tag is None:
        return None
    if where.end_tag is None or (element.tag in RAW_TEXT and hole.fill.kind is not FillKind.NOTHING):
        raise _Impossible(NotRedacted("hole-unclear", location_of(element)))
    return Edit(where.start_tag.end_offset, where.end_tag.start_offset, hole.fill)


def nonces_in(policy: bytes) -> frozenset[bytes]:
    """The nonces that a Content-Security-Policy names."""
    return frozenset(_NONCE.findall(policy)) - {b"{}"}


def without_nonces(policy: bytes) -> bytes:
    """A Content-Security-Policy whose nonces are holes."""
    return _NONCE.sub(_EMPTY_NONCE, policy)


def with_nonce(policy: bytes, nonce: bytes) -> bytes:
    """The policy of `without_nonces` with its holes filled."""
    return policy.replace(_EMPTY_NONCE, b"'nonce-%b'" % nonce)
