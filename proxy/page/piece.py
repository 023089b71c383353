"""Constant bytes, coded once for all answers that contain them: deflated for gzip, or as frames of zstd.

A compressed answer is joined from pieces: each is deflated once, by itself, and ended with a full flush, so that it is
independent of its neighbours and byte-aligned. Pieces may be joined in any order into one gzip member.

For each answer only the checksum of the whole is calculated. Running a CRC-32 over a piece changes the value by a
function that is linear over GF(2) and depends only on the piece's length; the piece's own CRC is then added by xor.
zlib gives that function by running over as many zeros once for each bit; then four tables of 256 entries replace the
run over the bytes. (zlib has `crc32_combine`; Python's module does not offer it.)
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

# For a piece this short, zlib is as quick as the tables (0.35 us for 1 KB against 0.3 us), which take 4 KB each.
SHORT = 1024
_LEVEL = 9
_WINDOW = 32 * 1024
MAX_STORED_BYTES = 0xFFFF

MOST_LENGTHS = 2_048
"""The number of lengths whose tables are cached: 8 MB."""

TABLE_BYTES = 4 * 256 * 4
"""Of the tables for a length."""

CrcPast = Callable[[int], int]


class Piece:
    """Constant bytes. Derived values (deflated, checksum) are computed when first needed, and kept."""

    __slots__ = ("crc", "crc_past", "deflated", "digest", "frame", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self.deflated = b""
        self.digest = b""
        self.frame = b""
        self.crc = 0
        self.crc_past: CrcPast | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Piece) and self.plain == other.plain

    def __hash__(self) -> int:
        return hash(self.plain)

    def __repr__(self) -> str:
        return f"Piece({self.plain!r})"

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.plain)

    def deflate(self) -> bytes:
        """Makes `deflated`: raw deflate blocks that refer to nothing before them, ended on a byte; none of them is the
        last. Also the checksum of a long piece."""
        if self.plain and not self.deflated:
            self.deflated = deflated(self.plain)
            if len(self.plain) > SHORT:
                self.crc, self.crc_past = zlib.crc32(self.plain), crc_past(len(self.plain))
        return self.deflated

    def name(self) -> bytes:
        """Makes `digest`: 16 bytes that identify the content."""
        if not self.digest:
            self.digest = digest_of(self.plain)
        return self.digest

    def make_frame(self) -> bytes:
        """Makes `frame`, for pages in zstd."""
        if not self.frame:
            self.frame = frame(self.plain)
        return self.frame

    def prepare(self, *, has_frame: bool = False) -> None:
        """Makes everything now; the frame if asked to."""
        self.deflate(), self.name()
        if has_frame:
            self.make_frame()

    @property
    def coded_bytes(self) -> int:
        """The size of its codings, as far as they are made."""
        return len(self.deflated) + len(self.frame)


def digest_of(plain: bytes | memoryview) -> bytes:
    """A digest of 16 bytes."""
    return hashlib.blake2b(plain, digest_size=16).digest()


def joined(parts: Iterable[Piece], *, is_lasting: bool = True) -> Piece:
    """Several pieces as one, without deflating again. One that is not lasting is used only a few times: its checksum is
    calculated each time (1.5 us for 3.5 KB), as tables might cost 300 us first."""
    pieces = tuple(parts)
    whole = Piece(b"".join([piece.plain for piece in pieces]))
    whole.deflated = b"".join([piece.deflate() for piece in pieces])
    if is_lasting and len(whole.plain) > SHORT:
        whole.crc, whole.crc_past = zlib.crc32(whole.plain), crc_past(len(whole.plain))
    return whole


def deflated(plain: bytes, *, history: bytes = b"") -> bytes:
    """Raw deflate blocks, byte-aligned, none of them the last. They may refer to `history`, which must then come right
    before them."""
    # A short text needs no large window, and preparing one takes most of the time: 14 us instead of 70.
    window, memory = (-10, 4) if len(plain) <= SHORT and not history else (-15, 9)
    deflater = zlib.compressobj(_LEVEL, wbits=window, memLevel=memory, zdict=history[-_WINDOW:])
    return deflater.compress(plain) + deflater.flush(zlib.Z_FULL_FLUSH)


def inflated(blocks: bytes, *, history: bytes = b"") -> bytes | None:
    """The text of such blocks; None if they are broken, incomplete, or contain the last block."""
    inflater = zlib.decompressobj(wbits=-15, zdict=history[-_WINDOW:])
    try:
        plain = inflater.decompress(blocks)
    except zlib.error:
        return None
    return None if inflater.eof else plain


def stored_block(text: bytes) -> bytes:
    """`text` (at most 65,535 bytes) as one uncompressed deflate block, not the last.

    Text of a visitor is never compressed, and nothing compressed refers to it: the length of an answer tells nothing
    of how alike it is to what else is in the page (the BREACH attack).
    """
    length = len(text)
    return b"\0" + length.to_bytes(2, "little") + (length ^ MAX_STORED_BYTES).to_bytes(2, "little") + text


@lru_cache(MOST_LENGTHS)
def crc_past(size: int) -> CrcPast:
    """The function that maps the CRC-32 of any bytes to that of the same followed by `size` zeros, by four look-ups.
    Its value xor the CRC-32 of `size` bytes is the checksum of both together."""
    zeros = bytes(size)
    constant = zlib.crc32(zeros)
    of_bit = [zlib.crc32(zeros, 1 << bit) ^ constant for bit in range(32)]
    low, second, third, high = (_table(of_bit[bit : bit + 8]) for bit in range(0, 32, 8))
    return lambda crc: low[crc & 255] ^ second[crc >> 8 & 255] ^ third[crc >> 16 & 255] ^ high[crc >> 24]


def _table(of_bit: list[int]) -> array[int]:
    values = [0]
    for change in of_bit:
        values += [value ^ change for value in values]
    return array("I", values)


# -- Pages in zstd: each piece is a frame, compressed once. An answer is a sequence of frames, which decoders read as
# one text (RFC 8878 section 3.1). Nothing is calculated for an answer, not even a checksum.
# There are no seams between frames, so a popular page is larger than in gzip.

LEVEL = 9
"""Half a millisecond for a page of 60 KB, and 6 % smaller than zlib at its best. Level 12 takes twice that for 1 %."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_ONE_SEGMENT = 0x20  # its window is its size, which is told
_TWO_BYTES = 0x40  # in which that size is told, less 256
_LAST_RAW_BLOCK = 1


zstandard: Any = import_module("zstandard") if find_spec("zstandard") else None
"""None if the extra `codings` is not installed."""


def frame(plain: bytes) -> bytes:
    """The text as a frame."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=True)
    return bytes(compressor.compress(plain)) if plain else b""


def raw_frame(text: bytes) -> bytes:
    """A text of at most 65,535 bytes as a frame that does not compress it: as for gzip (`piece.py`), a visitor's own
    words must not show in the length of an answer (the BREACH attack)."""
    size = len(text)
    if not size:
        return b""
    told = bytes((_ONE_SEGMENT, size)) if size < 256 else bytes((_ONE_SEGMENT | _TWO_BYTES,)) + _little(size - 256, 2)
    return _MAGIC + told + _little(size << 3 | _LAST_RAW_BLOCK, 3) + text


def _little(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little")
