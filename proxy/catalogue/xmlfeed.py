"""Rows of a Google Merchant feed in XML: the `item`s of RSS 2.0, the `entry`s of Atom, each with the line it begins on.

A feed comes from outside, so nothing in it may define or fetch anything: a document that declares an entity is refused
whole (a kilobyte of them unfolds to gigabytes, and one may name a file of this machine). Where XML is broken, reading
goes on behind the item at fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from proxy.catalogue.products import Problem

MAX_TEXT = 20_000
_ITEMS = ("item", "entry")
_BEGIN = re.compile(rb"<(?:item|entry)[\s>]")
_BLOCK = 16_384
"""So much is given to the parser at a time: of a feed whose every item is broken it copies no more for each."""
_LONGEST_TAG = 1_000_000
"""Of a tag or comment: the parser begins one anew with each block until it has all of it."""
_PROLOG = b'<feed xmlns:g="g" xmlns:c="c">'
_ENTITY_HELP = "write the text itself, with &amp; for &, and remove the DOCTYPE"


class _Refused(Exception):
    """Says what may not stand in a feed."""

    def __init__(self, what: str, help: str = _ENTITY_HELP) -> None:
        super().__init__(what)
        self.help = help


def xml_rows(data: bytes) -> Iterator[tuple[int, dict[str, str]] | Problem]:
    """Each item's words by the names of its elements, without their prefix. What stands in an element more than once
    counts the first time."""
    start, lines_before = 0, 0
    while True:
        reader = _Reader(lines_before)
        try:
            if start:
                reader.feed(_PROLOG)
            for at in range(start, len(data), _BLOCK):
                reader.feed(data[at : at + _BLOCK])
            reader.feed(b"", is_last=True)
        except _Refused as refused:
            yield from reader.rows
            yield Problem(reader.line, str(refused), refused.help)
            return
        except expat.ExpatError as error:
            yield from reader.rows
            broken = start + max(reader.parser.ErrorByteIndex - (len(_PROLOG) if start else 0), 0)
            again = _BEGIN.search(data, max(broken, start + 1))
            if start and error.code == _MISMATCH and not reader.is_inside and again is None:
                return  # the end tags of what our own beginning stands for
            yield Problem(
                reader.item_line or lines_before + error.lineno,
                f"this XML is broken: {expat.ErrorString(error.code)} on line {lines_before + error.lineno}",
                "write &amp; for & and &lt; for <, and close every element; the item is left out",
            )
            if again is None:
                return
            lines_before += data.count(b"\n", start, again.start())
            start = again.start()
            continue
        yield from reader.rows
        return


_MISMATCH = expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]


class _Reader:
    """Collects items from the parser's events."""

    def __init__(self, lines_before: int) -> None:
        self.rows: list[tuple[int, dict[str, str]] | Problem] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity
        self.parser.ExternalEntityRefHandler = self._external
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.item_line = 0
        self._lines_before = lines_before
        self._words: dict[str, str] = {}
        self._depth = self._fed = 0
        self._item_depth = 0
        self._parts: list[str] = []

    @property
    def is_inside(self) -> bool:
        """True within an item."""
        return bool(self._item_depth)

    @property
    def line(self) -> int:
        """The line the parser is at."""
        return self._lines_before + self.parser.CurrentLineNumber

    def feed(self, data: bytes, *, is_last: bool = False) -> None:
        self.parser.Parse(data, is_last)
        self._fed += len(data)
        if self._fed - self.parser.CurrentByteIndex > _LONGEST_TAG:
            raise _Refused(f"a tag or comment has more than {_LONGEST_TAG:,} bytes", "leave it out, or close it")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        local = name.rpartition(":")[2].lower()
        if not self._item_depth and local in _ITEMS:
            self._item_depth, self.item_line, self._words = self._depth, self.line, {}
        elif self._item_depth and self._depth == self._item_depth + 1:
            self._parts = []
            if local == "link" and (address := attributes.get("href")):
                self._words.setdefault("link", address)

    def _end(self, name: str) -> None:
        if self._item_depth and self._depth == self._item_depth + 1:
            text = "".join(self._parts).strip()[:MAX_TEXT]
            if text:
                self._words.setdefault(name.rpartition(":")[2].lower(), text)
        elif self._depth == self._item_depth:
            self.rows.append((self.item_line, self._words))
            self._item_depth = self.item_line = 0
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._item_depth and self._depth == self._item_depth + 1:
            self._parts.append(text)

    def _entity(self, name: str, *_: object) -> None:
        raise _Refused(f"the document defines an entity, `{name}`")

    def _external(self, *_: object) -> bool:
        raise _Refused("the document refers to another file")
