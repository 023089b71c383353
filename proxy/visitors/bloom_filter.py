"""A Bloom filter of texts: two bytes each, whatever their length. It never misses a text that is in it; now and then it
takes another for one of them.

Each text has two bits, chosen by Python's own hash of it, which has a different secret in each process, so that nobody
can make up texts that collide. Asking takes a third of a microsecond.
"""

from __future__ import annotations

from collections.abc import Iterable

BITS_EACH = 10
"""At least, with as many in it as it has room for: then one stranger in 30 is taken for one of its own; one in 100 on
the average, since the bits are doubled where they are not enough."""
MOST_BITS = 1 << 28
"""32 MB, for some 27 million. Where there are more, more strangers are taken for one of them."""


class BloomFilter:
    """Sized for at least so many texts; `is_full` when it holds more."""

    __slots__ = ("_bits", "_many", "_mask", "_room")

    def __init__(self, room: int) -> None:
        bits = min(1 << (max(room, 1) * BITS_EACH - 1).bit_length(), MOST_BITS)
        self._bits = bytearray(bits // 8)
        self._mask = bits - 1
        self._room = bits // BITS_EACH if bits < MOST_BITS else bits
        self._many = 0

    @property
    def is_full(self) -> bool:
        """True when it should be replaced by a larger one."""
        return self._many > self._room

    def add(self, text: str) -> None:
        """Puts a text in."""
        if text not in self:
            number, mask, bits = hash(text), self._mask, self._bits
            for place in (number & mask, number >> 32 & mask):
                bits[place >> 3] |= 1 << (place & 7)
            self._many += 1

    def add_all(self, texts: Iterable[str]) -> None:
        """Puts texts in."""
        for text in texts:
            self.add(text)

    def __contains__(self, text: str) -> bool:
        number, mask, bits = hash(text), self._mask, self._bits
        place = number & mask
        if not bits[place >> 3] >> (place & 7) & 1:
            return False
        place = number >> 32 & mask
        return bool(bits[place >> 3] >> (place & 7) & 1)
