"""Events through one worker, in batches of 50, beside a bare loop of `sqlite3` that writes the same rows as durably:
turn by turn in one run. `make bar BAR=D6`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from proxy.stores import sqlite_log, sqlite_schema, sqlite_visitor
from proxy.stores.sqlite import CONNECTION
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, always, ok
from tests.wire.posting import WRITE_KEYS, Posting, body_of, view
from tests.wire.storage import storage

BATCH = 50
CONNECTIONS = 8
VISITORS = 2_000
GOAL = 0.5


def bodies(turn: int, batches: int) -> list[bytes]:
    """Batches of events that nobody has sent yet, of visitors who come again."""
    numbers = range(batches * BATCH)
    events = [view(f"v{(n * 7919 + turn) % VISITORS}", f"m{turn}-{n}", f"p{n % 500}") for n in numbers]
    return [body_of(events[at : at + BATCH]) for at in range(0, len(events), BATCH)]


async def sent(port: int, waiting: Sequence[bytes]) -> float:
    """Seconds until all are acknowledged."""
    queue = iter(waiting)

    async def one() -> None:
        async with Posting(port) as posting:
            for body in queue:
                await posting.post_until_taken(body)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began


Rows = list[tuple[list[tuple[str, str, float, bytes]], list[tuple[str, bytes, int]]]]


async def rows_of(url: str, turn: int) -> Rows:
    """What the turn wrote, a transaction a batch: the rows of the log, and the checkpoints of profiles. Of one that was
    written more than once only the last is known, so the bare loop has rather less to do."""
    with sqlite3.connect(url.removeprefix("sqlite:")) as connection:
        written = connection.execute(
            "SELECT place, visitor_id, id, received_at, value FROM events WHERE id LIKE ? ORDER BY place",
            (f"shop:m{turn}-%",),
        ).fetchall()
        checkpoints = connection.execute(
            "SELECT visitor_id, value, until FROM profiles WHERE until BETWEEN ? AND ?", (written[0][0], written[-1][0])
        ).fetchall()
    connection.close()
    rows: Rows = []
    for at in range(0, len(written), BATCH):
        some = written[at : at + BATCH]
        during = [row for row in checkpoints if some[0][0] <= row[2] <= some[-1][0]]
        rows.append(([row[1:] for row in some], during))
    return rows


def bare(path: Path, rows: Rows) -> float:
    """Seconds to write these rows in a loop, each batch a transaction that is on the disk when it ends."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(CONNECTION)
    sqlite_schema.prepare(connection)
    began = time.perf_counter()
    for logged, profiles in rows:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"{sqlite_log.LOG} VALUES (?, ?, ?, ?)", logged)
        connection.executemany(f"{sqlite_visitor.WRITE} VALUES (?, ?, ?) {sqlite_visitor.REPLACE}", profiles)
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return took


async def measured(batches: int, turns: int) -> int:
    """Prints each turn; the exit code."""
    ratios = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        (folder / "a").mkdir()
        async with (
            storage("sqlite", folder / "a") as url,
            storage("valkey", folder / "b") as valkey,
            Origin(always(ok(b""))) as origin,
            Daemon(origin.url, folder, has_admin=False, store=url, write_keys=WRITE_KEYS) as ours,
            Daemon(origin.url, folder, has_admin=False, store=valkey, write_keys=WRITE_KEYS) as beside,
        ):
            await sent(ours.port, bodies(-1, 5))
            for turn in range(turns):
                sending = bodies(turn, batches)
                ours_took = await sent(ours.port, sending)
                bare_took = await asyncio.to_thread(bare, folder / "bare.db", await rows_of(url, turn))
                valkey_took = await sent(beside.port, sending)
                ours_rate, bare_rate, valkey_rate = (
                    batches * BATCH / took for took in (ours_took, bare_took, valkey_took)
                )
                ratios.append(ours_rate / bare_rate)
                print(
                    f"turn {turn}: {ours_rate:6.0f} events/s through the worker, {bare_rate:6.0f} in a bare loop: "
                    f"{ratios[-1]:.2f}x; {valkey_rate:6.0f} on Valkey",
                    flush=True,
                )
    middle = statistics.median(ratios)
    print(f"D6: {middle:.2f}x of a bare loop (goal {GOAL})")
    return 0 if middle >= GOAL else 1


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    sys.exit(uvloop.run(measured(arguments.batches, arguments.turns)))


if __name__ == "__main__":
    main()
