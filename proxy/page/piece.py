"""A run of constant bytes, ready for any answer it may become part of.

A compressed answer is stitched: each piece is deflated once, alone, and ended with a full flush, so that it is
independent of its neighbours and byte-aligned. Such pieces may be joined in any order into one gzip member.

What remains per answer is the checksum of the whole. Running a CRC-32 over a piece changes the running value by a
function that is linear over GF(2) and depends on the piece's length alone; to that comes, by xor, the piece's own CRC.
So zlib itself tells that function by running over as many zeros once for each bit, and four tables of 256 then replace
the run over the bytes. (zlib has `crc32_combine`; Python's module does not offer it.)
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Callable, Iterable
from functools import lru_cache

from proxy.page.frames import frame

# Of a piece this short, zlib is as quick as the tables (0.35 us for 1 KB against 0.3 us), and they cost 4 KB each.
SHORT = 1024
_LEVEL = 9
_WINDOW = 32 * 1024
MAX_STORED_BYTES = 0xFFFF

MOST_LENGTHS = 2_048
"""Of pieces, whose tables are kept: 8 MB."""

TABLE_BYTES = 4 * 256 * 4
"""What they take for a length."""

Past = Callable[[int], int]


class Piece:
    """Constant bytes. Derived values (deflated, checksum) are computed when first needed, and kept."""

    __slots__ = ("crc", "crc_past", "deflated", "digest", "frame", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self.deflated = b""
        self.digest = b""
        self.frame = b""
        self.crc = 0
        self.crc_past: Past | None = None

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
        last. And what tells the checksum of a long piece."""
        if self.plain and not self.deflated:
            self.deflated = deflated(self.plain)
            if len(self.plain) > SHORT:
                self.crc, self.crc_past = zlib.crc32(self.plain), past(len(self.plain))
        return self.deflated

    def name(self) -> bytes:
        """Makes `digest`: 16 bytes that name the content."""
        if not self.digest:
            self.digest = digest_of(self.plain)
        return self.digest

    def make_frame(self) -> bytes:
        """Makes `frame`, for pages in zstd."""
        if not self.frame:
            self.frame = frame(self.plain)
        return self.frame

    def prepare(self, *, has_frame: bool = False) -> None:
        """Works everything out now; its frame too, if it is to have one."""
        self.deflate(), self.name()
        if has_frame:
            self.make_frame()

    @property
    def coded_bytes(self) -> int:
        """What its codings take, as far as they are made."""
        return len(self.deflated) + len(self.frame)


def digest_of(plain: bytes | memoryview) -> bytes:
    """16 bytes that name it."""
    return hashlib.blake2b(plain, digest_size=16).digest()


def joined(parts: Iterable[Piece], *, is_lasting: bool = True) -> Piece:
    """One piece of several; what is deflated already is not deflated again. One that is not lasting will be asked for a
    few times only: its checksum is worked out each time (1.5 us for 3.5 KB), where tables might cost 300 us first."""
    pieces = tuple(parts)
    whole = Piece(b"".join([piece.plain for piece in pieces]))
    whole.deflated = b"".join([piece.deflate() for piece in pieces])
    if is_lasting and len(whole.plain) > SHORT:
        whole.crc, whole.crc_past = zlib.crc32(whole.plain), past(len(whole.plain))
    return whole


def deflated(plain: bytes, *, history: bytes = b"") -> bytes:
    """Raw deflate blocks, ended on a byte, none of them the last. They may refer to `history`, which must then stand
    right before them."""
    # Of a short text, most of the time goes into making ready a window it does not need: 14 us instead of 70.
    window, memory = (-10, 4) if len(plain) <= SHORT and not history else (-15, 9)
    deflater = zlib.compressobj(_LEVEL, wbits=window, memLevel=memory, zdict=history[-_WINDOW:])
    return deflater.compress(plain) + deflater.flush(zlib.Z_FULL_FLUSH)


def inflated(blocks: bytes, *, history: bytes = b"") -> bytes | None:
    """What `deflated` was given; None for blocks that are broken, incomplete, or hold the last one."""
    inflater = zlib.decompressobj(wbits=-15, zdict=history[-_WINDOW:])
    try:
        plain = inflater.decompress(blocks)
    except zlib.error:
        return None
    return None if inflater.eof else plain


def stored(text: bytes) -> bytes:
    """`text` (at most 65,535 bytes) as one uncompressed deflate block, not the last.

    Text of a visitor is never compressed, and nothing compressed refers to it: the length of an answer tells nothing
    of how alike it is to what else is in the page (the BREACH attack).
    """
    length = len(text)
    return b"\0" + length.to_bytes(2, "little") + (length ^ MAX_STORED_BYTES).to_bytes(2, "little") + text


@lru_cache(MOST_LENGTHS)
def past(size: int) -> Past:
    """What running over `size` bytes does to the CRC-32 of what stands before them, by four look-ups. That, xor their
    own, is the checksum of both."""
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
