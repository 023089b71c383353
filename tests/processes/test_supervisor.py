"""The supervisor, with small workers that do nothing but what a test wants of them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.processes import supervisor as module
from proxy.processes.supervisor import LEAST_LIFE_SECONDS, Supervisor, pause_after
from proxy.processes.zygote import Command
from proxy.settings import Settings
from tests.wire.daemon import children

ZYGOTE = """
import os, signal, socket, sys, time
from proxy.processes.zygote import fork_workers

def live(pipe):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, lambda *_: os._exit(0))
    os.write(pipe, b"r")
    while True:
        time.sleep(0.05)
        os.write(pipe, b".")

fork_workers(socket.socket(fileno=int(sys.argv[-1])), live)
"""
SILENT = ZYGOTE.replace('os.write(pipe, b".")', "pass")
DEAF = ZYGOTE.replace("os._exit(0)", "None")
STILLBORN = "import sys; sys.exit(3)"
SICKLY = ZYGOTE.replace('os.write(pipe, b"r")', "sys.exit(3)")


@asynccontextmanager
async def supervised(
    script: str = ZYGOTE,
    *,
    command: Sequence[str] = (),
    workers: int = 2,
    count: Callable[[str], None] = lambda why: None,
    on_end: Callable[[int], None] = lambda pid: None,
    **settings: float,
) -> AsyncIterator[Supervisor]:
    wanted = Settings(workers=workers, **{"lame_duck_seconds": 0.0, "drain_seconds": 1.0, **settings})  # type: ignore[arg-type]
    supervisor = Supervisor(Command(command or (sys.executable, "-c", script), os.environ, ()), wanted, count, on_end)
    assert await supervisor.start()
    keeping = asyncio.create_task(supervisor.keep())
    await until(lambda: len(supervisor.workers) == workers)
    yield supervisor
    if not keeping.done():
        os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(keeping, 20)


@pytest.fixture
def zygotes() -> Callable[[], list[int]]:
    """The processes that this one has started since."""
    others = set(children(os.getpid()))
    return lambda: [child for child in children(os.getpid()) if child not in others]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


def lives(pid: int) -> bool:
    """False as soon as it has ended, also where its zygote has not noticed yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def test_all_are_started_and_end_with_it() -> None:
    async with supervised(workers=3) as supervisor:
        started = supervisor.workers
        assert len(started) == 3
        assert all(map(lives, started))
    assert not any(map(lives, started))


async def test_one_that_is_killed_is_replaced_and_the_other_stays() -> None:
    async with supervised() as supervisor:
        victim, other = supervisor.workers
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(supervisor.workers) == 2 and victim not in supervisor.workers)
        assert other in supervisor.workers


async def test_one_that_is_killed_again_and_again_is_replaced_as_soon_each_time() -> None:
    async with supervised() as supervisor:
        for _ in range(4):
            victim = supervisor.workers[0]
            os.kill(victim, signal.SIGKILL)
            begun = asyncio.get_running_loop().time()
            await until(lambda victim=victim: len(supervisor.workers) == 2 and victim not in supervisor.workers)
            assert asyncio.get_running_loop().time() - begun < LEAST_LIFE_SECONDS + 4


async def test_a_rolling_restart_ends_nobody_before_its_successor_serves() -> None:
    async with supervised() as supervisor:
        before = supervisor.workers
        os.kill(os.getpid(), signal.SIGHUP)
        while set(before) & set(supervisor.workers):
            assert len(supervisor.workers) == 2
            await asyncio.sleep(0.005)
        await until(lambda: not any(map(lives, before)))


async def test_who_rotates_its_log_as_that_of_other_servers_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with supervised() as supervisor:
        before = supervisor.workers
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: "SIGUSR1 changes nothing" in caplog.text)
        assert supervisor.workers == before and all(map(lives, before))


async def test_of_each_worker_that_ends_it_is_told_which() -> None:
    ended: list[int] = []
    async with supervised(on_end=ended.append) as supervisor:
        before = supervisor.workers
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: sorted(ended) == sorted(before))
        after = supervisor.workers
        os.kill(after[0], signal.SIGKILL)
        await until(lambda: ended[2:] == after[:1])


async def test_a_rolling_restart_brings_what_is_on_the_disk_by_then_and_nothing_that_does_not_run(
    tmp_path: Path, zygotes: Callable[[], list[int]]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(ZYGOTE)
    async with supervised(command=(sys.executable, str(program))) as supervisor:
        before = supervisor.workers
        program.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n{STILLBORN}")
        (zygote,) = zygotes()
        os.kill(os.getpid(), signal.SIGHUP)
        await until((tmp_path / "ran").exists)
        await until(lambda: zygotes() == [zygote])
        assert supervisor.workers == before
        program.write_text(ZYGOTE)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: not set(before) & set(supervisor.workers))
        await until(lambda: zygote not in zygotes())
        assert [children(each) for each in zygotes()] == [supervisor.workers]


async def test_without_their_zygote_workers_live_on_and_are_kept_by_another(zygotes: Callable[[], list[int]]) -> None:
    async with supervised() as supervisor:
        victim, other = supervisor.workers
        (zygote,) = zygotes()
        os.kill(zygote, signal.SIGKILL)
        await until(lambda: not zygotes())
        assert lives(victim)
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(supervisor.workers) == 2 and victim not in supervisor.workers)
        assert other in supervisor.workers


async def test_one_that_is_not_born_yet_gets_its_signal_too(zygotes: Callable[[], list[int]]) -> None:
    slow = ZYGOTE.replace("fork_workers(", "time.sleep(0.5); fork_workers(")
    supervisor = Supervisor(Command((sys.executable, "-c", slow), os.environ, ()), Settings(workers=1))
    starting = asyncio.create_task(supervisor.start())
    await until(lambda: bool(zygotes()))
    await asyncio.wait_for(supervisor.stop(), 20)
    await starting
    assert not zygotes()


async def test_what_was_asked_of_it_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tailorbird.workers")
    async with supervised() as supervisor:
        before = set(supervisor.workers)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: before.isdisjoint(supervisor.workers) and "all workers were replaced" in caplog.messages)
    assert caplog.messages == [
        "all workers are replaced, one after the other",
        "all workers were replaced",
        "stopping by SIGTERM: within 6 s",
        "stopped",
    ]


async def test_one_that_stalls_is_replaced() -> None:
    counted: list[str] = []
    async with supervised(SILENT, workers=1, stall_seconds=0.5, count=counted.append) as supervisor:
        (stalled,) = supervisor.workers
        await until(lambda: supervisor.workers not in ([], [stalled]))
        assert not lives(stalled) and counted[0] == "stalled"


async def test_who_stood_still_with_its_workers_as_in_a_paused_container_takes_none_for_stalled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with supervised(workers=1, stall_seconds=2) as supervisor:
        (worker,) = supervisor.workers
        await asyncio.sleep(1.5)  # it watches
        os.kill(worker, signal.SIGSTOP)
        time.sleep(3.5)  # noqa: ASYNC251  # it stands still, too
        asyncio.get_running_loop().call_later(0.1, os.kill, worker, signal.SIGCONT)
        await asyncio.sleep(2.5)
        assert supervisor.workers == [worker] and not [text for text in caplog.messages if "stalled" in text]


@pytest.mark.parametrize("limit", ["max_worker_bytes", "memory_limit_bytes"])
async def test_one_that_holds_too_much_memory_gives_way_to_a_fresh_one(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED_SECONDS", 0.0)
    async with supervised(workers=1, **{limit: 1_000}) as supervisor:
        (fat,) = supervisor.workers
        await until(lambda: supervisor.workers not in ([], [fat]))


async def test_one_that_held_too_much_from_the_start_is_not_replaced_again_and_again() -> None:
    async with supervised(workers=1, max_worker_bytes=1_000) as supervisor:
        (worker,) = supervisor._places
        assert worker is not None
        judged = [supervisor._holds_too_much(worker, 1_001, age) for age in (1.0, module.SETTLED_SECONDS + 1)]
    assert judged == [False, True]


async def test_one_that_holds_for_long_what_it_may_not_gives_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FULL_LOOKS", 2)
    much = {"memory_limit_bytes": 10_000_000_000, "memory_refuse_fraction": 1e-7}
    async with supervised(workers=1, **much) as supervisor:
        (full,) = supervisor.workers
        await until(lambda: supervisor.workers not in ([], [full]))


async def test_one_that_does_not_end_in_time_is_cut_off() -> None:
    async with supervised(DEAF, workers=1, drain_seconds=-4.5) as supervisor:
        (deaf,) = supervisor.workers
    assert not lives(deaf)


@pytest.mark.parametrize("script", [STILLBORN, SICKLY], ids=["stillborn", "sickly"])
async def test_workers_that_cannot_start_are_told_at_once(script: str) -> None:
    supervisor = Supervisor(Command((sys.executable, "-c", script), os.environ, ()), Settings(workers=2))
    assert not await supervisor.start()
    await supervisor.stop()


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.2), (4, 1.6), (20, 10.0)])
def test_the_more_failures_the_longer_the_pause(failures: int, seconds: float) -> None:
    assert pause_after(failures) == pytest.approx(seconds)
