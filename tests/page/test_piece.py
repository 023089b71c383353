from __future__ import annotations

import gzip
import random
import zlib

import pytest

from proxy.page.piece import Piece, crc_past, joined, stored_block

SIZES = [0, 1, 7, 1023, 1024, 1025, 5_000, 70_000]


def inflated(blocks: bytes) -> bytes:
    return zlib.decompressobj(wbits=-15).decompress(blocks)


@pytest.mark.parametrize("size", SIZES)
def test_what_a_length_does_to_any_checksum_is_what_zlib_does(size: int) -> None:
    chance = random.Random(size)
    plain = chance.randbytes(size)
    for running in (0, 1, 0xFFFFFFFF, 0x80000000, *(chance.getrandbits(32) for _ in range(50))):
        assert crc_past(size)(running) ^ zlib.crc32(plain) == zlib.crc32(plain, running)


@pytest.mark.parametrize("size", SIZES)
def test_only_a_long_piece_that_is_deflated_has_tables_for_its_checksum(size: int) -> None:
    piece = Piece(bytes(size))
    assert piece.crc_past is None
    piece.deflate()
    assert (piece.crc_past is not None) == (size > 1024)
    assert piece.crc_past is None or piece.crc == zlib.crc32(bytes(size))


@pytest.mark.parametrize("size", SIZES)
def test_deflated_pieces_may_be_joined_in_any_order(size: int) -> None:
    text = (b"the same words again and again " * 3_000)[:size]
    one, other = Piece(text), Piece(text[::-1])
    assert inflated(one.deflate() + other.deflate() + one.deflate()) == text + text[::-1] + text


@pytest.mark.parametrize("size", [0, 1, 500, 65_535])
def test_stored_text_is_not_compressed(size: int) -> None:
    text = b"a" * size
    assert stored_block(text).endswith(text)
    assert inflated(Piece(b"x").deflate() + stored_block(text) + Piece(b"y").deflate()) == b"x" + text + b"y"


def test_text_too_long_for_a_block_is_refused() -> None:
    with pytest.raises(OverflowError):
        stored_block(b"a" * 65_536)


def test_what_repeats_is_deflated_well() -> None:
    assert len(Piece(b"again and " * 1_000).deflate()) < 100


def test_a_digest_names_the_content() -> None:
    assert Piece(b"a").name() == Piece(b"a").name() != Piece(b"b").name()


def test_an_empty_piece_costs_nothing() -> None:
    assert Piece(b"").deflate() == b""


def test_preparing_a_piece_changes_nothing_it_says() -> None:
    plain = b"words " * 1_000
    prepared = Piece(plain)
    prepared.prepare()
    assert prepared == Piece(plain)
    assert (
        gzip.decompress(
            b"\x1f\x8b\x08"
            + bytes(6)
            + b"\xff"
            + prepared.deflated
            + b"\x01\0\0\xff\xff"
            + prepared.crc.to_bytes(4, "little")
            + len(plain).to_bytes(4, "little")
        )
        == plain
    )


@pytest.mark.parametrize("is_lasting", [True, False])
def test_joined_pieces_are_what_they_were_apart(is_lasting: bool) -> None:
    pieces = [Piece(b"some words " * 100), Piece(b""), Piece(b"and others " * 50)]
    whole = joined(pieces, is_lasting=is_lasting)
    assert whole.plain == inflated(whole.deflated) == pieces[0].plain + pieces[2].plain
    assert whole.crc_past is None or whole.crc_past(7) ^ whole.crc == zlib.crc32(whole.plain, 7)
    assert (whole.crc_past is None) == (not is_lasting)
