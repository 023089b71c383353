"""Purges of the cache by address, prefix and tag; marked keys."""

from __future__ import annotations

import pytest

from proxy.httpcache.purge import Purge, purge_of
from proxy.httpcache.response_cache import CHUNK_KEYS, OVERHEAD_BYTES, TAG_BYTES, MarkedKeys, ResponseCache
from tests.httpcache.test_response_cache import room_for


def covered(memory: ResponseCache[str], purge: Purge) -> set[bytes]:
    return {key for part in memory.keys_covered(purge) for key in part}


def test_a_purge_finds_entries_by_address_prefix_and_tag() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(1_000))
    for path in ("a", "b", "c"):
        for query in ("", "?1"):
            key = f"https://shop.example/{path}{query}".encode()
            memory.put(key, (), path, 100, [b"all", b"tag-" + path.encode()])
    home = b"https://shop.example/a"
    assert covered(memory, purge_of(urls=["https://shop.example/a", "https://shop.example/gone"])) == {home}
    assert covered(memory, purge_of(urls=["/a"])) == {home}
    assert covered(memory, purge_of(prefixes=["/a"])) == {home, home + b"?1"}
    assert covered(memory, purge_of(tags=["tag-a"])) == {home, home + b"?1"}
    assert len(covered(memory, purge_of(tags=["all", "unknown"]))) == 6


def test_tags_are_those_of_the_current_entries() -> None:
    memory: ResponseCache[str] = ResponseCache(room_for(100))
    memory.put(b"http://h/a", (), "old", 100, [b"old"])
    memory.put(b"http://h/a", (), "new", 100, [b"new"])
    assert covered(memory, purge_of(tags=["old"])) == set()
    memory.discard(b"http://h/a")
    assert covered(memory, purge_of(tags=["new"])) == set()


def test_a_purge_removes_the_marks_of_the_keys_it_covers() -> None:
    marks = MarkedKeys()
    for path in (b"a", b"b"):
        marks.add(b"http://h/" + path, "private", until=100.0)
    list(marks.forget(purge_of(prefixes=["/a"])))
    assert [marks.reason(b"http://h/" + path, 0.0) for path in (b"a", b"b")] == [None, "private"]


@pytest.mark.parametrize("purge", [purge_of(prefixes=["/p"]), purge_of(tags=["all"])], ids=["prefix", "tag"])
def test_a_large_purge_comes_in_chunks_without_keys_removed_meanwhile(purge: Purge) -> None:
    count = 5 * CHUNK_KEYS
    memory: ResponseCache[str] = ResponseCache(room_for(2 * count))
    for number in range(count):
        memory.put(b"http://h/p/%d" % number, (), "page", 100, [b"all"])
    parts = memory.keys_covered(purge)
    first = next(parts)
    memory.put(b"http://h/p/new", (), "page", 100, [b"all"])
    for number in range(count):
        if number % 2:
            memory.discard(b"http://h/p/%d" % number)
    rest = [part for part in parts if part]
    assert max(map(len, (first, *rest))) <= CHUNK_KEYS
    expected = {b"http://h/p/%d" % number for number in range(0, count, 2)}
    assert expected <= {*first}.union(*rest) <= expected | {*first}


def test_tags_take_room_and_go_with_what_they_are_of() -> None:
    memory: ResponseCache[str] = ResponseCache(2 * room_for(1))
    memory.put(b"http://h/", (), "page", 0, [b"old", b"shop"])
    assert memory.used_bytes == OVERHEAD_BYTES + len(b"http://h/") + len(b"oldshop") + 2 * TAG_BYTES
    memory.put(b"http://h/b", (), "page", 100)  # for which the first makes room
    assert b"http://h/" not in memory and not memory._tagged
    memory.discard(b"http://h/b")
    memory.put(b"http://h/", (), "page", 0)
    assert covered(memory, purge_of(tags=["old"])) == set()


def test_a_mark_holds_until_its_time() -> None:
    marks = MarkedKeys()
    marks.add(b"a", "private", until=100.0)
    assert (marks.reason(b"a", 99.0), marks.reason(b"a", 100.0), marks.reason(b"b", 0.0)) == ("private", None, None)


def test_marks_are_limited_and_the_oldest_is_dropped() -> None:
    marks = MarkedKeys(most=2)
    for key in (b"a", b"b", b"a", b"c"):
        marks.add(key, "private", until=100.0)
    assert [marks.reason(key, 0.0) for key in (b"a", b"b", b"c")] == ["private", None, "private"]
    marks.clear()
    assert marks.reason(b"c", 0.0) is None
