"""The process that workers are forked from. It has imported all that a worker is made of and does nothing else: so a
worker is there in a fraction of the time that importing takes, and all of them share the memory of what was imported.

Its law: nothing goes on in it. No event loop, no thread, no connection, no open file but the sockets that workers
inherit: a fork copies memory, not what was under way in it.

It is of one version of the program. Who wants workers of another starts another; the old one goes when the last of its
workers has.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

log = logging.getLogger("tailorbird.workers")

WORKER_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""Signals that a terminal or the system may send to all of us at once: it has nothing to end, they have."""

REAP_SECONDS = 1.0


class Command(NamedTuple):
    """How a zygote is started: `arguments`, to which its end of the pipe is added, and its whole environment. `sockets`
    are inherited by it and its workers."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    sockets: Sequence[socket.socket]


class Zygote:
    """A running zygote, as the supervisor sees it, with the pipe to it."""

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self.process = process
        self._line = line

    @classmethod
    async def start(cls, command: Command) -> Zygote:
        """Starts a zygote; it answers once it has imported everything."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(*command.arguments, str(theirs.fileno())),
                env=dict(command.environment),
                pass_fds=(theirs.fileno(), *(each.fileno() for each in command.sockets)),
            )
        return cls(process, ours)

    @property
    def is_gone(self) -> bool:
        return self.process.returncode is not None

    def spawn(self) -> int:
        """Asks for a worker. Returns the pipe through which it will report, first its process id and a line end; the
        pipe closes when the worker has ended, or could not be started."""
        ours, theirs = os.pipe()
        with contextlib.suppress(OSError):  # a line to nobody
            socket.send_fds(self._line, [b"."], [theirs])
        os.close(theirs)
        os.set_blocking(ours, False)
        return ours

    def close(self) -> None:
        """Asks for no more workers; the zygote ends when its last worker has."""
        self._line.close()

    async def ends(self) -> None:
        """Waits for its end, which is near once its workers have ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REAP_SECONDS):
                await self.process.wait()
        self.kill()
        await self.process.wait()

    def kill(self) -> None:
        """Kills a zygote that does not answer."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


def fork_workers(line: socket.socket, live: Callable[[int], None], sockets: Sequence[int] = ()) -> None:
    """The zygote's side: forks a worker for each pipe that the line brings, which does `live(pipe)` and exits. Returns
    when the line has ended and the last worker too; `sockets`, which workers inherit, are closed as soon as it has."""
    for number in WORKER_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: _reap(os.WNOHANG))
    gc.collect()
    gc.freeze()  # a search for garbage writes to what it looks at, which would then be shared no more
    while pipes := socket.recv_fds(line, 1, 1)[1]:
        try:
            is_worker = os.fork() == 0
        except OSError as error:
            log.error("no worker could be forked: %s", error)
        else:
            if is_worker:
                _become_a_worker(line, pipes[0])
                live(pipes[0])
                sys.exit(0)
        os.close(pipes[0])
    line.close()
    for each in sockets:
        os.close(each)
    _reap(0)


def _become_a_worker(line: socket.socket, pipe: int) -> None:
    """Makes a process of its own of the forked copy."""
    line.close()
    for number in (*WORKER_SIGNALS, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.set_inheritable(pipe, False)
    os.write(pipe, b"%d\n" % os.getpid())


def _reap(options: int) -> None:
    """Reaps the children that have ended; waits for the others, unless the options say not to."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, options))[0]:
            if code := os.waitstatus_to_exitcode(ended[1]):
                log.error("worker %d %s", ended[0], end_of(code))


def end_of(code: int) -> str:
    """How a worker ended, by its exit code."""
    if code >= 0:
        return f"ended with {code}"
    help = " (help: if nobody did that, memory was short: docs/operating.md, Memory)" if -code == signal.SIGKILL else ""
    return f"was killed by signal {-code}{help}"


async def reaped(pid: int) -> None:
    """Waits for the end of a worker, if it is ours to wait for: in a container, where the supervisor is process 1, it
    gets the workers of a zygote that was killed, and they would stay in the table of processes. 0 is nobody."""
    while _is_ours(pid):  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(REAP_SECONDS)


def _is_ours(pid: int) -> bool:
    """False also once it has ended, and is reaped."""
    with contextlib.suppress(ChildProcessError):
        return pid > 0 and os.waitpid(pid, os.WNOHANG) == (0, 0)
    return False
