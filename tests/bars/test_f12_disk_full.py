"""The disk is full: events are refused and not lost, pages go on, and when there is room again so do events, without a
restart and without a scratch in the file."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from pathlib import Path

import pytest

from proxy.stores import open_store
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, always, ok
from tests.wire.posting import WRITE_KEYS, Posting, body_of, view
from tests.wire.served import request
from tests.wire.site import NOON

AT_ONCE = 20
ALMOST_FULL_BYTES, FULL_BYTES = 1_000_000, 4_096
"""At first something fits in, and a transaction breaks off in the midst; then nothing does."""
NO_LIMIT = resource.RLIM_INFINITY
PAGE = b'<html><body><div data-slot="home.hero">ours</div></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=86400")
RULES = """version: 1
rules:
  - name: Lookers
    slot: home.hero
    when: {viewed: {times: at least 1}}
    show: {banner: {title: You looked}}
"""


class Shop:
    """A server that is sent events and asked for pages."""

    def __init__(self, daemon: Daemon, posting: Posting) -> None:
        self._daemon = daemon
        self._posting = posting
        self._numbers = 0
        self.acknowledged: set[tuple[str, str]] = set()

    async def post(self) -> int:
        """Sends some events; the status."""
        self._numbers += 1
        sent = {(f"v{n}", f"m{self._numbers}-{n}") for n in range(AT_ONCE)}
        status = await self._posting.post(body_of([view(visitor_id, id) for visitor_id, id in sorted(sent)]))
        if status == 200:
            self.acknowledged |= {(visitor_id, f"shop:{id}") for visitor_id, id in sent}
        return status

    async def page(self, number: int) -> int:
        """Asks for a page; the status."""
        cookie = self._daemon.cookies.visitor_pair(f"v{number}", NOON)
        heard = await self._posting.ask(request(b"GET", b"/", (b"Cookie", cookie)))
        return heard.status if heard else 0


def limit_files(daemon: Daemon, most_bytes: int) -> None:
    """No file of the server may be written beyond that: as on a full disk, a write comes back with an error."""
    _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))


@pytest.mark.bar("F12")
async def test_a_full_disk_refuses_events_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}\n")
    path = tmp_path / "store.db"
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Daemon(origin.url, tmp_path, has_admin=False, write_keys=WRITE_KEYS) as daemon,
        Posting(daemon.port) as posting,
    ):
        shop = Shop(daemon, posting)
        assert await shop.post() == 200
        limit_files(daemon, ALMOST_FULL_BYTES)
        statuses = [await shop.post()]
        async with asyncio.timeout(120):
            while statuses[-1] == 200:
                statuses.append(await shop.post())
        limit_files(daemon, FULL_BYTES)
        refused = [await shop.post() for _ in range(5)]
        pages = [await shop.page(number) for number in range(2 * AT_ONCE)]
        limit_files(daemon, NO_LIMIT)
        async with asyncio.timeout(30):
            while await shop.post() != 200:
                await asyncio.sleep(0.05)
        again = [await shop.post() for _ in range(5)]
    with sqlite3.connect(path) as connection:
        (intact,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    store = open_store(f"sqlite:{path}")
    kept = {(id, one.event.id) for id in {id for id, _ in shop.acknowledged} for one in await store.log_of(id)}
    differ = await store.rebuild()
    await store.aclose()
    print(
        f"\nF12: {len(statuses) - 1} batches until the disk was full, then {sorted({statuses[-1], *refused})}; "
        f"{pages.count(200)} of {len(pages)} pages 200 meanwhile; then {set(again)}; {len(shop.acknowledged)} events "
        f"acknowledged, {len(shop.acknowledged - kept)} missing; the file: {intact}"
    )
    assert {statuses[-1], *refused} == {503}
    assert set(pages) == {200}
    assert set(again) == {200}
    assert not shop.acknowledged - kept
    assert (intact, differ) == ("ok", 0)
