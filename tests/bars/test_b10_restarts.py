"""Stopping, restarting and being killed under load. Clients keep their connections, as a load balancer does: on each
they ask again until they are told that an answer was the last. An answer that is missing, cut short or no 200 is a
failure, and so is a connection that is refused while somebody should be listening."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, Seen, ok
from tests.wire.served import hear, request
from tests.wire.site import answering

FULL = bool(os.environ.get("BAR_FULL"))
TIMES = 20 if FULL else 1
CLIENTS = 100 if FULL else 20
SLOW_SECONDS = 0.2
HTML = b"Content-Type: text/html"
PAGE = ok(b"<p>a page</p>" * 1_000, HTML, b"Cache-Control: max-age=600")
SLOW = ok(b"<p>made for you</p>" * 1_000, HTML, b"Cache-Control: private")


async def shop(seen: Seen) -> bytes:
    """`/slow` is asked of the origin each time, and takes its time."""
    if not seen.target.startswith(b"/slow"):
        return PAGE
    await asyncio.sleep(SLOW_SECONDS)
    return SLOW


class Clients:
    """Each on a connection of its own, a third of them asking for what is slow. `is_over` ends them at their next
    answer; `may_dial` False: who is told to close does not come back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answered = 0
        self.dialled = 0
        self.failures: list[str] = []
        self.may_dial = True
        self.is_over = False

    async def run(self, count: int = CLIENTS) -> None:
        await asyncio.gather(*(self._stay(b"/slow" if number % 3 == 0 else b"/page") for number in range(count)))

    async def _stay(self, path: bytes) -> None:
        while self.may_dial and not self.is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError as error:
                self.failures.append(f"dialling: {error!r}")
                await asyncio.sleep(0.05)
                continue
            self.dialled += 1
            await self._ask_again_and_again(reader, writer, path)
            writer.close()

    async def _ask_again_and_again(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes
    ) -> None:
        is_kept = True
        while is_kept and not self.is_over:
            try:
                writer.write(request(b"GET", path))
                async with asyncio.timeout(20):
                    heard = await hear(reader)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.failures.append(f"after {self.answered} answers: {error!r}")
                return
            if heard.status != 200 or not heard.is_whole:
                self.failures.append(f"{heard.status}, whole: {heard.is_whole}")
            self.answered += 1
            is_kept = heard.headers.get(b"connection") != b"close"
            await asyncio.sleep(0.02)


async def until_answered(clients: Clients, more: int) -> None:
    """Waits for so many more answers."""
    wanted = clients.answered + more
    async with asyncio.timeout(60):
        while clients.answered < wanted:
            await asyncio.sleep(0.01)


@pytest.mark.bar("B10")
@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_under_load_costs_no_request(workers: int, tmp_path: Path) -> None:
    answered = 0
    async with Origin(answering(shop)) as origin:
        for _ in range(TIMES):
            async with Daemon(origin.url, tmp_path, workers=workers, lame_duck_seconds=1, drain_seconds=20) as daemon:
                clients = Clients(daemon.port)
                load = asyncio.create_task(clients.run())
                await until_answered(clients, 10 * CLIENTS)
                daemon.signal(signal.SIGTERM)
                async with asyncio.timeout(20):
                    while (await daemon.readiness())["state"] not in ("stopping", "gone"):
                        await asyncio.sleep(0.05)
                clients.may_dial = False  # whoever balances load has seen it now
                async with asyncio.timeout(30):
                    code = await daemon.process.wait()
                await load
                assert (code, clients.failures) == (0, [])
                answered += clients.answered
    print(f"\nB10: SIGTERM {TIMES} times, {workers} workers, {CLIENTS} clients: {answered} answers, 0 failed")


@pytest.mark.bar("B10")
@pytest.mark.parametrize("workers", [1, 2])
async def test_who_connects_while_the_last_answers_are_given_is_refused_and_may_go_elsewhere(
    workers: int, tmp_path: Path
) -> None:
    may_answer = asyncio.Event()

    async def shop(seen: Seen) -> bytes:
        await may_answer.wait()
        return SLOW

    async with (
        Origin(answering(shop)) as origin,
        Daemon(origin.url, tmp_path, workers=workers, lame_duck_seconds=0, drain_seconds=60) as daemon,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(request(b"GET", b"/slow"))
        async with asyncio.timeout(60):
            while not origin.requests:
                await asyncio.sleep(0.01)
            daemon.signal(signal.SIGTERM)
            with pytest.raises(ConnectionRefusedError):
                while True:
                    (await asyncio.open_connection("127.0.0.1", daemon.port))[1].close()
                    await asyncio.sleep(0.01)
            assert daemon.process.returncode is None
            may_answer.set()
            assert (await hear(reader)).status == 200
        writer.close()


@pytest.mark.bar("B10")
async def test_rolling_restarts_under_load_cost_no_request(tmp_path: Path) -> None:
    async with Origin(answering(shop)) as origin, Daemon(origin.url, tmp_path, workers=2) as daemon:
        clients = Clients(daemon.port)
        load = asyncio.create_task(clients.run())
        await until_answered(clients, CLIENTS)
        for _ in range(TIMES):
            before = frozenset(daemon.workers)
            daemon.signal(signal.SIGHUP)
            await daemon.has_workers(2, without=before)
        clients.is_over = True
        await load
    print(f"\nB10: {TIMES} rolling restarts: {clients.answered} answers, {clients.dialled} connections, 0 failed")
    assert clients.failures == []


@pytest.mark.bar("B10")
async def test_a_killed_worker_costs_its_own_requests_only_and_is_back_soon(tmp_path: Path) -> None:
    async with Origin(answering(shop)) as origin, Daemon(origin.url, tmp_path, workers=2) as daemon:
        clients = Clients(daemon.port)
        load = asyncio.create_task(clients.run())
        longest = 0.0
        for _ in range(TIMES):
            await until_answered(clients, CLIENTS)
            failed, victim = len(clients.failures), daemon.workers[0]
            os.kill(victim, signal.SIGKILL)
            longest = max(longest, await daemon.has_workers(2, without=frozenset({victim})))
            lost = len(clients.failures) - failed  # what was accepted in the very moment is lost as well
            assert lost <= CLIENTS + 5, clients.failures[failed:]
        clients.is_over = True
        await load
        assert await daemon.metric("tailorbird_workers_replaced_total", "ended") == TIMES
        assert await daemon.metric("tailorbird_workers_replaced_total", "stalled") == 0
    lost = len(clients.failures)
    print(f"\nB10: killed {TIMES} times: back after at most {longest:.2f} s; {clients.answered} answers, {lost} lost")
    assert not [failure for failure in clients.failures if failure.startswith("dialling")]
    assert longest < (2.0 if FULL else 10.0)


@pytest.mark.bar("B10")
@pytest.mark.parametrize("workers", [1, 2])
async def test_with_nothing_else_up_it_starts_at_once_and_says_what_is_missing(workers: int, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    missing = {"rules": tmp_path / "empty", "store": "redis://127.0.0.1:9/0"}
    async with Daemon("http://127.0.0.1:9", tmp_path, workers=workers, **missing) as daemon:
        await daemon.has_workers(workers)
        said = await daemon.readiness()
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(request(b"GET", b"/"))
        assert (await hear(reader)).status == 502
        writer.close()
    print(f"\nB10: cold, {workers} workers: listening after {daemon.started_in:.2f} s; {said}")
    assert (said["state"], said["store_ready"], said["workers"]) == ("degraded", False, workers)
    assert daemon.started_in < (2.0 if FULL else 20.0)
