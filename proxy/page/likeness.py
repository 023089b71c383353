"""Likeness: in which words two versions of a page may differ so that its slots stay where they are.

A visitor's own page is mostly the same: another name, another number of items in the cart, another token in a form. If
only such words changed, in text, comments, scripts, or the values of a few attributes, the tree is the same except for
them, and so is everything read from it. Which places these are is tried, as in `isolation.py`: the page is parsed again
with other words there, and must have the same tree except for these.

Its law: a word contains no character with a meaning in HTML, and all else of the page is the same byte for byte. No
byte of a page is kept here: the parts that must be the same are known by their hash.
"""

from __future__ import annotations

import hashlib
import re
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from turbohtml import Comment, Document, Element, Text

from proxy.page.markup import Markup

MOST_WORDS = 32
AT_A_TIME = 32 * 1024
"""Bytes that are taken apart without giving others a turn: 0.4 ms."""

_SPLIT = re.compile(rb"(<!--|-->|[<>\"'])")
# A word ends where HTML may take a character for more: no tag, reference or quotation begins or ends in it, nor, with
# what stands around it, a comment, its end, or that of a CDATA section. It does not begin with white space, which
# counts as nothing in some places: what stands before it is part of what must be the same.
_WORD = re.compile(rb"[^\s<>\"'&\0\x1b!-][^<>\"'&\0\x1b]*(?<![]!-])")
_BLANK = b" \t\n\f\r"
_OTHER = "tbwords"
_OTHERS = re.compile(rf"{_OTHER}(\d+)x")

_VALUES = frozenset(
    {"value", "nonce", "href", "action", "title", "alt", "placeholder", "aria-label", "datetime", "style"}
)
"""Attributes whose values decide nothing: not of how a page is parsed, of slots, or of what it is about."""
_OURS = ("data-slot", "data-list", "data-product", "data-tb")
"""What these begin with does, of those that are the shop's own."""
_STRUCTURAL = re.compile(r"[\w\s.#>+~*,-]+")


class Likeness(NamedTuple):
    """Which parts of a page may differ: `literals` are sizes and hashes of the parts that must be the same, `words` the
    places between them in the page that this was learnt from."""

    literals: tuple[tuple[int, int | bytes], ...]
    words: tuple[tuple[int, int], ...]

    def shifts(self, body: bytes | memoryview) -> list[int] | None:
        """The offset of this page against the learnt one, before the first word and after each; None for a page that is
        not alike."""
        at, longer = 0, [0]
        for number, (size, name) in enumerate(self.literals):
            if number:
                word = _WORD.match(body, at)
                if word is None:
                    return None
                at = word.end()
                longer.append(word.end() - word.start() - self.words[number - 1][1] + self.words[number - 1][0])
            if name_of(body[at : at + size]) != name:
                return None
            at += size
        return list(accumulate(longer)) if at == len(body) else None

    def words_before(self, position: int) -> int:
        """How many words end at or before this place of the learnt page."""
        return sum(end <= position for _, end in self.words)

    def is_within(self, start: int, end: int) -> bool:
        """Whether a word is between these places of the learnt page."""
        return any(start < stop and begun < end for begun, stop in self.words)


def name_of(text: bytes | memoryview) -> int | bytes:
    """A hash that identifies a text while this process runs. Python's own hash is keyed by a secret of the process
    (SipHash), so that nobody can make collisions; it takes 8 us for 56 KB, SHA-256 takes 27. (PYTHONHASHSEED=0 makes
    the secret known.) A view is copied first, which takes half a microsecond: to hash one, Python also hashes all that
    it is a view of."""
    return hash(bytes(text)) if sys.flags.hash_randomization else hashlib.sha256(text).digest()


def is_structural(selector: str) -> bool:
    """Whether a CSS selector depends only on tags, classes and ids."""
    return bool(_STRUCTURAL.fullmatch(selector))


def parts_of(body: bytes) -> list[bytes]:
    """The text split at the characters of markup; texts and characters alternate."""
    parts, start = [b""], 0
    while start < len(body):
        end = body.find(b"<", start + AT_A_TIME)  # no mark has one but as its first byte
        end = len(body) if end < 0 else end
        first, *others = _SPLIT.split(body[start:end])
        parts[-1] += first
        parts += others
        start = end
    return parts


def names_of(parts: Sequence[bytes]) -> array[int]:
    """A hash of each part, valid while this process runs."""
    names = array("q")
    for start in range(0, len(parts), AT_A_TIME // 8):
        names.extend(map(hash, parts[start : start + AT_A_TIME // 8]))
    return names


def changed(one: Sequence[int], other: Sequence[int]) -> frozenset[int] | None:
    """The parts in which two versions differ; None when their markup differs, or too many parts do."""
    if len(one) != len(other):
        return None
    places = frozenset(place for place, (name, now) in enumerate(zip(one, other, strict=True)) if name != now)
    return None if len(places) > MOST_WORDS or any(place % 2 for place in places) else places


def learnt(page: Markup, parts: Sequence[bytes], places: frozenset[int]) -> Likeness | None:
    """The likeness of all versions of this page that differ only in the words of these parts; None when the tree would
    change, or what is read from it."""
    words, at, last = [], 0, 0
    for place in sorted(places):
        at += sum(map(len, parts[last:place]))
        last = place
        word = parts[place].lstrip(_BLANK)
        if parts[place - 1 : place] in ([], [b"<"]) or not _WORD.fullmatch(word):
            return None
        words.append((at + len(parts[place]) - len(word), at + len(parts[place])))
    if _OTHER.encode() in page.body or not _is_the_same_tree(page, words):
        return None
    edges = [0, *(edge for word in words for edge in word), len(page.body)]
    literals = [page.body[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return Likeness(tuple((len(text), name_of(text)) for text in literals), tuple(words))


def _is_the_same_tree(page: Markup, words: Sequence[tuple[int, int]]) -> bool:
    """True when the page with other words has the same tree except for them, and none is in a place that is read."""
    tried, cursor = [], 0
    for number, (start, end) in enumerate(words):
        tried += [page.text[cursor:start], f"{_OTHER}{number}x"]
        cursor = end
    trial = Markup("".join([*tried, page.text[cursor:]]).encode("latin-1")).take()
    put_back = _PuttingBack([page.text[start:end] for start, end in words])
    put_back.all(trial)
    return put_back.found == set(range(len(words))) and trial.equals(page.document)


class _PuttingBack:
    """Puts the page's own words back in place of the substitutes. `found` are the numbers of those that were where
    words may change."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self.found: set[int] = set()

    def all(self, document: Document) -> None:
        """Those of a tree."""
        for node in document.descendants:
            if isinstance(node, Text | Comment):
                if _OTHER in node.data and not _is_read(node):
                    node.data = self._own(node.data)
            elif isinstance(node, Element):
                for name, value in node.attrs.items():
                    if isinstance(value, str) and _OTHER in value and _may_change(node, name):
                        node.attrs[name] = self._own(value)

    def _own(self, text: str) -> str:
        return _OTHERS.sub(lambda found: self._put(int(found[1])), text)

    def _put(self, number: int) -> str:
        self.found.add(number)
        return self._words[number]


def _is_read(node: Text | Comment) -> bool:
    """Whether it is JSON-LD, which says what the page is about."""
    parent = node.parent
    return isinstance(parent, Element) and parent.tag == "script" and "ld+json" in (parent.attr("type") or "").lower()


def _may_change(element: Element, name: str) -> bool:
    if name == "content":
        return element.tag == "meta" and element.attr("property") is None
    return name in _VALUES or (name.startswith("data-") and not name.startswith(_OURS))
