"""Starts what a load test needs, on free ports of the loopback, pinned to a core, and stops it again by pid."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this machine: not by a proxy that the environment names."""


@contextlib.contextmanager
def held_port() -> Iterator[int]:
    """A port for a server that is told one: until the block ends the system gives it to nobody who asks for any. It is
    bound here and not listened on, and a server that names it, and reuses addresses as servers do, gets it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


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
        process.send_signal(signal.SIGINT)  # SIGTERM would have us serve on for a while, for a load balancer to see
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
            with DIRECT.open(url, timeout=1):
                break
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.05)
    else:
        raise RuntimeError(f"{url} did not answer")
    if process.poll() is not None:  # it was somebody else who answered
        raise RuntimeError(f"{url} is answered by another process")


@contextlib.contextmanager
def demo(
    *, rules: str = "rules", core: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The demo (shop, proxy, studio) on free ports; gives the proxy's URL and the process."""
    with held_port() as shop, held_port() as public, held_port() as admin:
        command = [
            sys.executable, "-m", "proxy", "demo", "--rules", rules,
            "--shop-port", str(shop), "--port", str(public), "--admin-port", str(admin),
        ]  # fmt: skip
        with running(command, ready=f"http://127.0.0.1:{admin}/livez", core=core, environment=environment) as process:
            yield f"http://127.0.0.1:{public}", process
