from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.httpcache.memory import MAX_VARIANTS, OVERHEAD_BYTES, Marks, Memory

DUTCH = ((b"accept-language", b"nl"),)
FRENCH = ((b"accept-language", b"fr"),)


def room_for(entries: int) -> int:
    return entries * (OVERHEAD_BYTES + 1 + 100)  # keys of one byte, bodies of a hundred


def test_an_entry_is_found_under_its_key() -> None:
    memory: Memory[str] = Memory(room_for(2))
    assert memory.put(b"a", (), "home", 100)
    assert (memory.get(b"a", ()), memory.get(b"b", ())) == ("home", None)


def test_entries_of_one_key_are_told_apart_by_what_they_vary_by() -> None:
    memory: Memory[str] = Memory(room_for(3))
    memory.put(b"a", DUTCH, "thuis", 100)
    memory.put(b"a", FRENCH, "accueil", 100)
    assert (memory.get(b"a", DUTCH), memory.get(b"a", FRENCH), memory.get(b"a", ())) == ("thuis", "accueil", None)
    assert memory.names(b"a") == {b"accept-language"}


def test_a_newer_answer_replaces_the_older_one_and_its_bytes() -> None:
    memory: Memory[str] = Memory(room_for(1))
    memory.put(b"a", (), "old", 100)
    memory.put(b"a", (), "new", 100)
    assert (memory.get(b"a", ()), len(memory), memory.used_bytes) == ("new", 1, room_for(1))


def test_the_longest_unused_goes_first() -> None:
    memory: Memory[str] = Memory(room_for(2))
    memory.put(b"a", (), "a", 100)
    memory.put(b"b", (), "b", 100)
    memory.get(b"a", ())
    memory.put(b"c", (), "c", 100)
    assert [memory.get(key, ()) for key in (b"a", b"b", b"c")] == ["a", None, "c"]


def test_what_is_larger_than_all_of_it_is_refused_and_supersedes_what_was_there() -> None:
    memory: Memory[str] = Memory(room_for(1))
    memory.put(b"a", (), "old", 100)
    assert not memory.put(b"a", (), "huge", 101)
    assert (memory.get(b"a", ()), memory.used_bytes) == (None, 0)


def test_variants_of_one_key_are_bounded_and_the_oldest_goes() -> None:
    memory: Memory[int] = Memory(room_for(1000))
    for number in range(MAX_VARIANTS + 1):
        memory.put(b"a", ((b"user-agent", str(number).encode()),), number, 100)
    assert len(memory) == MAX_VARIANTS
    assert memory.get(b"a", ((b"user-agent", b"0"),)) is None
    assert memory.get(b"a", ((b"user-agent", b"1"),)) == 1


def test_discarding_a_key_forgets_all_its_entries() -> None:
    memory: Memory[str] = Memory(room_for(3))
    memory.put(b"a", DUTCH, "thuis", 100)
    memory.put(b"a", FRENCH, "accueil", 100)
    memory.discard(b"a")
    assert (len(memory), memory.used_bytes) == (0, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "nl", "fr"]), st.integers(0, 20_000)), max_size=60
    )
)
def test_the_bytes_held_are_those_counted_and_never_too_many(puts: list[tuple[str, str, int]]) -> None:
    memory: Memory[int] = Memory(40_000)
    for key, language, size in puts:
        memory.put(key.encode(), ((b"accept-language", language.encode()),), size, size)
        assert memory.used_bytes <= 40_000
    for key in "abcdef":
        memory.discard(key.encode())
    assert memory.used_bytes == 0


def test_a_mark_holds_until_its_time() -> None:
    marks = Marks()
    marks.put(b"a", "private", until=100.0)
    assert (marks.reason(b"a", 99.0), marks.reason(b"a", 100.0), marks.reason(b"b", 0.0)) == ("private", None, None)


def test_marks_are_bounded_and_the_oldest_lapses() -> None:
    marks = Marks(most=2)
    for key in (b"a", b"b", b"c"):
        marks.put(key, "private", until=100.0)
    assert [marks.reason(key, 0.0) for key in (b"a", b"b", b"c")] == [None, "private", "private"]
