from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from proxy.httpcache.response_cache import (
    MAX_VARIANTS,
    OVERHEAD_BYTES,
    ResponseCache,
)
from proxy.model import Headers

DUTCH = ((b"accept-language", b"nl"),)
FRENCH = ((b"accept-language", b"fr"),)


class Asks(NamedTuple):
    headers: Headers


NOBODY = Asks(())


def room_for(entries: int) -> int:
    return entries * (OVERHEAD_BYTES + 1 + 100)  # keys of one byte, bodies of a hundred


def test_an_entry_is_found_under_its_key() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(2))
    assert memory.put(b"a", (), "home", 100)
    assert (memory.get(b"a", NOBODY), memory.get(b"b", NOBODY)) == ("home", None)


def test_variants_are_selected_by_their_vary_fields() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(3))
    memory.put(b"a", DUTCH, "thuis", 100)
    memory.put(b"a", FRENCH, "accueil", 100)
    assert (memory.get(b"a", Asks(DUTCH)), memory.get(b"a", Asks(FRENCH)), memory.get(b"a", NOBODY)) == (
        "thuis",
        "accueil",
        None,
    )
    assert memory.varying_names(b"a") == {b"accept-language"}


def test_what_came_without_vary_fits_nobody_once_the_origin_tells_requests_apart() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(3))
    memory.put(b"a", (), "home", 100)
    memory.put(b"a", DUTCH, "thuis", 100)
    assert (memory.get(b"a", Asks(DUTCH)), memory.get(b"a", Asks(FRENCH))) == ("thuis", None)


def test_single_gives_the_only_variant_once_it_was_requested() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(3))
    memory.put(b"a", (), "home", 100)
    assert memory.single(b"a") is None
    memory.get(b"a", NOBODY)
    assert (memory.single(b"a"), memory.single(b"b")) == ("home", None)
    memory.put(b"a", DUTCH, "thuis", 100)
    assert memory.single(b"a") is None
    memory.put(b"b", DUTCH, "thuis", 100)
    memory.get(b"b", NOBODY)
    assert memory.single(b"b") is None


def test_single_counts_as_use_like_get() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(4))
    for key in (b"a", b"b", b"c"):
        memory.put(key, (), key.decode(), 100)
        memory.get(key, NOBODY)
    assert memory.single(b"a") == "a"
    memory.put(b"d", (), "d", 100)
    memory.get(b"d", NOBODY)  # three of four may be hot
    assert [memory.single(key) for key in (b"a", b"b", b"c", b"d")] == ["a", None, "c", "d"]


def test_changes_of_entries_are_counted_and_reads_are_not() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(2))
    changing: list[Callable[[], object]] = [
        lambda: memory.put(b"a", (), "home", 100),
        lambda: memory.put(b"a", (), "home again", 100),
        lambda: memory.replace_entries(b"a", str.upper),
        lambda: memory.discard(b"a"),
        lambda: memory.put(b"a", (), "home", 100),
        lambda: memory.shrink(memory.used_bytes),
    ]
    for change in changing:
        before = memory.changes
        memory.get(b"a", NOBODY)
        memory.single(b"a")
        assert memory.changes == before
        change()
        assert memory.changes > before


def test_a_newer_answer_replaces_the_older_one_and_its_bytes() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(1))
    memory.put(b"a", (), "old", 100)
    memory.put(b"a", (), "new", 100)
    assert (memory.get(b"a", NOBODY), len(memory), memory.used_bytes) == ("new", 1, room_for(1))


def test_shrinking_evicts_the_least_recently_used_and_growing_raises_the_limit_again() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(100))
    for number in range(100):
        memory.put(bytes((number,)), (), "x", 100)
    memory.shrink(room_for(60))
    assert (len(memory), memory.get(bytes((59,)), NOBODY), memory.get(bytes((60,)), NOBODY)) == (40, None, "x")
    memory.put(b"a", (), "new", 100)
    assert len(memory) == 40, "what is new takes the place of what is old"
    for _ in range(100):
        memory.grow()
    for number in range(200):
        memory.put(b"%03d" % number, (), "x", 98)
    assert len(memory) == 100
    memory.shrink(room_for(1_000))
    assert 0 < memory.used_bytes <= room_for(100) // 64 + room_for(1)


def test_the_least_recently_used_is_evicted_first() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(2))
    memory.put(b"a", (), "a", 100)
    memory.put(b"b", (), "b", 100)
    memory.get(b"a", NOBODY)
    memory.put(b"c", (), "c", 100)
    assert [memory.get(key, NOBODY) for key in (b"a", b"b", b"c")] == ["a", None, "c"]


def test_an_entry_larger_than_the_cache_is_refused_and_removes_the_old_one() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(1))
    memory.put(b"a", (), "old", 100)
    assert not memory.put(b"a", (), "huge", 101)
    assert (memory.get(b"a", NOBODY), memory.used_bytes) == (None, 0)


def test_variants_of_one_key_are_limited_and_the_oldest_is_dropped() -> None:
    memory: ResponseCache[int] = ResponseCache(room_for(1000))
    for number in range(MAX_VARIANTS + 1):
        memory.put(b"a", ((b"user-agent", str(number).encode()),), number, 100)
    assert len(memory) == MAX_VARIANTS
    assert memory.get(b"a", Asks(((b"user-agent", b"0"),))) is None
    assert memory.get(b"a", Asks(((b"user-agent", b"1"),))) == 1


def test_discarding_a_key_removes_all_its_entries() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(3))
    memory.put(b"a", DUTCH, "thuis", 100)
    memory.put(b"a", FRENCH, "accueil", 100)
    memory.discard(b"a")
    assert (len(memory), memory.used_bytes) == (0, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "nl", "fr"]), st.integers(0, 20_000)), max_size=60
    )
)
def test_used_bytes_are_the_sum_of_sizes_and_never_exceed_the_limit(puts: list[tuple[str, str, int]]) -> None:
    memory: ResponseCache[int] = ResponseCache(40_000)
    for key, language, size in puts:
        memory.put(key.encode(), ((b"accept-language", language.encode()),), size, size, [language.encode()])
        memory.get(key.encode(), NOBODY)
        assert memory.used_bytes <= 40_000
    for key in "abcdef":
        memory.discard(key.encode())
    assert memory.used_bytes == 0


def test_a_crawler_that_requests_everything_once_does_not_evict_protected_keys() -> None:
    memory: ResponseCache[int] = ResponseCache(room_for(100))
    hot = [bytes([number]) for number in range(60)]
    for key in hot:
        memory.put(key, (), 0, 100)
        memory.get(key, NOBODY)
    for number in range(10_000):
        memory.put(b"%d" % number, (), number, 97)
    assert [key for key in hot if memory.get(key, NOBODY) is None] == []
    assert memory.used_bytes <= room_for(100)


def test_keys_no_longer_requested_lose_their_protection() -> None:
    memory: ResponseCache[int] = ResponseCache(room_for(100))
    for number in range(200):
        key = bytes([number])
        memory.put(key, (), number, 100)
        memory.get(key, NOBODY)
    assert memory.get(bytes([199]), NOBODY) == 199
    assert memory.get(bytes([0]), NOBODY) is None


def test_a_large_entry_is_stored_though_all_others_are_protected() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(10))
    for number in range(10):
        memory.put(bytes([number]), (), "small", 100)
        memory.get(bytes([number]), NOBODY)
    memory.put(b"x", (), "large", room_for(5) - OVERHEAD_BYTES - 1)
    assert memory.get(b"x", NOBODY) == "large"


def test_a_change_reaches_every_entry_of_a_key_and_no_other() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(10))
    for key, varying in ((b"a", DUTCH), (b"a", FRENCH), (b"b", ())):
        memory.put(key, varying, "fresh", 100)
    for key in (b"a", b"gone"):
        memory.replace_entries(key, lambda _: "stale")
    assert [memory.get(b"a", Asks(DUTCH)), memory.get(b"a", Asks(FRENCH)), memory.get(b"b", NOBODY)] == [
        "stale",
        "stale",
        "fresh",
    ]


def test_bytes_of_keys_that_are_gone_protect_no_longer() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(10))
    for letters in (b"abcdefg", b"hijklmn"):
        for number in letters:
            memory.put(bytes([number]), (), "old", 100)
            memory.get(bytes([number]), NOBODY)
            memory.put(bytes([number]), (), "new", 90)
        assert all(memory.single(bytes([number])) == "new" for number in letters)
        memory.discard(letters[:1])
        memory.shrink(memory.used_bytes)
        memory.max_bytes = room_for(10)


def test_a_request_keeps_a_protected_key_longer() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(4))
    for key in (b"a", b"b", b"c"):
        memory.put(key, (), "page", 100)
        memory.get(key, NOBODY)
    memory.get(b"a", NOBODY)
    memory.put(b"d", (), "page", 100)
    memory.get(b"d", NOBODY)
    assert [memory.single(key) for key in (b"a", b"b")] == ["page", None]


def test_of_a_key_alone_in_the_cache_the_oldest_variants_make_room() -> None:
    memory: ResponseCache[int] = ResponseCache(room_for(2) + 2)
    for number in range(4):
        memory.put(b"a", ((b"x", b"%d" % number),), number, 100)
    assert [memory.get(b"a", Asks(((b"x", b"%d" % number),))) for number in range(4)] == [None, None, 2, 3]


def test_keys_that_change_are_told_and_counted() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(2))
    changed: list[bytes] = []
    memory.on_change = changed.append
    memory.put(b"a", (), "page", 100)
    memory.put(b"b", (), "page", 100)
    memory.get(b"b", NOBODY)
    assert (b"a" in memory, b"b" in memory, b"c" in memory, memory.key_count) == (True, True, False, 2)
    memory.put(b"c", (), "page", 100)
    memory.discard(b"b")
    assert changed == [b"a", b"b", b"c", b"a", b"b"]
    assert memory.key_count == 1


def test_what_is_dropped_for_others_is_counted_and_what_is_replaced_or_discarded_is_not() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(2))
    for key in (b"a", b"b", b"b", b"c"):
        memory.put(key, (), "home", 100)
    memory.discard(b"c")
    assert memory.evicted.count == 1


def test_what_an_answer_was_chosen_by_takes_room() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(100))
    for number in range(50):
        memory.put(b"%d" % number, ((b"accept-language", b"x" * 8_000),), "x", 100)
    assert len(memory) <= room_for(100) // 8_000
