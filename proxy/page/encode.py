"""Joins a page's pieces with what fills its slots into the bytes of one answer.

Nothing is compressed here. An answer in gzip is one member (browsers stop after the first) made of blocks deflated
beforehand, of a visitor's words as stored blocks, and of a checksum worked out from that of each piece (`piece.py`).
The law: whatever the coding, the decoded answer is the same bytes, and they depend on the arguments alone.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from proxy.model import Attributes
from proxy.page.fragments import Fragment
from proxy.page.piece import Piece, stored
from proxy.page.template import Template

Coding = Literal["identity", "gzip"]

# RFC 1952: deflate, no flags, no time, no hint of effort, unknown system. Same page, same bytes.
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x01\x00\x00\xff\xff"


@dataclass(frozen=True, slots=True)
class Assembled:
    """The body in `chunks`, `length` bytes in all, in the coding asked for; and its weak entity tag."""

    chunks: list[bytes]
    length: int
    etag: bytes


def assemble(
    template: Template,
    fills: Sequence[Fragment | None],
    attributes: Attributes,
    *,
    coding: Coding,
    key: bytes,
) -> Assembled:
    """The page for one visitor. `fills` are in the order of `template.slots`; None leaves the page's default.

    `key` (1 to 64 secret bytes) keys the entity tag: without it, a tag would let anyone who sees it try guesses at
    what the page said to somebody.
    """
    parts: list[Piece | bytes] = [template.statics[0]]
    for fill, default, static in zip(fills, template.defaults, template.statics[1:], strict=True):
        if fill is None:
            parts.append(default)
        else:
            parts += fill.fill(attributes)
        parts.append(static)
    chunks = _gzip(parts) if coding == "gzip" else _identity(parts)
    return Assembled(chunks, sum(map(len, chunks)), _etag(template, parts, coding, key))


def _identity(parts: Sequence[Piece | bytes]) -> list[bytes]:
    return [part.plain if isinstance(part, Piece) else part for part in parts]


def _gzip(parts: Sequence[Piece | bytes]) -> list[bytes]:
    chunks, crc, size = [_GZIP_HEAD], 0, 0
    for part in parts:
        if isinstance(part, Piece):
            chunks.append(part.deflated)
            crc = part.crc_after(crc)
            size += len(part.plain)
        else:
            chunks.append(stored(part))
            crc = zlib.crc32(part, crc)
            size += len(part)
    chunks.append(_LAST_BLOCK + crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"))
    return chunks


def _etag(template: Template, parts: Sequence[Piece | bytes], coding: Coding, key: bytes) -> bytes:
    """Weak, since the same page in another coding is other bytes (RFC 9110 8.8.1). Digests have one length and texts
    are preceded by theirs, so no two pages feed the hash alike."""
    named = [part.digest if isinstance(part, Piece) else b"%d:%b" % (len(part), part) for part in parts]
    hashed = hashlib.blake2b(b"".join((coding.encode(), template.digest, *named)), digest_size=16, key=key)
    return b'W/"%b"' % hashed.hexdigest().encode()
