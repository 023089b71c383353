"""What pages that are not kept looked like: where their slots are, and what they are about, by their bytes' digest.

A shop often says of pages that they are nobody's but the visitor's, which are then the same for all. Such a page is
read once (a millisecond), and when it comes again byte for byte it is cut where it was cut before. Its law: no byte of
a page stays here, only the digest of all of them together with what else its reading depends on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from proxy.memo import make_room
from proxy.page.about import About
from proxy.page.scan import SlotRange
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template, cut_at

MOST = 2_000
MOST_BYTES = 512 * 1024
"""Of a page that is looked for: the digest of more would hold up others."""


class Outline(NamedTuple):
    """`slots` as found, and what the page is `about`; `doubts` are the words why some of it could not be cut, `digests`
    those of the pieces, statics first."""

    slots: tuple[SlotRange, ...]
    about: About
    doubts: Sequence[str]
    digests: Sequence[bytes]

    def of(self, body: bytes) -> Template:
        """The page with these bytes, cut."""
        template = replace(cut_at(body, self.slots), about=self.about)
        for piece, digest in zip((*template.statics, *template.defaults), self.digests, strict=True):
            piece.recall(digest)
        return template


class Outlines:
    """Those of the slots declared at present."""

    def __init__(self) -> None:
        self._declared: Sequence[DeclaredSlot] = ()
        self._known: dict[Hashable, Outline] = {}

    def key(self, body: bytes, declared: Sequence[DeclaredSlot], *beside: Hashable) -> Hashable:
        """What names a page; `beside` is whatever else its reading depends on. None for one that is too large."""
        if declared is not self._declared:
            self._declared, self._known = declared, {}
        return (hashlib.sha256(body).digest(), *beside) if len(body) <= MOST_BYTES else None

    def get(self, key: Hashable) -> Outline | None:
        """The outline of the page so named."""
        return self._known.get(key)

    def put(self, key: Hashable, template: Template, doubts: Sequence[str]) -> None:
        """Remembers how a page was cut, unless that was more than finding its slots: where it has holes or lists."""
        if key is None or template.holes or template.lists or template.forms:
            return
        make_room(self._known, MOST)
        digests = [piece.digest for piece in (*template.statics, *template.defaults)]
        self._known[key] = Outline(_ranges(template), template.about, doubts, digests)


def _ranges(template: Template) -> tuple[SlotRange, ...]:
    places, at = [0], 0
    for static, default in zip(template.statics, template.defaults, strict=False):
        places += (at + static.size, at + static.size + default.size)
        at = places[-1]
    found = list(pairwise(places[1:]))[::2]
    return tuple(SlotRange(name, start, end) for name, (start, end) in zip(template.slots, found, strict=True))
