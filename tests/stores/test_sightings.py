from __future__ import annotations

from proxy.model import Product, Sighting
from proxy.stores.sightings import packed, unpacked

MAT = Sighting("MAT", 1.0, Product("MAT", "Mat", "/p/MAT"))


def test_the_last_word_on_a_product_is_packed() -> None:
    gone = Sighting("MAT", 2.0, None)
    assert list(packed([MAT, Sighting("A", 1.0, None), gone])) == ["A", "MAT"]
    assert unpacked(packed([MAT, gone]).values()) == [gone]


def test_what_cannot_be_read_is_left_out() -> None:
    (line,) = packed([MAT]).values()
    assert unpacked([b"", None, b"junk", line[:-1], line]) == [MAT]
