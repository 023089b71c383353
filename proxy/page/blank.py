"""Takes out of a page what is somebody's in particular, before it is kept.

The page is parsed once, as for slots, and changed by bytes where a hole is; all else stays. The law: what stood in a
hole stands nowhere in what is kept, or the page is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import turbohtml
from turbohtml import Element

from proxy.page.holes import FillKind, Hole, HoleAt
from proxy.page.scan import InDoubt, as_text, must_be_ascii_superset
from proxy.page.seen import SeenAt, seen_at

RAW_TEXT = frozenset({"script", "style", "noscript", "iframe", "noembed", "noframes", "xmp", "plaintext"})
"""What stands in these is not HTML: nothing that is escaped as HTML may be put there."""

SHORTEST_SECRET = 8
"""Bytes. A shorter text, as a count of 3, may well stand elsewhere by chance."""

_NAME = re.compile(r"[^\s=/>]+")
_NONCE = re.compile(rb"'nonce-([^'\s]+)'", re.IGNORECASE)
_EMPTY_NONCE = b"'nonce-{}'"
"""In a kept Content-Security-Policy. Braces make it no nonce at all: unless it is filled, nothing runs by it."""


@dataclass(frozen=True, slots=True)
class Blanked:
    """A page whose holes are empty. `taken` is what stood in those that are attributes."""

    body: bytes
    holes: tuple[HoleAt, ...] = ()
    taken: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class NotBlank:
    """Why a page cannot be kept: the word that logs and headers print, and where."""

    reason: str
    place: SeenAt | None = None

    def __str__(self) -> str:
        return f"{self.reason} at {self.place}" if self.place else self.reason


@dataclass(frozen=True, slots=True)
class _Edit:
    """Bytes `start` to `end` become `before` and `after`, with the hole between them."""

    start: int
    end: int
    hole: Hole
    taken: str
    before: str = ""
    after: str = ""


class _Impossible(Exception):
    def __init__(self, verdict: NotBlank) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


def blanked(body: bytes, holes: Sequence[Hole], *, charset: str = "") -> Blanked | NotBlank:
    """The page with these holes emptied, as many of them as it has; or why it cannot be kept."""
    if not holes:
        return Blanked(body)
    try:
        must_be_ascii_superset(body, charset)
        text = as_text(body)
        edits = _outermost(_edits(text, holes))
    except InDoubt as doubt:
        return NotBlank(doubt.verdict.reason)
    except _Impossible as impossible:
        return impossible.verdict
    page = _edited(body, edits)
    return _left(page) or page


def _left(page: Blanked) -> NotBlank | None:
    """Why not, when a secret stands in the page once more."""
    for secret in page.taken:
        if (at := page.body.find(secret)) >= 0:
            return NotBlank("hole-elsewhere", SeenAt("the page", line=page.body.count(b"\n", 0, at) + 1))
    return None


def _edits(text: str, holes: Sequence[Hole]) -> Iterator[_Edit]:
    document = turbohtml.parse(text, source_locations=True, scripting=True)
    for hole in holes:
        for element in document.select(hole.selector):
            edit = _attribute(text, element, hole) if hole.attribute else _content(text, element, hole)
            if edit is not None:
                yield edit


def _attribute(text: str, element: Element, hole: Hole) -> _Edit | None:
    """The attribute in double quotes, however it was written."""
    where = element.source_location
    span = where and where.attrs.get(hole.attribute.lower())
    if not span:
        return None
    written = text[span.start_offset : span.end_offset]
    name = _NAME.match(written)
    if name is None:
        raise _Impossible(NotBlank("hole-unclear", seen_at(element, hole.attribute)))
    value = written[name.end() :].lstrip(" \t\r\n=").strip("\"'")
    return _Edit(span.start_offset, span.end_offset, hole, value, before=f'{name[0]}="', after='"')


def _content(text: str, element: Element, hole: Hole) -> _Edit | None:
    where = element.source_location
    if where is None or where.start_tag is None:
        return None
    if where.end_tag is None or (element.tag in RAW_TEXT and hole.fill.kind is not FillKind.NOTHING):
        raise _Impossible(NotBlank("hole-unclear", seen_at(element)))
    start, end = where.start_tag.end_offset, where.end_tag.start_offset
    return _Edit(start, end, hole, text[start:end])


def _outermost(edits: Iterable[_Edit]) -> list[_Edit]:
    """In page order; what lies within another, or is the same, goes with it."""
    kept: list[_Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if not kept or edit.start >= kept[-1].end or edit.start > kept[-1].start == kept[-1].end:
            kept.append(edit)
    return kept


def _edited(body: bytes, edits: Sequence[_Edit]) -> Blanked:
    parts, holes, length, cursor = [], [], 0, 0
    for edit in edits:
        opened = body[cursor : edit.start] + edit.before.encode("latin-1")
        length += len(opened)
        holes.append(HoleAt(length, edit.hole.fill, bool(edit.hole.attribute)))
        closed = edit.after.encode("latin-1")
        length += len(closed)
        parts += [opened, closed]
        cursor = edit.end
    # What an element holds is for people to read, and may well be said twice.
    taken = {edit.taken.strip().encode("latin-1") for edit in edits if edit.hole.attribute}
    secrets = frozenset(text for text in taken if len(text) >= SHORTEST_SECRET)
    return Blanked(b"".join([*parts, body[cursor:]]), tuple(holes), secrets)


def nonces_in(policy: bytes) -> frozenset[bytes]:
    """The nonces that a Content-Security-Policy names."""
    return frozenset(_NONCE.findall(policy)) - {b"{}"}


def without_nonces(policy: bytes) -> bytes:
    """A Content-Security-Policy whose nonces are holes."""
    return _NONCE.sub(_EMPTY_NONCE, policy)


def with_nonce(policy: bytes, nonce: bytes) -> bytes:
    """The policy of `without_nonces` with its holes filled."""
    return policy.replace(_EMPTY_NONCE, b"'nonce-%b'" % nonce)
