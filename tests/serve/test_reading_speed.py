from __future__ import annotations

from proxy.serve.reading_speed import MANY_TAGS, QUICK_BYTES, QUICK_SECONDS, TAG_SECONDS, ReadingSpeed

PAGE = b"<p>text</p>" * 500


def test_pages_are_quick_until_reading_took_long() -> None:
    speed = ReadingSpeed()
    assert speed.is_quick(PAGE)
    for _ in range(10):
        speed.learn(PAGE, 4 * QUICK_SECONDS)
    assert not speed.is_quick(PAGE)
    assert speed.is_quick(PAGE[: len(PAGE) // 8])
    for _ in range(10):
        speed.learn(PAGE, QUICK_SECONDS / 2)
    assert speed.is_quick(PAGE)


def test_one_slow_page_does_not_tell_how_long_the_next_takes() -> None:
    speed = ReadingSpeed()
    speed.learn(PAGE, 2 * QUICK_SECONDS)
    assert speed.is_quick(PAGE)


def test_a_small_page_tells_nothing_and_a_large_one_is_never_quick() -> None:
    speed = ReadingSpeed()
    speed.learn(b"<p>" * (MANY_TAGS // 2), 1.0)
    assert speed.is_quick(PAGE)
    assert not speed.is_quick(b" " * (QUICK_BYTES + 1))
    assert not speed.is_quick(b"<p>" * round(1.1 * QUICK_SECONDS / TAG_SECONDS))
