"""`make load`: Locust beside the demo, headless and bounded, personalised and passed through side by side.

First the capacity is measured with a closed loop, then Locust runs at a share of it, in interleaved rounds: so the
latencies are those of a server with room, not of a full queue. Writes an HTML report for each run and a table to
`loadtests/results/`.

    python -m loadtests.load [--seconds 20] [--rounds 2] [--walk shop|home] [--share 0.05] [--coding gzip]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from loadtests.shoppers import ms_of, times_of
from loadtests.stage import demo, pinned
from proxy.demo.visitors import VISITORS

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
USERS = 24
KNOWN = 0.67
"""The part of visitors who are one of the demo's own, with their profiles and a signed segment."""
SECRET = secrets.token_hex(32)
WARM_SECONDS = 5
LOADER_CORE = 1


@dataclass(frozen=True)
class Run:
    """One Locust run: its rows, and the share of a core Locust used, its start included."""

    rows: list[dict[str, Any]]
    locust_cpu: float


def measure_capacity(url: str, coding: str, seconds: float = 3.0, connections: int = 16) -> float:
    """Requests per second of the home page that a closed loop of keep-alive connections gets."""
    return asyncio.run(_closed_loop(url, coding, seconds, connections))


async def _closed_loop(url: str, coding: str, seconds: float, connections: int) -> float:
    place = urlsplit(url)
    request = f"GET / HTTP/1.1\r\nhost: {place.netloc}\r\naccept-encoding: {coding}\r\n\r\n".encode()
    deadline = time.monotonic() + seconds

    async def one() -> int:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        done = 0
        while time.monotonic() < deadline:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            done += 1
        writer.close()
        return done

    return sum(await asyncio.gather(*(one() for _ in range(connections)))) / seconds


def locust(url: str, name: str, *, seconds: int, rate: float, addresses: Path | None, coding: str) -> Run:
    """Runs Locust against `url` at `rate` pages per second in all."""
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        result, ids = Path(folder) / "result.json", Path(folder) / "ids"
        ids.write_text("\n".join(visitor.id for visitor in VISITORS))
        command = [
            sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "shop.py"), "--headless",
            "--host", url, "--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{seconds}s",
            "--loglevel", "ERROR", "--html", str(RESULTS / f"{name}.html"), "--json-file", str(result.with_suffix("")),
            "--rate", str(rate / USERS), "--known", str(KNOWN), "--visitors", str(ids), "--segments", "VIP", "--demo",
            "--coding", coding, *(("--addresses", str(addresses)) if addresses else ()),
        ]  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            pinned(LOADER_CORE, command), env={**os.environ, "TAILORBIRD_SECRET": SECRET}, cwd=ROOT,
            timeout=seconds + 60, check=False, capture_output=True, text=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if not result.exists():
            raise RuntimeError(f"Locust wrote no result: {done.stderr[-1_000:]}")
        entries = sorted(json.loads(result.read_text()), key=lambda entry: str(entry["name"]))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(
        [*(row_of(entry["name"], [entry], seconds) for entry in entries), row_of("all", entries, seconds)],
        cpu / seconds,
    )


def row_of(name: str, entries: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """One line of the table, of so many of Locust's: milliseconds, requests per second."""
    times = times_of(entry["response_times"] for entry in entries)
    return {
        "name": name,
        "rate": round(sum(entry["num_requests"] for entry in entries) / seconds, 1),
        **{f"p{part}": ms_of(times, part) for part in (50, 95, 99)},
        "failures": sum(entry["num_failures"] for entry in entries),
    }


def table(name: str, run: Run) -> list[str]:
    """The run as lines of a Markdown table."""
    numbers = ("name", "rate", "p50", "p95", "p99", "failures")
    rows = ([name, *(str(row[number]) for number in numbers), f"{run.locust_cpu:.0%}"] for row in run.rows)
    return [f"| {' | '.join(cells)} |" for cells in rows]


def compare(*, seconds: int, rounds: int, walk: str, share: float, coding: str) -> list[str]:
    """Interleaved rounds of both; the lines of the report."""
    lines = [
        "| | page | requests/s | p50 ms | p95 ms | p99 ms | failures | Locust's CPU |",
        "|---|---|---|---|---|---|---|---|",
    ]
    slowest: dict[str, list[float]] = {"personalised": [], "passed-through": []}
    with contextlib.ExitStack() as stack:
        empty = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (empty / "none.rules.yaml").write_text("version: 1\nrules: []\n")
        key = {"TAILORBIRD_SECRET": SECRET}
        personalised, _ = stack.enter_context(demo(environment=key))
        passed, _ = stack.enter_context(demo(rules=str(empty), environment=key))
        addresses = empty / "addresses" if walk == "home" else None
        if addresses:
            addresses.write_text("/\n")
        capacity = min(measure_capacity(url, coding) for url in (personalised, passed))
        rate = capacity * share
        servers = (("personalised", personalised), ("passed-through", passed))
        for _, url in servers:  # what comes first is in no cache yet
            locust(url, "warming-up", seconds=WARM_SECONDS, rate=rate, addresses=addresses, coding=coding)
        for number in range(rounds):
            for name, url in servers:
                report = f"{name}-{number + 1}"
                run = locust(url, report, seconds=seconds, rate=rate, addresses=addresses, coding=coding)
                lines += table(name, run)
                slowest[name].append(run.rows[-1]["p99"])
    p99, base = (median(slowest[name]) for name in ("personalised", "passed-through"))
    return [
        *lines,
        "",
        f"Capacity of the warm home page {capacity:.0f} requests/s on one core; pages were due at {share:.0%} of it, "
        "and count from then on.",
        f"p99, median of the rounds: personalised {p99} ms, passed through {base} ms: {p99 / base:.2f}x.",
    ]


def main() -> None:
    """Prints the table and writes it to `loadtests/results/load.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--walk", choices=("shop", "home"), default="shop")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--coding", choices=("gzip", "identity"), default="gzip")
    lines = compare(**vars(parser.parse_args()))
    text = "\n".join(lines)
    print(text)
    (RESULTS / "load.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
