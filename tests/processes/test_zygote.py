"""What is forked is a process of its own, and nothing goes on in what it is forked from."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from proxy.processes.zygote import Command, Zygote, end_of, reaped
from tests.wire.daemon import children

SCRIPT = """
import os, random, secrets, signal, socket, sys, uuid
from proxy.processes.zygote import WORKER_SIGNALS, fork_workers

def live(pipe):
    fresh = all(signal.getsignal(each) is signal.SIG_DFL for each in (*WORKER_SIGNALS, signal.SIGCHLD))
    os.write(pipe, f"{fresh} {random.random()} {secrets.token_hex()} {uuid.uuid4()}\\n".encode())
    signal.pause()

random.seed(1)
fork_workers(socket.socket(fileno=int(sys.argv[-1])), live)
"""


@asynccontextmanager
async def zygote_of(command: Command) -> AsyncIterator[Zygote]:
    zygote = await Zygote.start(command)
    yield zygote
    zygote.close()
    for worker in children(zygote.process.pid):
        with suppress(ProcessLookupError):  # one that was killed may be listed for a moment
            os.kill(worker, signal.SIGKILL)
    await asyncio.wait_for(zygote.process.wait(), 30)


def script(text: str) -> Command:
    return Command((sys.executable, "-c", text), os.environ, ())


async def said(pipe: int, lines: int) -> list[str]:
    """So many lines from a pipe; fewer when it ends before."""
    text = b""
    os.set_blocking(pipe, True)
    while text.count(b"\n") < lines and (more := await asyncio.to_thread(os.read, pipe, 4_096)):
        text += more
    return text.decode().splitlines()


async def test_each_worker_tells_its_number_and_shares_no_chance_with_the_others() -> None:
    async with zygote_of(script(SCRIPT)) as zygote:
        told = [await said(zygote.spawn(), 2) for _ in range(3)]
        assert [int(number) for number, _ in told] == children(zygote.process.pid)
        fresh, *drawn = zip(*(line.split() for _, line in told), strict=True)
        assert fresh == ("True",) * 3
        assert [len(set(each)) for each in drawn] == [3, 3, 3]


async def test_the_end_of_the_pipe_is_the_end_of_that_worker() -> None:
    async with zygote_of(script(SCRIPT)) as zygote:
        pipes = [zygote.spawn() for _ in range(3)]
        (first, _), (second, _), _ = [await said(pipe, 2) for pipe in pipes]
        os.kill(int(second), signal.SIGKILL)
        assert await asyncio.wait_for(said(pipes[1], 1), 30) == []
        assert int(first) in children(zygote.process.pid)


async def test_one_that_has_ended_bears_nobody() -> None:
    async with zygote_of(script("import sys; sys.exit(3)")) as zygote:
        await zygote.process.wait()
        assert zygote.is_gone
        assert await asyncio.wait_for(said(zygote.spawn(), 1), 30) == []


async def test_it_goes_after_the_last_of_its_workers_and_no_signal_ends_it() -> None:
    async with zygote_of(script(SCRIPT)) as zygote:
        pipe = zygote.spawn()
        number, _ = await said(pipe, 2)
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            zygote.process.send_signal(each)
        zygote.close()
        await asyncio.sleep(0.1)
        assert not zygote.is_gone
        os.kill(int(number), signal.SIGTERM)
        assert await asyncio.wait_for(zygote.process.wait(), 30) == 0


def waiting_on(pipe: int) -> int:
    """The id of a process of ours that waits for what comes over the pipe."""
    arguments = [sys.executable, "-c", "input()"]
    return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, pipe, 0)])


async def test_a_worker_that_was_left_to_us_is_gone_from_the_table_of_processes() -> None:
    parent, pipe = os.pipe()
    pid = waiting_on(parent)
    reaping = asyncio.create_task(reaped(pid))
    await asyncio.sleep(0)
    assert not reaping.done()
    os.kill(pid, signal.SIGKILL)
    await asyncio.wait_for(reaping, 30)
    assert pid not in children(os.getpid())
    os.close(parent)
    os.close(pipe)


async def test_nobody_waits_for_processes_of_others() -> None:
    ours = await asyncio.create_subprocess_exec("true")
    for pid in (0, os.getppid()):
        await asyncio.wait_for(reaped(pid), 30)
    assert await ours.wait() == 0, "its end was left to who started it"


def test_how_a_worker_ended_is_told_in_words() -> None:
    assert end_of(1) == "ended with 1"
    assert end_of(-signal.SIGSEGV) == "was killed by signal 11"
    assert end_of(-signal.SIGKILL).startswith("was killed by signal 9 (help: if nobody did that, memory was short")
