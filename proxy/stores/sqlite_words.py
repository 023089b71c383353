"""What many page views have in common, in the SQLite file of the profiles: which banners a page showed, in which
variants. That is most of a view's data, and most pages show what others showed: so each such text (`words`) is stored
once, under a number, and a view in the log begins with the number instead (`taken_apart`; `whole` reverses it).

Its law: nothing here belongs to a visitor. Rules, slots and variants are editors' words; what tells of a visitor (their
id, the path, a search) stays in the view. So words are never changed or deleted, and may be remembered.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from proxy.errors import DamagedValueError
from proxy.model import PackedEvent
from proxy.stores import sqlite_bulk
from proxy.stores.packed_views import joined
from proxy.stores.sqlite_cache import cache_of
from proxy.turns import in_turns

TABLE = "CREATE TABLE IF NOT EXISTS noted_words (number INTEGER PRIMARY KEY, words BLOB NOT NULL)"
MOST = 20_000
"""So many are remembered. Where there are more some are written again."""
FIRST = 5_000
"""So many of the newest does a worker that begins read."""
NEWEST = "SELECT json_group_array(json_array(number, hex(words))) FROM noted_words WHERE number > ?"
SOUGHT = """
SELECT json_group_array(json_array(number, hex(words))) FROM noted_words
WHERE number IN (SELECT value FROM json_each(?))
"""
NUMBERED = b"\xc1"
"""What no value of msgpack begins with."""
_MARK = 5


def taken_apart(connection: sqlite3.Connection, deeds: Sequence[PackedEvent]) -> list[bytes]:
    """The deeds in their stored form; new words are stored first."""
    marks = cache_of(connection).marks
    try:
        return _marked(deeds, marks)
    except KeyError:
        _keep(connection, marks, {deed.shared_bytes for deed in deeds})
        return _marked(deeds, marks)


def _marked(deeds: Sequence[PackedEvent], marks: Mapping[bytes, bytes]) -> list[bytes]:
    return [marks[deed.shared_bytes] + deed.own_bytes for some in in_turns(deeds) for deed in some]


def _keep(connection: sqlite3.Connection, marks: dict[bytes, bytes], words: Collection[bytes]) -> None:
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM noted_words").fetchone()
    if not marks or len(marks) > MOST:
        marks.clear()
        marks[b""] = b""
        marks.update((said, mark) for mark, said in _read(connection, NEWEST, last - FIRST))
    rows = list(enumerate(sorted(set(words).difference(marks)), last + 1))
    sqlite_bulk.write(connection, "INSERT INTO noted_words", rows)
    marks.update((said, _mark(number)) for number, said in rows)


def whole(connection: sqlite3.Connection, kept: Sequence[bytes]) -> list[bytes]:
    """Stored deeds in their original form. Where that is damage, or words are missing, which no transaction leaves, the
    deed stays as it is stored, which nobody can read: what others did can be."""
    numbered = {one[:_MARK] for one in kept if one.startswith(NUMBERED)}
    if not numbered:
        return list(kept)
    known = cache_of(connection).words
    if missing := numbered.difference(known):
        if len(known) > MOST:
            known.clear()
            missing = numbered
        sought = json.dumps([int.from_bytes(mark[1:], "big") for mark in missing])
        known.update(_read(connection, SOUGHT, sought))
    return [_joined(one, known) if one[:_MARK] in known else one for one in kept]


def _joined(one: bytes, known: Mapping[bytes, bytes]) -> bytes:
    try:
        return joined(one[_MARK:], known[one[:_MARK]])
    except DamagedValueError:
        return one


def _read(connection: sqlite3.Connection, query: str, sought: object) -> Iterable[tuple[bytes, bytes]]:
    found = connection.execute(query, (sought,)).fetchone()[0]
    return [(_mark(number), bytes.fromhex(words)) for number, words in json.loads(found)]


def _mark(number: int) -> bytes:
    return NUMBERED + number.to_bytes(_MARK - 1, "big")
