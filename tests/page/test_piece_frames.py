"""Frames of zstd, one after the other, are one text."""

from __future__ import annotations

import random

import pytest
import zstandard

from proxy.page.piece import frame, raw_frame

TEXT = b"<p>word and word again</p>" * 3_000


def read(frames: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(frames, read_across_frames=True).readall()


def test_frames_are_read_as_one_text() -> None:
    assert read(frame(TEXT) + raw_frame(b"Anna") + frame(b"") + raw_frame(b"") + frame(b"x")) == TEXT + b"Annax"
    assert len(frame(TEXT)) < len(TEXT) // 50


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 4_095, 65_535])
def test_a_visitors_words_stand_as_they_are_and_their_size_is_reported(size: int) -> None:
    text = random.Random(size).randbytes(size)
    made = raw_frame(text)
    assert made.endswith(text)
    assert len(made) <= size + 11
    assert read(made) == text
    assert zstandard.frame_content_size(made) == size


def test_a_name_that_repeats_what_stands_beside_it_makes_the_page_no_shorter() -> None:
    pages = [frame(TEXT) + raw_frame(name) for name in (b"word and word again" * 10, random.Random(1).randbytes(190))]
    assert len(pages[0]) == len(pages[1])
