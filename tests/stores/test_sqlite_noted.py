"""What pages note of themselves, in a SQLite file: a log of its own, that is one log with the other."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy import turns
from proxy.events.fold import fold
from proxy.model import Arrival, Event, Link, PackedEvent, Profile
from proxy.stores import (
    open_store,
    sqlite_changes,
    sqlite_log,
    sqlite_noted,
    sqlite_schema,
    sqlite_visitor,
    sqlite_words,
)
from proxy.stores.packed_views import view as page_view
from proxy.stores.record import packed_event_of
from proxy.stores.sqlite_cache import LATELY, CachingConnection
from proxy.stores.sqlite_noted import LONG, add, all_of, between, meet, not_noted, number, numbers_of, take_out
from proxy.stores.sqlite_visitor import checkpoint, last_place, log_of, profile_of, stored
from proxy.turns import FEW
from tests.stores.test_packed_views import WORDS

NOON = 1_795_435_200.0
ALIKE = "plumless", "buckeroo"  # two that CRC-32 calls alike


def view(visitor_id: str, at: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + at, f"page:ab:{at:x}-0", "page viewed", "/"), "page", NOON + at)


def opened(visitor_id: str, at: int) -> PackedEvent:
    return packed_event_of(view(visitor_id, at))


def sent(visitor_id: str, at: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + at, f"web:{at}", "page viewed", "/"), "web", NOON + at)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None, factory=CachingConnection)
    sqlite_schema.prepare(opened)
    yield opened
    opened.close()


def note(connection: sqlite3.Connection, deeds: list[PackedEvent]) -> None:
    known: dict[str, int] = {}
    meet(connection, {deed.visitor_id for deed in deeds}, known, last := last_place(connection))
    add(connection, deeds, numbers_of(deeds, known), last)


def in_files(folder: Path, words: bytes) -> bool:
    return any(words in path.read_bytes() for path in folder.iterdir())


def counts(connection: sqlite3.Connection) -> list[int]:
    """What was sent, what was noted, and how much of that lies where its visitors are looked up."""
    of = {t: len(connection.execute(f"SELECT 1 FROM {t}").fetchall()) for t in ("events", "noted_newest", "noted_at")}
    return [of["events"], len(list(between(connection, 0, 2**62))), of["noted_newest"], of["noted_at"]]


def rows(connection: sqlite3.Connection) -> int:
    return len(connection.execute("SELECT 1 FROM noted_views").fetchall())


def test_only_what_lies_between_two_places_is_unpacked(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(connection, [opened("anna", at) for at in range(5)])
    unpacked, whole = list[int](), sqlite_words.whole

    def counting(connection: sqlite3.Connection, kept: list[bytes]) -> list[bytes]:
        unpacked.append(len(kept))
        return whole(connection, kept)

    monkeypatch.setattr(sqlite_words, "whole", counting)
    assert [place for place, _ in between(connection, 1, 3)] == [2, 3]
    assert not list(between(connection, 5, 2**62)), "which is asked for each second"
    assert unpacked == [2, 0]


def test_both_logs_are_one_in_order(connection: sqlite3.Connection) -> None:
    first = sqlite_log.apply(connection, [], [opened("anna", 1), opened("ben", 2)])
    second = sqlite_log.apply(connection, [sent("anna", 3)], [opened("anna", 4)])
    sqlite_log.apply(connection, [sent("ben", 5)])
    assert (first.places, second.places) == (("", "2"), ("2", "4"))
    assert second.all_new == (sent("anna", 3), opened("anna", 4))
    whole = [view("anna", 1), view("ben", 2), sent("anna", 3), view("anna", 4), sent("ben", 5)]
    assert sqlite_log.log(connection, "", 9) == (whole, "5")
    assert sqlite_log.log(connection, "1", 2) == (whole[1:3], "3")
    assert sqlite_log.end_of_log(connection) == "5"
    assert log_of(connection, "anna") == [whole[0], *whole[2:4]]


def test_a_profile_is_its_checkpoint_with_what_was_noted_since(connection: sqlite3.Connection) -> None:
    note(connection, [opened("anna", 1), opened("anna", 2)])
    assert (stored(connection, ["anna"])[0].checkpoint, stored(connection, ["anna"])[0].many) == (b"", 2)
    assert checkpoint(connection, ["anna"]) == {"anna": fold(None, [view("anna", 1), view("anna", 2)])}
    assert stored(connection, ["anna"])[0].many == 0
    note(connection, [opened("anna", 3)])
    profile = profile_of(stored(connection, ["anna"])[0], "anna")
    assert profile == fold(None, [view("anna", at) for at in (1, 2, 3)])
    assert sqlite_log.visitors(connection, "") == ["anna"]
    assert sqlite_log.rebuild(connection, ["anna"]) == 0, "to the byte"


def test_the_newest_are_moved_to_the_others_when_there_are_many(connection: sqlite3.Connection) -> None:
    many = [opened(f"v{at % 3}", at) for at in range(LATELY + 5)]
    for start in range(0, len(many), 999):
        note(connection, many[start : start + 999])
    assert counts(connection) == [0, LATELY + 5, 0, LATELY + 5]
    note(connection, [opened("v0", LATELY + 5)])
    assert counts(connection) == [0, LATELY + 6, 1, LATELY + 5]
    assert len(log_of(connection, "v0")) == LATELY // 3 + 4


def test_moved_visitors_have_a_checkpoint_with_all_their_noted_events(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_noted, "EVERY", LATELY // 50)
    for start in range(0, LATELY, 1_000):
        many = [opened(f"v{at % (LATELY // 2 // LONG)}", at) for at in range(start, start + 500)]
        few = [opened(f"few{at % (LATELY // 2 // (LONG - 2))}", at) for at in range(start + 500, start + 1_000)]
        sqlite_log.apply(connection, [], [*many, *few])
    drawn = connection.execute("SELECT visitor_id FROM profiles WHERE until = ?", (LATELY,)).fetchall()
    assert drawn and not [id for (id,) in drawn if id.startswith("few")], "of those drawn, who has many"
    for (id,) in drawn:
        found = stored(connection, [id])[0]
        assert (profile_of(found, id), found.many) == (fold(None, log_of(connection, id)), 0)


def test_visitors_with_similar_ids_are_kept_apart(connection: sqlite3.Connection) -> None:
    one, other = ALIKE
    assert number(one) == number(other)
    note(connection, [opened(one, 1), opened(other, 2)])
    assert all_of(connection, one) == {1: view(one, 1)}
    assert log_of(connection, other) == [view(other, 2)]
    assert profile_of(stored(connection, [one])[0], one) == fold(None, [view(one, 1)])
    assert take_out(connection, one) == 1
    assert log_of(connection, other) == [view(other, 2)]
    assert counts(connection) == [0, 1, 0, 1], "in the index, out of which one can be taken"


def test_what_comes_again_as_a_copy_counts_once(connection: sqlite3.Connection) -> None:
    note(connection, [opened("anna", 1)])
    copies = [view("anna", 1), view("anna", 2), view("ben", 1), sent("anna", 1)]
    assert not_noted(connection, copies) == copies[1:]
    assert sqlite_log.apply(connection, copies).new == copies[1:]
    assert sqlite_log.apply(connection, copies).new == []
    assert counts(connection)[:2] == [3, 1]


def test_what_a_device_is_noted_to_do_is_its_persons(connection: sqlite3.Connection) -> None:
    joined = Arrival("phone", Event(NOON, "joined:1", "joined", "anna"), "join", NOON)
    sqlite_log.apply(connection, [joined])
    sqlite_visitor.write(connection, {"phone": Profile("phone", links={"anna": Link(NOON)})})
    for at in (1, 4):
        applied = sqlite_log.apply(
            connection, [], [opened("phone", at), opened("ben", at + 1), opened("phone", at + 2)]
        )
        assert [(one.visitor_id, one.via) for one in applied.page_events] == [("ben", ""), *[("anna", "phone")] * 2]
    assert [one.event for one in log_of(connection, "anna")] == [view("anna", at).event for at in (1, 3, 4, 6)]


def test_events_noted_before_a_merge_go_to_the_person(connection: sqlite3.Connection) -> None:
    sqlite_log.apply(connection, [], [opened("phone", 1), opened("ben", 2)])
    sqlite_visitor.write(connection, {"phone": Profile("phone", links={"anna": Link(NOON)})})
    sqlite_log.apply(connection, [], [opened("phone", 3), opened("ben", 4)])
    logs = [[one.event for one in log_of(connection, id)] for id in ("phone", "ben", "anna")]
    assert logs == [[view("phone", 1).event], [view("ben", at).event for at in (2, 4)], [view("anna", 3).event]]
    sqlite_visitor.write(connection, {"phone": Profile("phone", links={"anna": Link(NOON, is_parted=True)})})
    sqlite_log.apply(connection, [], [opened("phone", 5)])
    assert [one.event for one in log_of(connection, "phone")] == [view("phone", at).event for at in (1, 5)]


def test_some_or_all_of_a_visitors_are_taken_out(connection: sqlite3.Connection) -> None:
    sqlite_log.apply(connection, [sent("anna", 1)], [opened("anna", 2), opened("anna", 3), opened("ben", 4)])
    sqlite_log.withdraw(connection, {"anna": {"page:ab:2-0", "web:1"}})
    assert sqlite_visitor.current(connection, ["anna"]) == {"anna": fold(None, [view("anna", 3)])}
    assert sqlite_log.erase(connection, ["anna"], NOON + 9)["events"] == 1
    assert sqlite_log.visitors(connection, "") == ["ben"]
    assert counts(connection) == [0, 1, 0, 1]
    assert sqlite_log.apply(connection, [], [opened("anna", 5)]).all_new == [], "the tombstone forbids it"


def test_what_lies_together_keeps_its_place_when_some_of_it_is_taken_out(connection: sqlite3.Connection) -> None:
    many = [view(f"v{at % 5}", at) for at in range(1, 101)]
    note(connection, list(map(packed_event_of, many)))
    assert 1 < rows(connection) < 10
    assert take_out(connection, "v1") == 20
    left = [one for one in many if one.visitor_id != "v1"]
    assert sqlite_log.log(connection, "", 999) == (left, "100")
    for begins in range(100):
        after = [one for one in left if one.event.at > NOON + begins]
        assert sqlite_log.log(connection, str(begins), 7)[0] == after[:7]
    assert log_of(connection, "v2") == [one for one in left if one.visitor_id == "v2"]
    for visitor_id in ("v0", "v2", "v3", "v4"):
        take_out(connection, visitor_id)
    assert rows(connection) == 0


def test_whose_was_changed_is_told_of_parts_of_what_lies_together(connection: sqlite3.Connection) -> None:
    note(connection, [opened(f"v{at}", at) for at in range(1, 101)])
    missed = sqlite_changes.missed("2/0", "52/0", ["4-50"])
    assert missed is not None
    assert sqlite_changes.changed(connection, missed) == ({"v3", "v4", "v51", "v52"}, ())


async def test_an_erased_visitor_is_in_no_file(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([], [opened(visitor_id, at) for at in range(200) for visitor_id in ("anna-qz7", "ben")])
    await store.erase(["anna-qz7"], NOON + 999)
    await store.scrub()
    assert not in_files(tmp_path, b"anna-qz7")
    assert len(await store.log_of("ben")) == 200
    await store.aclose()


async def test_a_profile_that_takes_long_to_read_is_written_with_the_next_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_noted, "EVERY", 10**9)  # none by chance
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([], [opened("anna", at) for at in range(200)])
    anna = await store.get_profile("anna")
    await store.apply([], [opened("ben", 201)])
    assert await store.get_profile("anna") == anna
    with sqlite3.connect(tmp_path / "s.db") as connection:
        assert connection.execute("SELECT until FROM profiles WHERE visitor_id = 'anna'").fetchone() == (201,)
    connection.close()
    await store.aclose()


async def test_the_disk_is_waited_for_where_somebody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    logged = sqlite_log.apply

    def seen(connection: sqlite3.Connection, *told: Any) -> Any:
        waited.append(connection.execute("PRAGMA synchronous").fetchone() == (2,))
        return logged(connection, *told)

    monkeypatch.setattr(sqlite_log, "apply", seen)
    store = open_store(f"sqlite:{tmp_path}/s.db")
    for sends, notes in ((True, False), (False, True), (True, True), (False, True), (True, False)):
        await store.apply([sent("anna", len(waited))] if sends else [], [opened("anna", len(waited))] if notes else [])
    assert waited == [True, False, True, False, True]
    await store.aclose()


async def test_a_damaged_event_is_damage_to_itself_alone(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'store.db'}"
    store = open_store(url)
    await store.apply([sent(name, 1) for name in ("anna", "ben")])
    await store.apply([], [page_view(name, 2, number, "/", WORDS) for number, name in enumerate(("anna", "ben"), 1)])
    await store.aclose()
    with contextlib.closing(sqlite3.connect(tmp_path / "store.db")) as file:
        (value,) = file.execute("SELECT value FROM noted_views").fetchone()
        file.execute("UPDATE noted_views SET value = ?", (value.replace(b"\xa3ben", b"\x07ben"),))
        file.execute("UPDATE events SET value = x'ff' WHERE visitor_id = 'anna'")
        file.execute("UPDATE profiles SET value = x'ff'")
        file.commit()
    store = open_store(url)
    here = [await store.get_profile(name) for name in ("anna", "ben")]
    assert [[event.kind for event in one.history] for one in here if one] == [["page viewed"], ["page viewed"]]
    told = [msgspec.structs.replace(sent(name, 3), traits={"grade": "gold"}) for name in ("anna", "ben", "carl")]
    await store.apply(told)
    for name in ("anna", "ben", "carl"):
        profile = await store.get_profile(name)
        assert profile and profile.attributes == {"grade": "gold"}
    arrivals, place = await store.log("", 100)
    assert sorted(one.visitor_id for one in arrivals) == ["anna", "anna", "ben", "ben", "carl"]
    assert await store.log(place, 100) == ([], place)
    assert await store.rebuild() == 0
    assert (await store.erase(["ben"], NOON))["events"] == 3  # what may be theirs, too
    await store.aclose()


def test_others_have_their_turn_within_each_loop_over_many_views(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns_had = list[None]()
    monkeypatch.setattr(turns, "let_others", lambda: turns_had.append(None))
    views = [opened(f"v{at}", at) for at in range(10 * FEW)]
    sqlite_log.apply(connection, [], views)
    assert len(turns_had) >= 3 * 10, "three loops go through all of them where somebody is new"
    turns_had.clear()
    sqlite_log.apply(connection, [], views)
    assert 2 * 10 <= len(turns_had) < 3 * 10, "two where nobody is"
