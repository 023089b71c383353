"""Slot maps of pages that are not stored: where their slots are, and what they are about.

Many pages that a shop calls private are the same for all visitors, or differ only in a name and a token. Such a page is
parsed once (half a millisecond); when it comes again byte for byte, it is cut at the same places. Where a path brings a
different page each time, a few versions are compared: pages that differ only in words (`page/page_shape.py`) are then
cut alike. Its law: no byte of a page is kept, only hashes of its parts."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from proxy.memo import Memo, make_room
from proxy.page.beginning import bounds_of
from proxy.page.encode import Content, name_in_tag, plain_of, tag_of
from proxy.page.markup import Markup, has_marks
from proxy.page.page_shape import (
    MOST_WORDS,
    PageShape,
    changed_parts,
    hash_of,
    hashes_of,
    is_structural,
    parts_of,
    shape_of,
)
from proxy.page.page_subject import NO_SUBJECT, PageSubject
from proxy.page.piece import Piece, digest_of
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.serve.pages import is_coded, readable

Key = tuple[bytes, str, bool]
"""A path, a charset, and whether includes are honoured."""
Name = tuple[int | bytes, int, Key]

MOST = 2_000
MOST_PATHS = 1_000
MOST_SEEN_BYTES = 16 * 1024 * 1024
"""Of versions kept for comparison; one takes half as much again as its page."""
MOST_LIKENESSES = 4
"""Likenesses of one path, as for visitors who are logged in or not."""
MOST_BYTES = 4 * 1024 * 1024
"""The largest page that is looked up: to hash it takes a millisecond, in which other requests wait. To parse it takes a
hundred, and the parser does not let others have their turn."""
MOST_SEARCHED_BYTES = 128 * 1024
"""The largest page that is searched for marks on the event loop."""
COMPARISONS = 6
COMPARE_AGAIN = 64
"""A path's versions are compared so many times, and after that every so many unknown pages, since shops change."""


class SlotMap(NamedTuple):
    """Where the slots of a page are.

    * `slots`: their names in page order; `edges`: where each begins and ends.
    * `doubts`: why some of the page could not be cut.
    * `digests`: of each piece between edges, None where words may change.
    * `likeness`, `words_before`: for a page that differs in words, which these are, and how many stand before each
      edge.
    """

    slots: tuple[str, ...]
    edges: tuple[int, ...]
    about: PageSubject
    doubts: Sequence[str]
    digests: Sequence[bytes | None] = ()
    likeness: PageShape | None = None
    words_before: Sequence[int] = ()

    @classmethod
    def by(cls, template: Template, doubts: Sequence[str], likeness: PageShape | None = None) -> SlotMap:
        """The slot map of a page as it was cut."""
        pieces = _pieces_of(template)
        edges = [0]
        for piece in pieces:
            edges.append(edges[-1] + piece.size)
        digests: list[bytes | None] = []
        if template.slots:  # a page without slots is passed on as it is, without an ETag of ours
            is_free = [likeness is None or not likeness.is_within(*ends) for ends in pairwise(edges)]
            digests = [piece.name() if free else None for piece, free in zip(pieces, is_free, strict=True)]
        slots, inner = template.slots, tuple(edges[1:-1])
        before = [] if likeness is None else list(map(likeness.words_before, inner))
        return cls(slots, inner, template.about, doubts, digests, likeness, before)

    def of(self, body: bytes | memoryview, shifts: Sequence[int] = ()) -> Template:
        """Cuts these bytes; `shifts` says by how much each varying word moves what follows it."""
        edges = self._edges_in(shifts)
        pieces = [Piece(bytes(body[start:end])) for start, end in pairwise((0, *edges, len(body)))]
        for piece, digest in zip(pieces, self.digests, strict=False):
            if digest is not None:
                piece.digest = digest
        return Template(self.slots, tuple(pieces[::2]), tuple(pieces[1::2]), about=self.about)

    def filled(
        self, body: memoryview, shifts: Sequence[int], contents: Sequence[Content | None], key: bytes | None
    ) -> tuple[list[bytes | memoryview], bytes]:
        """The page filled, uncoded and without copying, as `assemble` would fill it; and its ETag, "" without a
        `key`."""
        edges = self._edges_in(shifts)
        chunks: list[bytes | memoryview] = []
        at = place = 0
        for content in contents:
            if content is not None:
                chunks.append(body[at : edges[place]])
                at = edges[place + 1]
                if isinstance(content, Piece):
                    chunks.append(content.plain)
                else:
                    chunks += plain_of(content)
            place += 2
        chunks.append(body[at:])
        return chunks, b"" if key is None else self._tag(body, edges, contents, key)

    def _tag(self, body: memoryview, edges: Sequence[int], contents: Sequence[Content | None], key: bytes) -> bytes:
        names = list(self.digests)
        for place, content in enumerate(contents):
            if content is not None:
                names[2 * place + 1] = name_in_tag(content)
        ends = pairwise((0, *edges, len(body)))
        named = [name or digest_of(body[start:end]) for name, (start, end) in zip(names, ends, strict=True)]
        return tag_of(named, "identity", key)

    def _edges_in(self, shifts: Sequence[int]) -> Sequence[int]:
        if not shifts:
            return self.edges
        return [edge + shifts[words] for edge, words in zip(self.edges, self.words_before, strict=True)]


def _pieces_of(template: Template) -> list[Piece]:
    pieces = [template.statics[0]]
    for default, static in zip(template.defaults, template.statics[1:], strict=True):
        pieces += (default, static)
    return pieces


_NO_SLOTS = SlotMap((), (), NO_SUBJECT, ())


def are_marked(path: bytes, declared: Sequence[DeclaredSlot]) -> bool:
    """Whether the slots of pages at the path are marked in them, rather than found by selectors."""
    where = readable(path)
    return not any(slot.is_on(where) and not slot.json and (slot.is_list or slot.selector) for slot in declared)


class KnownPage(NamedTuple):
    """A known page: its template, why some of it could not be cut, and whether it is the same byte for byte."""

    template: Template
    doubts: Sequence[str]
    is_same: bool = True


class Path:
    """What is known of the pages of one path. `is_quick`: only slots are looked for in them, and all could be cut;
    `shows_marks`: those without a mark have no slots, and none had a mark so far; `may_differ`: they may be recognised
    by likeness; `bounds`: how much may be sent of one that is not whole; `has_slots`: the last that was parsed had
    some. Those in a coding have another charset."""

    def __init__(self, path: bytes, charset: str, declared: Sequence[DeclaredSlot], *, has_includes: bool) -> None:
        self.key = (path, charset, has_includes)
        self.charset = charset
        where = readable(path)
        here = [slot for slot in declared if slot.is_on(where) and not slot.json]
        self.is_quick = not has_includes and not any(slot.is_list for slot in here)
        self.shows_marks = not (has_includes or is_coded(charset)) and are_marked(path, declared)
        self.may_differ = self.is_quick and all(is_structural(slot.selector or "x") for slot in here)
        self.bounds = None if has_includes else bounds_of(here)
        self.has_slots = False
        self.by_likeness: dict[int, SlotMap] = {}
        """By the number of parts of the page; a newer one of the same number replaces it."""
        self.unknown = 0
        self.comparisons = 0

    def named(self, body: bytes | memoryview) -> Name:
        """The hash, size and path that identify a page."""
        return hash_of(body), len(body), self.key

    @property
    def is_to_be_compared(self) -> bool:
        """Whether the next unknown page is to be compared with the one before. Not the first: most paths have only
        one."""
        is_time = self.comparisons < COMPARISONS or self.unknown % COMPARE_AGAIN == 0
        return self.may_differ and self.unknown > 0 and is_time


class Version:
    """One version of the page at a path."""

    def __init__(self, path: Path, body: bytes) -> None:
        self.path = path
        self.body = body

    @cached_property
    def name(self) -> Name:
        """Its identity, including everything it is parsed with."""
        return self.path.named(self.body)


class Comparison(NamedTuple):
    """The result of comparing a version with the one before: the hashes of its parts, which parts are known to change,
    and the likeness, if there is one."""

    names: array[int]
    changing: frozenset[int] = frozenset()
    likeness: PageShape | None = None


class SlotMaps:
    """The slot maps for the slots declared at present."""

    def __init__(self) -> None:
        self._declared: Sequence[DeclaredSlot] = ()
        self._forget()

    def _forget(self) -> None:
        self._paths: dict[Key, Path] = {}
        self._known: dict[Name, SlotMap] = {}
        self._seen = Memo[tuple[Key, int], Comparison](MOST_SEEN_BYTES)

    def at(self, path: bytes, charset: str, declared: Sequence[DeclaredSlot], *, has_includes: bool) -> Path:
        """What is known of a path. For other declared slots than before, all is forgotten."""
        if declared is not self._declared:
            self._declared = declared
            self._forget()
        known = self._paths.get((path, charset, has_includes))
        if known is None:
            make_room(self._paths, MOST_PATHS)
            known = Path(path, charset, declared, has_includes=has_includes)
            self._paths[known.key] = known
        return known

    def get(self, version: Version) -> KnownPage | None:
        """The page, cut, if it or one like it is known."""
        found = self.find(version.path, version.body)
        if found is None:
            return None
        return KnownPage(found[0].of(version.body, found[1]), found[0].doubts, is_same=found[0].likeness is None)

    def find(self, path: Path, body: bytes | memoryview) -> tuple[SlotMap, Sequence[int]] | None:
        """The slot map of the page, or of one like it, and the shifts of this one."""
        if len(body) > MOST_BYTES:
            return None
        for slot_map in path.by_likeness.values():
            shifts = slot_map.likeness and slot_map.likeness.shifts(body)
            if shifts:
                return slot_map, shifts
        name = path.named(body)
        known = self._known.get(name) or self._without_marks(path, body, name)
        return None if known is None else (known, ())

    def _without_marks(self, path: Path, body: bytes | memoryview, name: Name) -> SlotMap | None:
        """The slot map of a page that has nothing to find, and need not be parsed; None if that is not sure, or its
        versions are to be compared."""
        if not path.shows_marks or path.is_to_be_compared or len(body) > MOST_SEARCHED_BYTES:
            return None
        if has_marks(bytes(body), path.charset):
            path.shows_marks = False  # nor will it be worth a search in the next page
            return None
        path.unknown += 1
        make_room(self._known, MOST)
        self._known[name] = _NO_SLOTS
        return _NO_SLOTS

    def compare(self, version: Version) -> Comparison:
        """Compares the page with the one before. Takes some milliseconds."""
        path, parts = version.path, parts_of(version.body)
        names = hashes_of(parts)
        before = self._seen.known.get((path.key, len(parts)))
        places = None if before is None else changed_parts(before.names, names)
        if before is None or not places:
            return Comparison(names)
        places |= before.changing
        page = Markup(version.body, path.charset)
        likeness = None if len(places) > MOST_WORDS or page.is_slow else shape_of(page, parts, places)
        return Comparison(names, before.changing if likeness is None else places, likeness)

    def put(
        self, version: Version, template: Template, doubts: Sequence[str], compare: Comparison | None = None
    ) -> None:
        """Remembers how a page was cut. Not for a page with holes, lists or forms: cutting those is more than finding
        slots."""
        path = version.path
        path.unknown += 1
        path.is_quick = path.is_quick and not doubts
        if template.holes or template.lists or template.forms or len(version.body) > MOST_BYTES:
            return
        make_room(self._known, MOST)
        self._known[version.name] = SlotMap.by(template, doubts)
        if compare is None:
            return
        path.comparisons += 1
        key = (path.key, len(compare.names))
        self._seen.put(key, compare._replace(likeness=None), compare.names.itemsize * len(compare.names))
        if compare.likeness is not None:
            make_room(path.by_likeness, MOST_LIKENESSES)
            path.by_likeness[len(compare.names)] = SlotMap.by(template, doubts, compare.likeness)
