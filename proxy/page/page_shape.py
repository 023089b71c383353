"""Page shapes: versions of a page that differ only in a few words, so that the slots of one are those of all.

The versions of a page for different visitors are mostly equal, except for a name, a number of items in the cart, or a
form token. If only such words differ (in text, comments, scripts, or the values of a few attributes), the tree is the
same except for them, and so is everything read from it. Whether that holds is tested as in `isolation.py`: the page is
parsed again with other words in these places, and must have the same tree except for them.

A word has no character with a meaning in HTML, and everything else must be equal byte for byte. A shape stores no bytes
of a page: the equal parts are known by their hashes.
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
CHUNK_BYTES = 32 * 1024
"""Bytes that are split or hashed at a time: 0.4 ms of work."""

_SPLIT = re.compile(rb"(<!--|-->|[<>\"'])")
# A word has no character that may have a meaning in HTML: no tag, reference or quotation begins or ends in it, nor,
# together with what surrounds it, a comment, its end, or the end of a CDATA section. It does not begin with white
# space, which is ignored in some places: that is part of what must be equal.
_WORD = re.compile(rb"[^\s<>\"'&\0\x1b!-][^<>\"'&\0\x1b]*(?<![]!-])")
_BLANK = b" \t\n\f\r"
_SUBSTITUTE = "tbwords"
_SUBSTITUTES = re.compile(rf"{_SUBSTITUTE}(\d+)x")

_HARMLESS_ATTRIBUTES = frozenset(
    {"value", "nonce", "href", "action", "title", "alt", "placeholder", "aria-label", "datetime", "style"}
)
"""Attributes whose values affect neither parsing, nor slots, nor the page's subject."""
_OWN_ATTRIBUTES = ("data-slot", "data-list", "data-product", "data-tb")
"""Prefixes of `data-` attributes whose values do affect them."""
_STRUCTURAL = re.compile(r"[\w\s.#>+~*,-]+")


class PageShape(NamedTuple):
    """Which parts of a page may differ: `literals` are the sizes and hashes of the parts that must be equal, `words`
    the (start, end) between them in the page from which the shape was made."""

    literals: tuple[tuple[int, int | bytes], ...]
    words: tuple[tuple[int, int], ...]

    def shifts(self, body: bytes | memoryview) -> list[int] | None:
        """By how many bytes this page is shifted against the original one, before the first word and after each word;
        None for a page of another shape."""
        at, longer = 0, [0]
        for number, (size, name) in enumerate(self.literals):
            if number:
                word = _WORD.match(body, at)
                if word is None:
                    return None
                at = word.end()
                longer.append(word.end() - word.start() - self.words[number - 1][1] + self.words[number - 1][0])
            if hash_of(body[at : at + size]) != name:
                return None
            at += size
        return list(accumulate(longer)) if at == len(body) else None

    def words_before(self, position: int) -> int:
        """How many words end at or before this offset of the original page."""
        return sum(end <= position for _, end in self.words)

    def is_within(self, start: int, end: int) -> bool:
        """Whether a word overlaps this range of the original page."""
        return any(start < stop and begun < end for begun, stop in self.words)


def hash_of(text: bytes | memoryview) -> int | bytes:
    """A hash that identifies a text while this process runs. Python's own hash is keyed by a secret of the process
    (SipHash), so that nobody can make collisions; it takes 8 us for 56 KB, SHA-256 takes 27. (PYTHONHASHSEED=0 makes
    the secret known.) A view is copied first, which takes half a microsecond: to hash one, Python also hashes all that
    it is a view of."""
    return hash(bytes(text)) if sys.flags.hash_randomization else hashlib.sha256(text).digest()


def is_structural(selector: str) -> bool:
    """Whether a CSS selector depends only on tags, classes and ids."""
    return bool(_STRUCTURAL.fullmatch(selector))


def parts_of(body: bytes) -> list[bytes]:
    """The page split at the characters of markup; texts and markup characters alternate."""
    parts, start = [b""], 0
    while start < len(body):
        end = body.find(b"<", start + CHUNK_BYTES)  # markup characters are split only before a `<`
        end = len(body) if end < 0 else end
        first, *others = _SPLIT.split(body[start:end])
        parts[-1] += first
        parts += others
        start = end
    return parts


def hashes_of(parts: Sequence[bytes]) -> array[int]:
    """A hash of each part, valid while this process runs."""
    names = array("q")
    for start in range(0, len(parts), CHUNK_BYTES // 8):
        names.extend(map(hash, parts[start : start + CHUNK_BYTES // 8]))
    return names


def changed_parts(one: Sequence[int], other: Sequence[int]) -> frozenset[int] | None:
    """The numbers of the parts in which two versions differ; None if their markup differs, or too many parts do."""
    if len(one) != len(other):
        return None
    places = frozenset(place for place, (name, now) in enumerate(zip(one, other, strict=True)) if name != now)
    return None if len(places) > MOST_WORDS or any(place % 2 for place in places) else places


def shape_of(page: Markup, parts: Sequence[bytes], places: frozenset[int]) -> PageShape | None:
    """The shape of all versions of this page that differ only in the words of these parts; None if the tree, or what is
    read from it, could differ too."""
    words, at, last = [], 0, 0
    for place in sorted(places):
        at += sum(map(len, parts[last:place]))
        last = place
        word = parts[place].lstrip(_BLANK)
        if parts[place - 1 : place] in ([], [b"<"]) or not _WORD.fullmatch(word):
            return None
        words.append((at + len(parts[place]) - len(word), at + len(parts[place])))
    if _SUBSTITUTE.encode() in page.body or not _has_same_tree(page, words):
        return None
    edges = [0, *(edge for word in words for edge in word), len(page.body)]
    literals = [page.body[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return PageShape(tuple((len(text), hash_of(text)) for text in literals), tuple(words))


def _has_same_tree(page: Markup, words: Sequence[tuple[int, int]]) -> bool:
    """True if the page with other words has the same tree except for them, and none of them is in a place that is
    read."""
    tried, cursor = [], 0
    for number, (start, end) in enumerate(words):
        tried += [page.text[cursor:start], f"{_SUBSTITUTE}{number}x"]
        cursor = end
    trial = Markup("".join([*tried, page.text[cursor:]]).encode("latin-1")).take()
    put_back = _WordRestorer([page.text[start:end] for start, end in words])
    put_back.restore(trial)
    return put_back.found == set(range(len(words))) and trial.equals(page.document)


class _WordRestorer:
    """Replaces the substitutes in a tree by the page's own words. `found` has the numbers of those that were in places
    where words may vary."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self.found: set[int] = set()

    def restore(self, document: Document) -> None:
        """Replaces all substitutes in a tree."""
        for node in document.descendants:
            if isinstance(node, Text | Comment):
                if _SUBSTITUTE in node.data and not _is_json_ld(node):
                    node.data = self._restored(node.data)
            elif isinstance(node, Element):
                for name, value in node.attrs.items():
                    if isinstance(value, str) and _SUBSTITUTE in value and _may_vary(node, name):
                        node.attrs[name] = self._restored(value)

    def _restored(self, text: str) -> str:
        return _SUBSTITUTES.sub(lambda found: self._take_word(int(found[1])), text)

    def _take_word(self, number: int) -> str:
        self.found.add(number)
        return self._words[number]


def _is_json_ld(node: Text | Comment) -> bool:
    """Whether it is JSON-LD, from which the page's subject is read."""
    parent = node.parent
    return isinstance(parent, Element) and parent.tag == "script" and "ld+json" in (parent.attr("type") or "").lower()


def _may_vary(element: Element, name: str) -> bool:
    if name == "content":
        return element.tag == "meta" and element.attr("property") is None
    return name in _HARMLESS_ATTRIBUTES or (name.startswith("data-") and not name.startswith(_OWN_ATTRIBUTES))
