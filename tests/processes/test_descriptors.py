"""A process takes no more clients than the system lets it have connections."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from proxy.processes.descriptors import fitting
from proxy.settings import Settings
from tests.wire.origin import Origin, always, ok

SETTINGS = Settings(
    origin=("http://a", "/api=http://b"),
    max_connections=100,
    max_slow_downloads=150,
    store="redis://a",
    store_connections=32,
    max_clients=2_000,
)
BESIDE = 2 * 100 + 4 * 32 + 128


@pytest.mark.parametrize(
    ("limit", "clients", "connections", "slow"),
    [
        (2_000 + BESIDE + 2 * 150, 2_000, 100, 150),
        (1 << 20, 2_000, 100, 150),
        (2_000 + BESIDE + 2 * 10, 2_000, 100, 10),
        (1_024, 1_024 - BESIDE, 100, 0),
        (4 * 32 + 128 + 80, 40, 20, 0),
        (100, 1, 1, 0),
    ],
)
def test_what_else_is_open_leaves_the_rest_for_clients(limit: int, clients: int, connections: int, slow: int) -> None:
    fewer = fitting(SETTINGS, limit)
    assert (fewer.max_clients, fewer.max_connections, fewer.max_slow_downloads) == (clients, connections, slow)
    assert (fewer is SETTINGS) is (slow == 150)
    assert fitting(replace(SETTINGS, store="sqlite:a"), limit - 4 * 32).max_clients == max(clients, 1)


ASKS = """
import resource
import shlex
from proxy.processes.descriptors import within_reach
from proxy.settings import Settings
resource.setrlimit(resource.RLIMIT_NOFILE, (%d, %d))
settings = within_reach(Settings(origin=("http://a",), max_clients=500))
print(settings.max_clients, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "clients", "given", "told"),
    [
        (256, 2_000, 500, 500 + 100 + 300 + 128, ""),
        (256, 600, 600 - 228, 600, "372 clients at most"),
        (1_200, 2_000, 500, 1_200, ""),
    ],
)
def test_what_is_missing_is_asked_for(soft: int, hard: int, clients: int, given: int, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", ASKS % (soft, hard)], capture_output=True, text=True, check=True)
    assert [int(word) for word in done.stdout.split()] == [clients, given]
    assert told in done.stderr and bool(told) is bool(done.stderr)


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1_000, reason="the test itself needs connections")
async def test_new_clients_are_served_when_idle_connections_fill_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("rules: []")
    async with Origin(always(ok(b"hello"))) as origin:
        python = shlex.quote(sys.executable)
        serve = f"ulimit -n 420; exec {python} -m proxy serve --port 0 --admin-port 0 --origin {origin.url}"
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f"{serve} --rules . --store sqlite:s.db"),
            env={"TAILORBIRD_SECRET": "a-secret-for-tests-long-enough", "PATH": "/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE,
            cwd=tmp_path,
        )
        assert process.stdout is not None
        try:
            url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().split()[1]
            port = httpx.URL(url).port
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(450)]
            async with httpx.AsyncClient(trust_env=False, timeout=30, verify=False) as client:
                assert (await client.get(url)).text == "hello"
            for _, writer in idle:
                writer.close()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            await process.wait()
