"""What goes out to webhooks, in the SQLite file of the profiles."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from math import inf

from proxy.model import Delivery, LogProgress, Standing
from proxy.ports import Failure, Waiting
from proxy.stores import sqlite_tombstones
from proxy.stores.outboxes import (
    MOST_GIVEN_UP,
    delivery_in,
    is_of_erased,
    not_leading,
    packed,
    progress_in,
    says_something,
    standing_in,
    waiting_again,
    waiting_for,
)
from proxy.stores.sqlite_side_tables import SideTables

SCHEMA = f"""
PRAGMA secure_delete = ON;
{sqlite_tombstones.SCHEMA}
CREATE TABLE IF NOT EXISTS outbox_lead (one INTEGER PRIMARY KEY, name TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS outbox_followed (one INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outbox_failures (webhook TEXT PRIMARY KEY, at REAL NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS standings (visitor_id TEXT PRIMARY KEY, due_at REAL, value BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS standings_due ON standings (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    webhook TEXT NOT NULL,
    visitor_id TEXT NOT NULL,
    queued_at REAL NOT NULL,
    is_given_up INTEGER NOT NULL,
    value BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_in_order ON deliveries (webhook, is_given_up, number);
CREATE INDEX IF NOT EXISTS deliveries_by_visitor ON deliveries (visitor_id);
"""
LEAD = """
INSERT INTO outbox_lead VALUES (1, :name, :until) ON CONFLICT (one) DO UPDATE
SET name = excluded.name, until = excluded.until
WHERE name = excluded.name OR until <= :now OR until > excluded.until  -- longer than a lease: the clock was set back
"""
ADD = """
INSERT OR IGNORE INTO deliveries (id, webhook, visitor_id, queued_at, is_given_up, value) VALUES (?, ?, ?, ?, ?, ?)
"""
FORGET = """
DELETE FROM deliveries WHERE is_given_up AND number <= (
    SELECT number FROM deliveries WHERE is_given_up ORDER BY number DESC LIMIT 1 OFFSET ?
)
"""
COUNTS = """
SELECT webhook, is_given_up, count(*), min(queued_at) FROM deliveries GROUP BY webhook, is_given_up
"""
OF_VISITORS = "visitor_id IN (SELECT value FROM json_each(?))"
AT_ONCE = 500


class SqliteOutbox:
    """An `Outbox` in the file of `sqlite:PATH`. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._file = SideTables(url, SCHEMA, "outbox")

    async def lead(self, name: str, now: float, seconds: float) -> bool:
        asked = {"name": name, "now": now, "until": now + seconds}
        return await self._file.change(lambda connection: connection.execute(LEAD, asked).rowcount > 0)

    async def progress(self) -> LogProgress:
        rows = await self._file.rows("SELECT value FROM outbox_followed")
        return progress_in(rows[0][0] if rows else None)

    async def standings(self, visitor_ids: Sequence[str]) -> dict[str, Standing]:
        return {standing.visitor_id: standing for standing in await self._standings_of(visitor_ids)}

    async def due(self, now: float, most: int) -> list[str]:
        sought = "SELECT visitor_id FROM standings WHERE due_at <= ? ORDER BY due_at LIMIT ?"
        return [visitor_id for (visitor_id,) in await self._file.rows(sought, now, most)]

    async def visitors(self) -> AsyncIterator[str]:
        sought, last = "SELECT visitor_id FROM standings WHERE visitor_id > ? ORDER BY visitor_id LIMIT ?", ""
        while rows := await self._file.rows(sought, last, AT_ONCE):
            for (last,) in rows:
                yield last

    async def put(
        self,
        name: str,
        standings: Sequence[Standing],
        deliveries: Sequence[Delivery],
        progress: LogProgress | None,
        now: float,
    ) -> None:
        await self._file.change(lambda connection: _put(connection, name, standings, deliveries, progress, now))

    async def oldest(self, webhook: str, most: int) -> list[Delivery]:
        sought = "SELECT value FROM deliveries WHERE webhook = ? AND NOT is_given_up ORDER BY number LIMIT ?"
        return [delivery_in(value) for (value,) in await self._file.rows(sought, webhook, most)]

    async def waiting(self, webhook: str) -> int:
        sought = "SELECT count(*) FROM deliveries WHERE webhook = ? AND NOT is_given_up"
        ((found,),) = await self._file.rows(sought, webhook)
        return int(found)

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        gone = [(delivery.id,) for delivery in deliveries]
        await self._file.change(lambda connection: connection.executemany("DELETE FROM deliveries WHERE id = ?", gone))

    async def give_up(self, delivery: Delivery) -> None:
        await self._file.change(lambda connection: _give_up(connection, delivery))

    async def given_up(self) -> list[Delivery]:
        sought = "SELECT value FROM deliveries WHERE is_given_up ORDER BY number"
        return [delivery_in(value) for (value,) in await self._file.rows(sought)]

    async def requeue(self, deliveries: Sequence[Delivery], now: float) -> None:
        await self._file.change(lambda connection: _again(connection, deliveries, now))

    async def note_failure(self, webhook: str, failure: Failure) -> None:
        noted = "INSERT OR REPLACE INTO outbox_failures VALUES (?, ?, ?)"
        await self._file.change(lambda connection: connection.execute(noted, (webhook, *failure)))

    async def counts(self) -> Mapping[str, Waiting]:
        rows = await self._file.rows(COUNTS)
        failures = {
            webhook: Failure(*said) for webhook, *said in await self._file.rows("SELECT * FROM outbox_failures")
        }
        given_up = {webhook: count for webhook, is_given_up, count, _ in rows if is_given_up}
        waiting = {webhook: (count, since) for webhook, is_given_up, count, since in rows if not is_given_up}
        return {
            webhook: waiting_for(*waiting.get(webhook, (0, 0.0)), given_up.get(webhook, 0), failures.get(webhook))
            for webhook in sorted({webhook for webhook, *_ in rows})
        }

    async def stored_of(self, visitor_ids: Collection[str]) -> tuple[list[Standing], list[Delivery]]:
        sought = f"SELECT value FROM deliveries WHERE {OF_VISITORS}"  # noqa: S608
        deliveries = await self._file.rows(sought, json.dumps(list(visitor_ids)))
        return await self._standings_of(visitor_ids), [delivery_in(value) for (value,) in deliveries]

    async def erase(self, visitor_ids: Collection[str]) -> int:
        return await self._file.change(lambda connection: _erase(connection, visitor_ids))

    async def aclose(self) -> None:
        await self._file.aclose()

    async def _standings_of(self, visitor_ids: Collection[str]) -> list[Standing]:
        sought = f"SELECT value FROM standings WHERE {OF_VISITORS}"  # noqa: S608
        return [standing_in(value) for (value,) in await self._file.rows(sought, json.dumps(list(visitor_ids)))]


def _put(
    connection: sqlite3.Connection,
    name: str,
    standings: Sequence[Standing],
    deliveries: Sequence[Delivery],
    followed: LogProgress | None,
    now: float,
) -> None:
    if connection.execute("SELECT name FROM outbox_lead").fetchone() != (name,):
        raise not_leading()
    visitor_ids = {one.visitor_id for one in standings} | {one.visitor_id for one in deliveries}
    erased_at = sqlite_tombstones.erased_at(connection, visitor_ids)
    gone = {visitor_id for visitor_id in visitor_ids if is_of_erased(visitor_id, erased_at, now)}
    kept = [one for one in standings if says_something(one) and one.visitor_id not in gone]
    connection.executemany("DELETE FROM standings WHERE visitor_id = ?", [(one.visitor_id,) for one in standings])
    rows = [(one.visitor_id, one.due_at if one.due_at < inf else None, packed(one)) for one in kept]
    connection.executemany("INSERT INTO standings VALUES (?, ?, ?)", rows)
    _add(connection, [one for one in deliveries if one.visitor_id not in gone])
    if followed is not None:
        connection.execute("INSERT OR REPLACE INTO outbox_followed VALUES (1, ?)", (packed(followed),))


def _add(connection: sqlite3.Connection, deliveries: Sequence[Delivery]) -> None:
    rows = [(one.id, one.webhook, one.visitor_id, one.queued_at, bool(one.reason), packed(one)) for one in deliveries]
    connection.executemany(ADD, rows)


def _give_up(connection: sqlite3.Connection, delivery: Delivery) -> None:
    changed = "UPDATE deliveries SET is_given_up = 1, value = ? WHERE id = ?"  # none when it was erased meanwhile
    connection.execute(changed, (packed(delivery), delivery.id))
    connection.execute(FORGET, (MOST_GIVEN_UP,))


def _again(connection: sqlite3.Connection, deliveries: Sequence[Delivery], now: float) -> None:
    for delivery in deliveries:
        if connection.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,)).rowcount:
            _add(connection, [waiting_again(delivery, now)])


def _erase(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> int:
    ids = (json.dumps(list(visitor_ids)),)
    return sum(
        connection.execute(f"DELETE FROM {table} WHERE {OF_VISITORS}", ids).rowcount  # noqa: S608
        for table in ("standings", "deliveries")
    )


connect = SqliteOutbox
