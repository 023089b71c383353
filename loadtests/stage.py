"""Starts what a load test needs, on free ports of the loopback, pinned to a core, and stops it again by pid."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import IO


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """The command held to one core, where the machine has more than one and `taskset`."""
    cores = os.cpu_count() or 1
    if cores < 2 or not any(os.access(f"{folder}/taskset", os.X_OK) for folder in os.get_exec_path()):
        return list(command)
    return ["taskset", "-c", str(core % cores), *command]


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    ready: str,
    core: int = 0,
    environment: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `command` until the block ends; enters it when the URL `ready` answers. What it says on standard error goes
    to `log`, if given. Raises `RuntimeError` if it never answers."""
    process = subprocess.Popen(
        pinned(core, command), env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=log
    )
    try:
        wait_for(ready, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
    """Returns when `url` answers anything at all."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer")


@contextlib.contextmanager
def demo(
    *, rules: str = "rules", core: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The demo (shop, proxy, studio) on free ports; gives the proxy's URL and the process."""
    shop, public, admin = free_port(), free_port(), free_port()
    command = [
        sys.executable, "-m", "proxy", "demo", "--rules", rules,
        "--shop-port", str(shop), "--port", str(public), "--admin-port", str(admin),
    ]  # fmt: skip
    with running(command, ready=f"http://127.0.0.1:{admin}/livez", core=core, environment=environment) as process:
        yield f"http://127.0.0.1:{public}", process
