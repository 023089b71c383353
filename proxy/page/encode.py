"""Joins a page's pieces with what fills its slots into the bytes of one answer.

Nothing is compressed here. An answer in gzip is one member (browsers stop after the first): blocks deflated beforehand,
independent ones (`piece.py`) and, for content that is often shown, such as refer to the text before them (seams);
stored blocks for a visitor's words; and a checksum combined of those of the parts. In zstd it is made of frames
(`piece.py`). In every coding the decoded answer is the same bytes, and they depend on the arguments alone.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from proxy.model import Attributes
from proxy.page.fragments import Fragment
from proxy.page.piece import Piece, raw_frame, stored_block
from proxy.page.product_row import VisitorFragment
from proxy.page.template import Seam, Template

Coding = Literal["identity", "gzip", "zstd"]
Content = Piece | Sequence[Piece | bytes]
"""The content of a slot: constant, or pieces with a visitor's own words between them."""

AT_ONCE_BYTES = 65_536
"""The largest answer that is joined and written at once: more would wait in memory for a slow client."""

_CODED = {"identity": b"", "gzip": b"content-encoding: gzip\r\n", "zstd": b"content-encoding: zstd\r\n"}
# RFC 1952: deflate, no flags, no time, no hint of effort, unknown system. Same page, same bytes.
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x01\x00\x00\xff\xff"


class Assembled(msgspec.Struct, gc=False):
    """An answer's body: `chunks` of `length` bytes in all, in `coding`; its weak entity tag; and `lines`, the fields
    that follow from the bytes, with what is `told` beside them. `is_settled`: it can be cached, as building it again
    would give nothing smaller, and it has no visitor's own words."""

    chunks: Sequence[bytes]
    length: int
    etag: bytes
    coding: Coding
    is_settled: bool = False
    told: bytes = b""
    lines: bytes = b""

    def __post_init__(self) -> None:
        self.lines = header_lines(self.etag, self.coding, self.length) + self.told


def header_lines(etag: bytes, coding: Coding, length: int) -> bytes:
    """The header lines that follow from a page's bytes; `etag` is empty for none."""
    tag = b"etag: %b\r\n" % etag if etag else b""
    return b"%b%bcontent-length: %d\r\n" % (tag, _CODED[coding], length)


def gzipped(chunks: Sequence[bytes | memoryview]) -> bytes:
    """A page in gzip for one visitor: with the least effort, since nobody else gets it."""
    return gzip.compress(b"".join(chunks), 1, mtime=0)


def assemble(
    template: Template,
    fills: Sequence[Fragment | None],
    attributes: Attributes,
    *,
    coding: Coding,
    key: bytes,
    told: bytes = b"",
) -> Assembled:
    """The page for one visitor. `fills` are in the order of `template.slots`; None leaves the page's default. `told`
    are header lines, which the entity tag names as it does the bytes: with a 304, a client keeps the lines it has.

    `key` (1 to 64 secret bytes) keys the entity tag: without it, a tag would let anyone who sees it try guesses at
    what the page said to somebody. In gzip the answer has the seams that the template has by now, and the template
    notes those that it lacks.
    """
    contents = [
        default if fill is None else fill.constant or fill.fill(attributes)
        for fill, default in zip(fills, template.defaults, strict=True)
    ]
    if coding == "gzip":
        parts = _with_seams(template, fills, contents)
        chunks, etag, is_settled = _gzip(parts), _etag(parts, coding, key, told), len(parts) == 1 + len(contents)
    else:
        pieces = _pieces(template, contents)
        chunks = _zstd(pieces) if coding == "zstd" else plain_of(pieces)
        etag, is_settled = _etag(pieces, coding, key, told), all(isinstance(content, Piece) for content in contents)
    return Assembled(tuple(chunks), sum(map(len, chunks)), etag, coding, is_settled, told)


def _pieces(template: Template, contents: Sequence[Content]) -> list[Piece | bytes]:
    parts: list[Piece | bytes] = [template.statics[0]]
    for content, static in zip(contents, template.statics[1:], strict=True):
        if isinstance(content, Piece):
            parts.append(content)
        else:
            parts += content
        parts.append(static)
    return parts


def _with_seams(
    template: Template, fills: Sequence[Fragment | None], contents: Sequence[Content]
) -> list[Piece | Seam | bytes]:
    """The parts, with the available seams in place of pieces. What is made for one visitor will not be asked for again:
    to count it would take memory with each page view."""
    seams, statics = template.seams, template.statics
    parts: list[Piece | Seam | bytes] = [statics[0]]
    for slot, content in enumerate(contents):
        if not isinstance(content, Piece):
            parts += (*content, statics[slot + 1])
        elif (seam := seams.made[slot].get(content.digest or content.name())) is not None:
            parts.append(seam)
        else:
            if not isinstance(fills[slot], VisitorFragment):
                seams.note_missing(slot, content)
            parts += (content, statics[slot + 1])
    return parts


def plain_of(parts: Sequence[Piece | bytes]) -> list[bytes]:
    """The uncoded bytes of a content."""
    return [part.plain if isinstance(part, Piece) else part for part in parts]


def _zstd(parts: Sequence[Piece | bytes]) -> list[bytes]:
    return [part.frame or part.make_frame() if isinstance(part, Piece) else raw_frame(part) for part in parts]


def _gzip(parts: Sequence[Piece | Seam | bytes]) -> list[bytes]:
    chunks, crc, size = [_GZIP_HEAD], 0, 0
    for part in parts:
        if isinstance(part, Piece):  # asked first: most parts are
            chunks.append(part.deflated or part.deflate())
            past, plain = part.crc_past, part.plain
            if past is None:
                crc = zlib.crc32(plain, crc)
            else:  # the first has none before it, and nothing past nothing is nothing
                crc = past(crc) ^ part.crc if crc else part.crc
            size += len(plain)
        elif isinstance(part, Seam):
            chunks.append(part.deflated)
            crc = part.crc_past(crc) ^ part.crc
            size += part.size
        else:
            chunks.append(stored_block(part))
            crc = zlib.crc32(part, crc)
            size += len(part)
    chunks.append(_LAST_BLOCK + crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"))
    return chunks


def _etag(parts: Sequence[Piece | Seam | bytes], coding: Coding, key: bytes, told: bytes) -> bytes:
    """The weak entity tag: weak, as the same page in another coding, or with other seams, has other bytes (RFC 9110
    8.8.1). Digests have one length (a seam has those of its pieces) and texts are preceded by theirs, so that different
    pages never give the same input to the hash."""
    named = [b"%d:%b" % (len(part), part) if isinstance(part, bytes) else part.digest or part.name() for part in parts]
    return tag_of([*named, told], coding, key)


def name_in_tag(content: Content) -> bytes:
    """The name of a content in the entity tag."""
    if isinstance(content, Piece):
        return content.digest or content.name()
    return b"".join([b"%d:%b" % (len(part), part) if isinstance(part, bytes) else part.name() for part in content])


def tag_of(names: Iterable[bytes], coding: Coding, key: bytes) -> bytes:
    """The entity tag of a page whose parts have these names."""
    hashed = _keyed(key, coding).copy()  # half the time of a new one
    hashed.update(b"".join(names))
    return b'W/"%b"' % hashed.hexdigest().encode()


@lru_cache(maxsize=8)
def _keyed(key: bytes, coding: Coding) -> hashlib.blake2b:
    return hashlib.blake2b(coding.encode(), digest_size=16, key=key)
