"""Load from `wrk` on a core of its own, and what it costs the server.

`h2load` keeps up too, but sends every request alike; wrk's script gives each its own visitor and its own other cookies.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.stage import pinned
from loadtests.storefront import Shopper

LOADER_CORE = 1
CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("loader.lua")
SETTLE_SECONDS = 0.75
"""After a run, before what it cost is read: what a server does of it later, as bringing views to its store, is part of
its cost, and not the next run's."""
_CPU_CLOCK = 2  # as clock_getcpuclockid(3) makes the number of a process's clock

# What Chrome sends when somebody follows a link within a shop.
FIELDS = (
    "Host: shop.example",
    "Connection: keep-alive",
    'sec-ch-ua: "Google Chrome";v="143", "Chromium";v="143", "Not?A_Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Windows"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 "
    "Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-User: ?1",
    "Sec-Fetch-Dest: document",
    "Referer: https://shop.example/c/lamps",
    "Accept-Language: nl-NL,nl;q=0.9,en-US;q=0.8,en;q=0.7",
)


@dataclass(frozen=True)
class Load:
    """One run. `refused` are answers with a status of 400 or more, `unanswered` requests without an answer. `cpu_us` is
    the server's CPU per request; `loader_share` the part of its core that the loader used."""

    requests: int
    rate: float
    refused: int
    unanswered: int
    p50_us: int
    p99_us: int
    cpu_us: float
    loader_share: float


@dataclass(frozen=True)
class Requests:
    """Requests for `path`, written to a folder for the loader's script. `coding` is what the client takes."""

    folder: Path
    path: str
    coding: str
    visitors: Sequence[Shopper]
    others: Sequence[bytes]

    @property
    def head(self) -> list[str]:
        """The request line and all fields but the cookies."""
        taken = "gzip, deflate, br, zstd" if self.coding == "gzip" else "identity"
        return [f"GET {self.path} HTTP/1.1", *FIELDS, f"Accept-Encoding: {taken}"]

    def of_nobody(self) -> bytes:
        """One without cookies."""
        return "\r\n".join((*self.head, "", "")).encode()

    def of(self, number: int) -> bytes:
        """One of them, as the script makes it."""
        cookies = self.others[number % len(self.others)] + b"; " + self.visitors[number % len(self.visitors)].cookies
        return "\r\n".join(self.head).encode() + b"\r\nCookie: " + cookies + b"\r\n\r\n"

    def write(self) -> None:
        """Writes what the script reads."""
        self.folder.mkdir()
        (self.folder / "head").write_text("\n".join(self.head))
        (self.folder / "visitors").write_bytes(b"\n".join(shopper.cookies for shopper in self.visitors))
        (self.folder / "others").write_bytes(b"\n".join(self.others))


def is_installed() -> bool:
    """True when there is a `wrk`."""
    return shutil.which("wrk") is not None


def load(
    url: str,
    pid: int,
    requests: Requests,
    *,
    seconds: int,
    connections: int = CONNECTIONS,
    rate: float = 0,
    first: int = 0,
) -> Load:
    """Asks as fast as the answers come; with a `rate`, about that often a second. Begins with the visitor `first`."""
    pause_ms = max(1, round(1_000 * connections / rate)) if rate else 0
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s", "-s", str(SCRIPT), url,
        "--", str(requests.folder), str(first), str(pause_ms),
    ]  # fmt: skip
    before, loader_before, begun = cpu_seconds(pid), os.times(), time.monotonic()
    run = subprocess.run(pinned(LOADER_CORE, command), capture_output=True, check=True, text=True, timeout=seconds + 30)
    lasted, loader = time.monotonic() - begun, os.times()
    time.sleep(SETTLE_SECONDS)
    spent = cpu_seconds(pid) - before
    told = json.loads(run.stdout.splitlines()[-1])
    loader_cpu = loader.children_user + loader.children_system
    loader_cpu -= loader_before.children_user + loader_before.children_system
    return Load(
        told["requests"],
        told["requests"] / told["microseconds"] * 1e6,
        told["refused"],
        told["unanswered"],
        told["p50_us"],
        told["p99_us"],
        spent / max(1, told["requests"]) * 1e6,
        loader_cpu / lasted,
    )


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its children have used so far, in user and kernel mode, to the nanosecond: by the clock of
    the process, since what `/proc` counts in ticks of 10 ms is a seventh of a run at a low rate."""
    return time.clock_gettime(~pid << 3 | _CPU_CLOCK) + sum(cpu_seconds(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
