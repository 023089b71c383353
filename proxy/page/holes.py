"""Holes: the parts of a stored page that belong to one visitor, how each is filled, and the edits that leave it.

A hole is an attribute or the content of an element that a CSS selector finds. What was there when the page was fetched
is removed before the page is stored (`redaction.py`), so a hole that cannot be filled is empty, and never has another
visitor's content. `HOLE_FILLS` is the table of what an operator may write under `fill:`; a new way to fill a hole is a
row here and a branch in `serve/hole_filling.py`."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from proxy.page.fields import Field
from proxy.page.fragments import Fragment
from proxy.page.piece import MAX_STORED_BYTES, Piece


class FillKind(enum.StrEnum):
    """The source of what fills a hole."""

    COOKIE = "cookie"
    DJANGO_TOKEN = "django token from"  # noqa: S105
    NONCE = "fresh nonce"
    FETCH = "fetch"
    NOTHING = "nothing"
    INCLUDE = "include"
    """The origin's own `<esi:include>`; no operator writes it."""


class IfMissing(enum.StrEnum):
    """What to do if the visitor does not have the cookie that fills a hole."""

    ASK = "ask the origin"
    MAKE = "make one"
    EMPTY = "leave empty"


class FillRow(NamedTuple):
    """One way to fill a hole: the word for it, and the words that may follow."""

    kind: FillKind
    takes: str
    help: str
    example: str


HOLE_FILLS = (
    FillRow(FillKind.COOKIE, "a cookie's name", "what the visitor's cookie says", "cookie form_key"),
    FillRow(
        FillKind.DJANGO_TOKEN,
        "a cookie's name",
        "Django's masked token, made from the visitor's own secret in that cookie",
        "django token from csrftoken",
    ),
    FillRow(
        FillKind.NONCE,
        "",
        "a new random text for each answer, the same in every hole of it and in its Content-Security-Policy",
        "fresh nonce",
    ),
    FillRow(
        FillKind.FETCH,
        "a path",
        "what the origin answers at that path to the visitor's own request",
        "fetch /fragments/minicart",
    ),
    FillRow(FillKind.NOTHING, "", "nothing: what stands there is only left out of the kept page", "nothing"),
)


@dataclass(frozen=True, slots=True)
class Fill:
    """How a hole is filled. `source` is a cookie's name or an address, `alternate` a second address to try,
    `default_text` the text if nothing else is available."""

    kind: FillKind
    source: str = ""
    if_missing: IfMissing = IfMissing.ASK
    alternate: str = ""
    default_text: str = ""


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole as an operator declares it: the `attribute` of the elements that `selector` finds, or with "" their
    content."""

    selector: str
    fill: Fill
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class HoleAt:
    """An empty hole at a byte offset of a page."""

    at: int
    fill: Fill
    is_attribute: bool = False


@dataclass(frozen=True, slots=True)
class Verbatim(Field):
    """Bytes for one visitor, inserted unchanged."""

    content: bytes = b""

    def text(self, attributes: object) -> bytes:
        return self.content


def hole_fragment(content: bytes | Piece) -> Fragment:
    """The fragment that fills a hole: of a piece, which many visitors share, or of bytes for one visitor."""
    if isinstance(content, Piece):
        return Fragment((content,))
    starts = range(0, len(content), MAX_STORED_BYTES)
    parts: tuple[Piece | Field, ...] = tuple(
        Verbatim("", content=content[start : start + MAX_STORED_BYTES]) for start in starts
    )
    return Fragment(parts)


# -- Edits of a page by byte offsets: what is removed, what replaces it, and where a hole is left.

SHORTEST_SECRET = 8
"""Bytes. A shorter text, as a count of 3, may occur elsewhere in the page by chance."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces the bytes `start` to `end` by `before` and `after`, with the hole of `fill` between them, if any.
    `old_value` is the value that an attribute had."""

    start: int
    end: int
    fill: Fill | None = None
    before: str = ""
    after: str = ""
    is_attribute: bool = False
    old_value: str = ""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A page with empty holes. `secrets` are the values that attributes had, unless they are short."""

    body: bytes
    holes: tuple[HoleAt, ...] = ()
    secrets: frozenset[bytes] = frozenset()


def outermost(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in page order, without those within another, and without duplicates."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        last = kept[-1] if kept else None
        if last is None or (edit.start >= last.end and (edit.start, edit.end) != (last.start, last.end)):
            kept.append(edit)
    return kept


def edited(body: bytes, edits: Sequence[Edit]) -> Redacted:
    """The page with these edits, which must not overlap."""
    if not edits:
        return Redacted(body)
    parts, holes, length, cursor = [], [], 0, 0
    for edit in edits:
        opened = body[cursor : edit.start] + edit.before.encode("latin-1")
        length += len(opened)
        if edit.fill is not None:
            holes.append(HoleAt(length, edit.fill, edit.is_attribute))
        closed = edit.after.encode("latin-1")
        length += len(closed)
        parts += [opened, closed]
        cursor = edit.end
    # Only attributes: the content of an element is for people to read, and may occur twice.
    taken = {edit.old_value.strip().encode("latin-1") for edit in edits if edit.is_attribute}
    secrets = frozenset(text for text in taken if len(text) >= SHORTEST_SECRET)
    return Redacted(b"".join([*parts, body[cursor:]]), tuple(holes), secrets)
