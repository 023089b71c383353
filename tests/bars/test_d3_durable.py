"""An event that was acknowledged is there, whenever the process is killed; and no answer goes out before the disk has
what it acknowledges."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import re
import shutil
import signal
from pathlib import Path

import pytest

from proxy.stores import open_store
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, always, ok
from tests.wire.posting import WRITE_KEYS, Posting, body_of, view
from tests.wire.storage import STORES, storage

FULL = bool(os.environ.get("BAR_FULL"))
KILLS = 200 if FULL else 1
SIDE_BY_SIDE = 2 if FULL else 1
CONNECTIONS = 4
TRACED = 200 if FULL else 20


class Loader:
    """Posts batches until told to stop; keeps the ids that were acknowledged."""

    def __init__(self, port: int, run: int) -> None:
        self._port = port
        self._run = run
        self.acknowledged: set[tuple[str, str]] = set()
        self.has_begun = asyncio.Event()

    async def run(self) -> None:
        await asyncio.gather(*(self._post(number) for number in range(CONNECTIONS)))

    async def _post(self, connection: int) -> None:
        """Until nobody answers any more."""
        async with Posting(self._port) as posting:
            for turn in range(1_000_000):
                ids = [f"m{self._run}-{connection}-{turn}-{number}" for number in range(turn % 7 + 1)]
                visitor_id = f"v{turn % 50}"
                if await posting.post(body_of([view(visitor_id, id) for id in ids])) != 200:
                    return
                self.acknowledged |= {(visitor_id, f"shop:{id}") for id in ids}
                self.has_begun.set()


@pytest.mark.bar("D3")
@pytest.mark.parametrize("kind", STORES)
async def test_no_acknowledged_event_is_missing_after_a_kill(kind: str, tmp_path: Path) -> None:
    chance = random.Random(kind)
    acknowledged: set[tuple[str, str]] = set()
    runs = iter(range(KILLS))
    async with storage(kind, tmp_path) as url, Origin(always(ok(b""))) as origin:

        async def kill_again_and_again() -> None:
            for run in runs:
                async with Daemon(origin.url, tmp_path, has_admin=False, store=url, write_keys=WRITE_KEYS) as daemon:
                    loader = Loader(daemon.port, run)
                    loading = asyncio.create_task(loader.run())
                    await asyncio.wait_for(loader.has_begun.wait(), 30)
                    await asyncio.sleep(chance.uniform(0, 0.6))
                    daemon.signal(signal.SIGKILL)
                    await loading
                acknowledged.update(loader.acknowledged)

        # Two processes on one store: one of them is killed while the other starts, or writes too.
        await asyncio.gather(*(kill_again_and_again() for _ in range(SIDE_BY_SIDE)))
        store = open_store(url)
        kept = {
            (visitor_id, one.event.id)
            async for visitor_id in store.visitors()
            for one in await store.log_of(visitor_id)
        }
        assert await store.rebuild() == 0, "no profile is behind the log"
        await store.aclose()
    print(f"\nD3 {kind}: {KILLS} kills, {len(acknowledged)} acknowledged, {len(acknowledged - kept)} missing")
    assert acknowledged
    assert not acknowledged - kept


# -- the order of system calls

CALL = re.compile(r"^\d+ +(?P<call>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^\d+ +<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$")


@pytest.mark.bar("D3")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_no_answer_goes_out_before_its_batch_is_on_the_disk(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with (
        Origin(always(ok(b""))) as origin,
        Daemon(origin.url, tmp_path, has_admin=False, write_keys=WRITE_KEYS) as daemon,
    ):
        calls = "trace=fsync,fdatasync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"
        tracer = await asyncio.create_subprocess_exec(
            *("strace", "-f", "-s", "64", "-e", calls, "-o", str(trace), "-p", str(daemon.process.pid)),
            stderr=asyncio.subprocess.PIPE,
        )
        assert tracer.stderr is not None
        attached = (await tracer.stderr.readline()).decode()
        if "attached" not in attached:
            pytest.skip(f"strace may not look here: {attached.strip()}")
        async with Posting(daemon.port) as posting:
            for number in range(TRACED):
                assert await posting.post(body_of([view("anna", f"m{number}")])) == 200
        tracer.terminate()
        await tracer.wait()
    order = steps(trace.read_text("utf-8", "replace"))
    answers = order.count("answer")
    too_early = sum(pair == ("ask", "answer") for pair in itertools.pairwise(order))
    print(f"\nD3 trace: {answers} answers, {order.count('sync')} syncs, {too_early} answers before their sync")
    assert answers >= TRACED
    assert not too_early


def steps(trace: str) -> list[str]:
    """What was asked, synced and answered, in order; a sync counts when it has ended."""
    found = []
    for line in trace.splitlines():
        match = CALL.match(line) or RESUMED.match(line)
        if match is None:
            continue
        call, rest = match["call"], match["rest"]
        if call in ("fsync", "fdatasync"):
            found += ["sync"] if rest.endswith("= 0") else []
        elif "POST /_tb/" in rest:
            found.append("ask")
        elif call.startswith(("write", "send")) and "HTTP/1.1 200" in rest:
            found.append("answer")
    return found
