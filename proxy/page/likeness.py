"""What two versions of one page may differ in so that its slots stand where they stood: words.

A page that is its visitor's own is mostly the page it was: another name, another count in the cart, another token in
a form. Where only such words changed, in text, comments, scripts, or the values of a few attributes, the tree is the
same but for them, and so is all that we read in it. Which places these are is tried, as in `isolation.py`: the
page is parsed again with other words there, and must be the same tree but for that.

Its law: a word holds nothing that HTML takes for more than a character, and all else of a page is the same byte for
byte. No byte of a page stays here: what must be the same is known by its name.
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
    """Which parts of a page may differ: `literals` are sizes and hashes of what must be the same, `words` the places
    between them, in the page this was learnt from."""

    literals: tuple[tuple[int, int | bytes], ...]
    words: tuple[tuple[int, int], ...]

    def shifts(self, body: bytes | memoryview) -> list[int] | None:
        """How much further on everything stands in this page, before the first word and after each; None for a page
        that is not alike."""
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
        """How many words end at or before this place, of the page that this was learnt from."""
        return sum(end <= position for _, end in self.words)

    def is_within(self, start: int, end: int) -> bool:
        """Whether a word stands between these places of that page."""
        return any(start < stop and begun < end for begun, stop in self.words)


def name_of(text: bytes | memoryview) -> int | bytes:
    """What tells a text from all others, while this process runs. Python's own hash is keyed by a secret of the process
    (SipHash), so that nobody can make two texts of one name, and takes 8 us for 56 KB where SHA-256 takes 27. Whoever
    sets PYTHONHASHSEED to 0 gives the secret away."""
    return hash(text) if sys.flags.hash_randomization else hashlib.sha256(text).digest()


def is_structural(selector: str) -> bool:
    """Whether what a CSS selector finds depends on tags, classes and ids alone."""
    return bool(_STRUCTURAL.fullmatch(selector))


def parts_of(body: bytes) -> list[bytes]:
    """What stands between the marks of markup, and the marks, in turns."""
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
    """A number for each part, the same only while this process runs."""
    names = array("q")
    for start in range(0, len(parts), AT_A_TIME // 8):
        names.extend(map(hash, parts[start : start + AT_A_TIME // 8]))
    return names


def changed(one: Sequence[int], other: Sequence[int]) -> frozenset[int] | None:
    """Which parts are not the same in two versions; None when their marks are not the same, or too much differs."""
    if len(one) != len(other):
        return None
    places = frozenset(place for place, (name, now) in enumerate(zip(one, other, strict=True)) if name != now)
    return None if len(places) > MOST_WORDS or any(place % 2 for place in places) else places


def learnt(page: Markup, parts: Sequence[bytes], places: frozenset[int]) -> Likeness | None:
    """The likeness of all versions of this page that differ in the words of these parts; None when its tree would not
    be the same, or what is read in it."""
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
    """True when the page with other words is the same tree but for them, and none stands where it counts."""
    tried, cursor = [], 0
    for number, (start, end) in enumerate(words):
        tried += [page.text[cursor:start], f"{_OTHER}{number}x"]
        cursor = end
    trial = Markup("".join([*tried, page.text[cursor:]]).encode("latin-1")).take()
    put_back = _PuttingBack([page.text[start:end] for start, end in words])
    put_back.all(trial)
    return put_back.found == set(range(len(words))) and trial.equals(page.document)


class _PuttingBack:
    """Puts a page's own words back in place of the others. `found` are the numbers of those that stood where words may
    change."""

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
    """What says in JSON-LD what a page is about."""
    parent = node.parent
    return isinstance(parent, Element) and parent.tag == "script" and "ld+json" in (parent.attr("type") or "").lower()


def _may_change(element: Element, name: str) -> bool:
    if name == "content":
        return element.tag == "meta" and element.attr("property") is None
    return name in _VALUES or (name.startswith("data-") and not name.startswith(_OURS))
