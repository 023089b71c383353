"""Slot maps of pages that are not kept: where their slots are, and what they are about.

Many pages that a shop calls private are the same for all visitors, or differ in a name and a token only. Such a page is
parsed once (half a millisecond); when it comes again byte for byte, it is cut at the same places. Where a path brings a
different page each time, a few versions are compared: pages that differ in words only (`page/likeness.py`) are cut
alike from then on. Its law: no byte of a page is kept, only hashes of its parts.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from proxy.memo import make_room
from proxy.page.about import About
from proxy.page.encode import Content, name_in_tag, plain_of, tag_of
from proxy.page.likeness import MOST_WORDS, Likeness, changed, is_structural, learnt, name_of, names_of, parts_of
from proxy.page.markup import Markup
from proxy.page.piece import Piece, digest_of
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.serve.pages import readable

Key = tuple[bytes, str, bool]
"""A path, a charset, and whether includes are honoured."""
Name = tuple[int | bytes, int, Key]

MOST = 2_000
MOST_PATHS = 1_000
MOST_SEEN = 32
"""Versions that others are compared with: of a page of 60 KB, 90 KB."""
MOST_ALIKE = 4
"""SlotMaps of one path, as for who is logged in and who is not."""
MOST_BYTES = 512 * 1024
"""Of a page that is looked for: to name more would hold up others."""
STUDIES = 6
STUDIED_AGAIN = 64
"""How often a path's versions are compared, and every how many unknown ones after that: shops change."""


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
    about: About
    doubts: Sequence[str]
    digests: Sequence[bytes | None] = ()
    likeness: Likeness | None = None
    words_before: Sequence[int] = ()

    @classmethod
    def by(cls, template: Template, doubts: Sequence[str], likeness: Likeness | None = None) -> SlotMap:
        """The slot_map of a page as it was cut."""
        pieces = _in_turn(template)
        edges = [0]
        for piece in pieces:
            edges.append(edges[-1] + piece.size)
        digests: list[bytes | None] = []
        if template.slots:  # a page without is given as it is, without a tag of ours
            is_free = [likeness is None or not likeness.is_within(*ends) for ends in pairwise(edges)]
            digests = [piece.name() if free else None for piece, free in zip(pieces, is_free, strict=True)]
        slots, inner = template.slots, tuple(edges[1:-1])
        before = [] if likeness is None else list(map(likeness.words_before, inner))
        return cls(slots, inner, template.about, doubts, digests, likeness, before)

    def of(self, body: bytes | memoryview, shifts: Sequence[int] = ()) -> Template:
        """Cuts a page with these bytes; `shifts` are those of the likeness."""
        edges = self._edges_in(shifts)
        pieces = [Piece(bytes(body[start:end])) for start, end in pairwise((0, *edges, len(body)))]
        for piece, digest in zip(pieces, self.digests, strict=False):
            if digest is not None:
                piece.digest = digest
        return Template(self.slots, tuple(pieces[::2]), tuple(pieces[1::2]), about=self.about)

    def filled(
        self, body: memoryview, shifts: Sequence[int], contents: Sequence[Content | None], key: bytes | None
    ) -> tuple[list[bytes | memoryview], bytes]:
        """The same page as `assemble` would fill it, uncoded, of which no byte is copied; and its tag, "" without a
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


def _in_turn(template: Template) -> list[Piece]:
    pieces = [template.statics[0]]
    for default, static in zip(template.defaults, template.statics[1:], strict=True):
        pieces += (default, static)
    return pieces


class PageMemoEntry(NamedTuple):
    """A page that came before, or one like it; why some of it could not be cut; and whether it is the same."""

    template: Template
    doubts: Sequence[str]
    is_same: bool = True


class Path:
    """What is known of the pages of one path. `is_quick` says that nothing but slots is looked for in them, and none of
    them was in doubt; `may_differ` that they may be known by likeness."""

    def __init__(self, path: bytes, charset: str, declared: Sequence[DeclaredSlot], *, has_includes: bool) -> None:
        self.key = (path, charset, has_includes)
        self.charset = charset
        where = readable(path)
        here = [slot for slot in declared if slot.is_on(where) and not slot.json]
        self.is_quick = not has_includes and not any(slot.is_list for slot in here)
        self.may_differ = self.is_quick and all(is_structural(slot.selector or "x") for slot in here)
        self.alike: dict[int, SlotMap] = {}
        """By how many parts the page is made of: what is learnt later of as many takes the place."""
        self.unknown = 0
        self.studies = 0

    def named(self, body: bytes | memoryview) -> Name:
        """The name of a page there."""
        return name_of(body), len(body), self.key

    @property
    def is_to_be_studied(self) -> bool:
        """Whether the next page that is not known is to be compared with the one before. Not the first: most paths
        bring no other."""
        is_time = self.studies < STUDIES or self.unknown % STUDIED_AGAIN == 0
        return self.may_differ and self.unknown > 0 and is_time


class Version:
    """A page that came there."""

    def __init__(self, path: Path, body: bytes) -> None:
        self.path = path
        self.body = body

    @cached_property
    def name(self) -> Name:
        """What names it, with all that it is read with."""
        return self.path.named(self.body)


class Study(NamedTuple):
    """A version compared with the one before: the hashes of its parts, which of them are known to change, and its
    likeness to the others, if any."""

    names: array[int]
    changing: frozenset[int] = frozenset()
    likeness: Likeness | None = None


class SlotMaps:
    """The slot_maps for the slots declared at present."""

    def __init__(self) -> None:
        self._declared: Sequence[DeclaredSlot] = ()
        self._forget()

    def _forget(self) -> None:
        self._paths: dict[Key, Path] = {}
        self._known: dict[Name, SlotMap] = {}
        self._seen: dict[tuple[Key, int], Study] = {}

    def at(self, path: bytes, charset: str, declared: Sequence[DeclaredSlot], *, has_includes: bool) -> Path:
        """What is known of a path; what is known of pages cut at other slots is dropped."""
        if declared is not self._declared:
            self._declared = declared
            self._forget()
        known = self._paths.get((path, charset, has_includes))
        if known is None:
            make_room(self._paths, MOST_PATHS)
            known = Path(path, charset, declared, has_includes=has_includes)
            self._paths[known.key] = known
        return known

    def get(self, version: Version) -> PageMemoEntry | None:
        """The page cut, when it or one like it is known."""
        found = self.find(version.path, version.body)
        if found is None:
            return None
        return PageMemoEntry(found[0].of(version.body, found[1]), found[0].doubts, is_same=found[0].likeness is None)

    def find(self, path: Path, body: bytes | memoryview) -> tuple[SlotMap, Sequence[int]] | None:
        """The slot_map of the page, or of one like it, and the shifts of this one."""
        if len(body) > MOST_BYTES:
            return None
        for slot_map in path.alike.values():
            shifts = slot_map.likeness and slot_map.likeness.shifts(body)
            if shifts:
                return slot_map, shifts
        known = self._known.get(path.named(body))
        return None if known is None else (known, ())

    def study(self, version: Version) -> Study:
        """Compares the page with the one before: some milliseconds."""
        path, parts = version.path, parts_of(version.body)
        names = names_of(parts)
        before = self._seen.get((path.key, len(parts)))
        places = None if before is None else changed(before.names, names)
        if before is None or not places:
            return Study(names)
        places |= before.changing
        likeness = learnt(Markup(version.body, path.charset), parts, places) if len(places) <= MOST_WORDS else None
        return Study(names, before.changing if likeness is None else places, likeness)

    def put(self, version: Version, template: Template, doubts: Sequence[str], study: Study | None = None) -> None:
        """Remembers how a page was cut; not for a page with holes or lists, whose cutting was more than finding
        slots."""
        path = version.path
        path.unknown += 1
        path.is_quick = path.is_quick and not doubts
        if template.holes or template.lists or template.forms or len(version.body) > MOST_BYTES:
            return
        make_room(self._known, MOST)
        self._known[version.name] = SlotMap.by(template, doubts)
        if study is None:
            return
        path.studies += 1
        key = (path.key, len(study.names))
        self._seen.pop(key, None)
        make_room(self._seen, MOST_SEEN)
        self._seen[key] = study._replace(likeness=None)
        if study.likeness is not None:
            make_room(path.alike, MOST_ALIKE)
            path.alike[len(study.names)] = SlotMap.by(template, doubts, study.likeness)
