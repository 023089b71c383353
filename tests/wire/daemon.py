"""Tailorbird as it runs in production: `tailorbird serve` in a process of its own, to be loaded, signalled, killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import httpx

from loadtests.stage import held_port
from proxy.environment import PREFIX
from proxy.settings import Settings
from proxy.visitors.visitor import Cookies

SECRET = "a-secret-for-tests-long-enough"
TOKEN = "a-token-for-tests"
START_SECONDS = 120


class Daemon:
    """Serves while in `async with`. `settings` are those of `settings.py`; `port` is the public one."""

    def __init__(self, origin: str, folder: Path, *, has_admin: bool = True, **settings: object) -> None:
        self.origin = origin
        store = f"sqlite:{folder / 'store.db'}"
        self._settings = {"origin": origin, "rules": folder, "store": store, "port": 0, "secret": SECRET, **settings}
        self._held = contextlib.ExitStack()
        self._settings["admin_port"] = self._held.enter_context(held_port()) if has_admin else 0
        self.cookies = Cookies.from_settings(Settings(secret=SECRET), is_demo=False)

    async def __aenter__(self) -> Daemon:
        named = {PREFIX + name.upper(): str(value) for name, value in self._settings.items()}
        begun = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "serve"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, PREFIX + "ADMIN_TOKEN": TOKEN, **named},
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            printed = (await self.process.stdout.readline()).decode()
        self.started_in = time.monotonic() - begun
        self.port = int(printed.rstrip("/\n").rpartition(":")[2])
        auth = {"authorization": f"Bearer {TOKEN}"}
        url = f"http://127.0.0.1:{self._settings['admin_port']}"
        self.admin = httpx.AsyncClient(base_url=url, headers=auth, trust_env=False, timeout=60, verify=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._held.close()
        await self.admin.aclose()
        if self.process.returncode is None:
            self.signal(signal.SIGINT)
        try:
            await asyncio.wait_for(self.process.wait(), 40)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            raise

    def signal(self, number: signal.Signals) -> None:
        """Sends the signal to the process that was started."""
        self.process.send_signal(number)

    @property
    def workers(self) -> list[int]:
        """The worker processes, oldest first: the supervisor's zygotes have forked them."""
        return [worker for zygote in children(self.process.pid) for worker in children(zygote)]

    async def readiness(self) -> dict[str, object]:
        """What /readyz says; its `state` is "gone" when nobody does."""
        try:
            answer = await self.admin.get("/readyz")
        except httpx.TransportError:
            return {"state": "gone", "workers": 0}
        said: dict[str, object] = json.loads(answer.content)
        assert (answer.status_code == 503) == (said["state"] == "stopping")
        return said

    async def has_workers(self, count: int, *, without: frozenset[int] = frozenset()) -> float:
        """Waits until so many serve, none of them `without`; how many seconds that took."""
        begun = time.monotonic()
        async with asyncio.timeout(60):
            while without & set(self.workers) or (await self.readiness())["workers"] != count:
                await asyncio.sleep(0.02)
        return time.monotonic() - begun

    async def metric(self, name: str, value: str = "") -> float:
        """What /metrics says of `name` (with that label's value), over all workers."""
        text = (await self.admin.get("/metrics")).text
        label = rf'\{{\w+="{re.escape(value)}"\}}' if value else ""
        found = re.search(rf"^{name}{label} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0


def children(pid: int) -> list[int]:
    """The processes that the process has started; none when it has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def resident_bytes(pid: int) -> int:
    """Memory the process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


def open_files(pid: int) -> int:
    """File descriptors the process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))
