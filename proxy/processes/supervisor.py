"""Several worker processes behind the same sockets, and the small process that keeps them: it binds, starts, counts
heartbeats and restarts, and holds nothing of the product itself, so that there is little in it that could fail.

The workers are forked from a zygote (`zygote.py`), inherit the listening sockets and accept from them side by side. A
socket that several processes hold is closed when the last one closes it: what waits in its queue while one worker ends
is taken by another, so no connection is refused. (With a socket for each worker, SO_REUSEPORT, the kernel gives each
its own queue, which is lost with it.)

A worker says through a pipe who it is, that it is ready, and then that it lives, once a second. The pipe's breaking
tells it that its supervisor is gone, and the supervisor that it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from math import inf

from proxy.processes import systemd
from proxy.processes.logs import STACKS
from proxy.processes.memory_limit import held_bytes, limit_of
from proxy.processes.zygote import Command, Zygote, reaped
from proxy.settings import Settings

log = logging.getLogger("tailorbird.workers")

READY, ALIVE = b"r", b"."
BEAT_SECONDS = 1.0
START_SECONDS = 60.0
"""A worker that is not ready by then is given up."""
LEAST_LIFE_SECONDS = 1.0
"""A worker that ends sooner is replaced only then."""
LONGEST_PAUSE_SECONDS = 10.0
FULL_LOOKS = 10
"""Seconds after which a worker that holds so much that it takes no requests will not get well by itself."""
SETTLED_SECONDS = 10.0
"""A worker that holds too much so soon would be replaced by one that does, too: its limit is too low."""
ENDED, STALLED, MEMORY, FAILED = ("ended", "stalled", "memory", "failed")
"""Why a worker is replaced."""
NO_USR1 = "SIGUSR1 changes nothing: a log file that was moved away is made anew by itself"
"""It ends a process that has no handler, and programs that rotate logs send it to other servers."""
TOO_MUCH = 1.2
"""Times the memory a worker may hold: what it could not give back."""


class Worker:
    """One process, with its pipe. `pid` is 0 until it is forked; `is_ready` once it serves; `is_over` is set when it
    has ended; `why` it did, if not told to. `full_looks` is how often in a row it used too much memory to take
    requests."""

    def __init__(self, pipe: int) -> None:
        self.pid = 0
        self.is_ready = False
        self.is_over = asyncio.Event()
        self.why = ENDED
        self.full_looks = 0
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self.begun = self.last_beat = self._loop.time()
        self._news = asyncio.Event()
        self._owed: signal.Signals | None = None
        self._loop.add_reader(pipe, self._hear)

    async def starts(self) -> bool:
        """Waits until it serves; False when it ended instead, or took too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._news.wait()
        return self.is_ready

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal now, or as soon as it is forked."""
        if not self.pid:
            self._owed = number
        elif not self.is_over.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _hear(self) -> None:
        said = os.read(self._pipe, 4_096)
        self.last_beat = self._loop.time()
        if not said:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self.is_over.set()
        elif not self.pid:
            name, _, said = said.partition(b"\n")
            self.pid = int(name)
            if self._owed is not None:
                self.signal(self._owed)
        self.is_ready = self.is_ready or READY in said
        if self.is_ready or self.is_over.is_set():
            self._news.set()


class Supervisor:
    """Keeps `settings.workers` workers until told to stop. SIGTERM and SIGINT go on to them; SIGHUP replaces them, one
    after the other, each only once its successor is ready. `count` is told why each worker was replaced otherwise,
    `on_end` the process id of each that has ended."""

    def __init__(
        self,
        command: Command,
        settings: Settings,
        count: Callable[[str], None] = lambda why: None,
        on_end: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self._command = command
        self._count = count
        self._on_end = on_end
        self._settings = settings
        self._most_bytes = settings.max_worker_bytes or int(TOO_MUCH * settings.memory_limit_bytes)
        self._full_bytes = int(settings.memory_refuse_fraction * limit_of(settings))
        self._places: list[Worker | None] = [None] * settings.workers
        self._zygote: Zygote | None = None
        self._zygotes: set[Zygote] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._alive: set[Worker] = set()
        self._turn = asyncio.Lock()
        self._told: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self._is_stopping = False

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers that serve."""
        return [worker.pid for worker in self._places if worker is not None]

    async def start(self) -> bool:
        """Starts the first worker and waits until it serves, since its error would be that of all. False when it
        failed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told.put_nowait, number)
        loop.add_signal_handler(signal.SIGUSR1, log.warning, NO_USR1)
        return await self._fill(0)

    async def keep(self) -> None:
        """Starts the other workers, keeps all running until a signal, and waits for their end."""
        for place in range(1, len(self._places)):
            self._spawn(self._fill_at_last(place))
        watching = asyncio.create_task(self._watch())
        while (number := await self._told.get()) is signal.SIGHUP:
            log.info("all workers are replaced, one after the other")
            self._spawn(self._replace_all())
        watching.cancel()
        log.info("stopping by %s: within %.0f s", number.name, self._longest_seconds)
        systemd.notify(systemd.STOPPING)
        await self.stop(number)
        log.info("stopped")

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stops the workers; those that do not finish in time are killed."""
        self._is_stopping = True
        self._signal_all(number)
        for zygote in self._zygotes:
            zygote.close()
        for each in self._command.sockets:  # or who connects once no worker accepts would wait for the end of all
            each.close()
        deadline = asyncio.get_running_loop().time() + self._longest_seconds
        while self._alive:
            try:
                async with asyncio.timeout_at(deadline):
                    again = asyncio.create_task(self._told.get())
                    ends = [asyncio.create_task(worker.is_over.wait()) for worker in self._alive]
                    await asyncio.wait((again, *ends), return_when=asyncio.FIRST_COMPLETED)
                    if again.done():
                        self._signal_all(again.result())
                    again.cancel()
            except TimeoutError:
                log.warning("workers that did not end in time are killed: %d", len(self._alive))
                self._signal_all(signal.SIGKILL)
                deadline += self._longest_seconds
        await asyncio.gather(*(zygote.ends() for zygote in self._zygotes))
        for task in self._tasks:
            task.cancel()

    @property
    def _longest_seconds(self) -> float:
        return self._settings.lame_duck_seconds + self._settings.drain_seconds + 5.0

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self._alive:
            worker.signal(number)

    # -- starting ------------------------------------------------------------------------------------------------------

    async def _fill(self, place: int, zygote: Zygote | None = None) -> bool:
        """Starts a worker in that place; the present one is drained then."""
        zygote = zygote or await self._current()
        worker = self._begin(zygote)
        if not await worker.starts():
            log.error("a worker did not start")
            self._count(FAILED)
            worker.signal(signal.SIGKILL) if worker.pid else zygote.kill()
            return False
        before, self._places[place] = self._places[place], worker
        if before is not None:
            before.signal(signal.SIGUSR1)
        return True

    def _begin(self, zygote: Zygote) -> Worker:
        worker = Worker(zygote.spawn())
        self._alive.add(worker)
        self._spawn(self._mourn(worker))
        return worker

    async def _current(self) -> Zygote:
        """The zygote of the present workers; a new one when that has ended."""
        if self._zygote is None or self._zygote.is_gone:
            self._zygote = await self._conceive()
        return self._zygote

    async def _conceive(self) -> Zygote:
        zygote = await Zygote.start(self._command)
        self._zygotes = {each for each in self._zygotes if not each.is_gone} | {zygote}
        return zygote

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- replacing -----------------------------------------------------------------------------------------------------

    async def _mourn(self, worker: Worker) -> None:
        """Waits for the worker's end, and replaces it when it was not meant to end."""
        await worker.is_over.wait()
        self._alive.discard(worker)
        self._on_end(worker.pid)
        self._spawn(reaped(worker.pid))
        if self._is_stopping or worker not in self._places:
            return
        log.error("worker %d is replaced", worker.pid)
        self._count(worker.why)
        place = self._places.index(worker)
        self._places[place] = None
        await asyncio.sleep(worker.begun + LEAST_LIFE_SECONDS - asyncio.get_running_loop().time())
        await self._fill_at_last(place)

    async def _fill_at_last(self, place: int) -> None:
        failures = 0
        while not self._is_stopping and not await self._fill(place):
            failures += 1
            await asyncio.sleep(pause_after(failures))

    async def _replace_all(self) -> None:
        """Replaces all workers from a new zygote: the program on the disk may be another version."""
        async with self._turn:
            with systemd.reloading():
                fresh = await self._conceive()
                for place in range(len(self._places)):
                    if self._is_stopping or not await self._fill(place, fresh):
                        log.error("the workers that are there go on")
                        fresh.close()
                        return
                before, self._zygote = self._zygote, fresh
                if before is not None:
                    before.close()
                log.info("all workers were replaced")

    async def _watch(self) -> None:
        loop, now = asyncio.get_running_loop(), inf
        while True:
            await asyncio.sleep(1.0)
            before, now = now, loop.time()
            if now > before + 2.0:
                continue  # we stood still ourselves, and have yet to hear what they said meanwhile
            for place, worker in enumerate(self._places):
                if worker is None:
                    continue
                is_stalled = 0 < self._settings.stall_seconds < now - worker.last_beat
                if is_stalled and worker.why == STALLED:
                    worker.signal(signal.SIGKILL)
                    continue
                worker.why = STALLED if is_stalled else worker.why if worker.is_over.is_set() else ENDED
                if is_stalled:
                    log.error("worker %d has stalled; this is what it does:", worker.pid)
                    worker.signal(STACKS)
                elif self._holds_too_much(worker, held_bytes(worker.pid), now - worker.begun):
                    log.warning("worker %d holds too much memory and is replaced", worker.pid)
                    self._count(MEMORY)
                    async with self._turn:
                        await self._fill(place)

    def _holds_too_much(self, worker: Worker, held: int, age_seconds: float) -> bool:
        """True for a worker far over its memory limit, or so long over it that it has refused requests for a while."""
        worker.full_looks = worker.full_looks + 1 if 0 < self._full_bytes < held else 0
        is_far_over = 0 < self._most_bytes < held and age_seconds > SETTLED_SECONDS
        return is_far_over or worker.full_looks >= FULL_LOOKS


def pause_after(failures: int) -> float:
    """Seconds before the next attempt to start a worker: increasing, so that workers that fail at once do not keep the
    machine busy."""
    return float(min(0.1 * 2**failures, LONGEST_PAUSE_SECONDS))
