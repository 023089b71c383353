"""What a worker gives up as its memory runs out, and that it comes back."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.metrics import Metrics
from proxy.processes.memory_limit import MemoryLimit, container_limit, held_bytes, share_of
from proxy.settings import Settings
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, Seen, ok
from tests.wire.served import hear, request
from tests.wire.site import answering

MB = 1 << 20
LIMIT = Settings(memory_limit_bytes=100 * MB)


class Hoard:
    def __init__(self) -> None:
        self.said: list[str] = []

    def shrink(self, size: int) -> None:
        self.said.append(f"shrink by {size // MB}")

    def grow(self) -> None:
        self.said.append("grow")


@pytest.mark.parametrize(
    ("held_mb", "is_tight", "may_begin", "said"),
    [
        (50, False, True, ["grow"]),
        (90, False, True, []),  # between tight and roomy nothing moves
        (97, True, True, ["shrink by 2"]),
        (99, True, False, ["shrink by 4"]),
    ],
)
def test_first_what_is_nice_to_have_is_given_up_and_then_requests(
    held_mb: int, is_tight: bool, may_begin: bool, said: list[str]
) -> None:
    hoard = Hoard()
    memory_limit = MemoryLimit(LIMIT, Metrics(), [hoard], lambda: held_mb * MB)
    memory_limit.look()
    assert (memory_limit.is_tight, memory_limit.may_begin(), hoard.said) == (is_tight, may_begin, said)


def test_what_was_given_up_comes_back_with_room() -> None:
    held = [99 * MB]
    memory_limit = MemoryLimit(LIMIT, Metrics(), [], lambda: held[0])
    memory_limit.look()
    assert not memory_limit.may_begin()
    held[0] = 80 * MB
    memory_limit.look()
    assert memory_limit.may_begin()
    assert not memory_limit.is_tight


@pytest.mark.parametrize(("held_mb", "seconds"), [(99, 0.1), (90, 0.1), (45, 0.25), (0, 0.475)])
def test_the_more_room_there_is_the_less_often_it_is_looked_at(held_mb: int, seconds: float) -> None:
    memory_limit = MemoryLimit(LIMIT, Metrics(), [], lambda: held_mb * MB)
    memory_limit.look()
    assert memory_limit.pause() == pytest.approx(seconds)


def test_it_is_looked_at_once_a_second_at_least() -> None:
    assert MemoryLimit(Settings(memory_limit_bytes=10_000 * MB), Metrics(), [], lambda: 0).pause() == 1.0


async def test_a_limit_that_a_worker_needs_for_itself_is_told_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    for held_mb in (94, 96):
        watching = asyncio.create_task(MemoryLimit(LIMIT, Metrics(), [], lambda: held_mb * MB).watch())  # noqa: B023
        await asyncio.sleep(0)
        watching.cancel()
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "this worker may hold 100 MB, which it needs for itself"
    ]


def test_how_much_is_held_and_may_be_is_told() -> None:
    metrics = Metrics()
    MemoryLimit(LIMIT, metrics, [])
    told = {name: value for (name, _, _), value in metrics.gauges().items()}
    assert told["tailorbird_memory_limit_bytes"] == 100 * MB
    assert 0 < told["tailorbird_memory_bytes"] < 10_000 * MB
    assert held_bytes(2**22 + 1) == 0, "no such process"


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/shop", {"shop/memory.max": "1000", "memory.max": "max"}, 1_000),
        ("0::/shop/web", {"shop/memory.max": "1000", "shop/web/memory.max": "max"}, 1_000),
        ("0::/elsewhere/by/the/host", {"memory.max": "700"}, 700),
        ("4:memory:/shop", {"memory/shop/memory.limit_in_bytes": "800"}, 800),
        ("4:cpu,memory:/shop", {"memory/memory.limit_in_bytes": "9223372036854771712"}, 0),
        ("0::/", {}, 0),
    ],
)
def test_a_containers_limit_is_that_of_its_group_or_one_above(
    groups: str, files: dict[str, str], limit: int, tmp_path: Path
) -> None:
    (tmp_path / "cgroup").write_text(f"3:cpuset:/\n{groups}\n")
    for name, text in files.items():
        file = tmp_path / "fs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    assert container_limit(tmp_path / "cgroup", tmp_path / "fs") == limit
    assert container_limit(tmp_path / "nothing", tmp_path / "fs") == 0


@pytest.mark.parametrize(
    ("container_mb", "workers", "each_mb"), [(128, 1, 112), (320, 2, 140), (1_024, 2, 464), (2_048, 4, 488), (0, 2, 0)]
)
def test_workers_leave_some_of_a_containers_memory_to_who_is_beside_them(
    container_mb: int, workers: int, each_mb: int
) -> None:
    """The supervisor's counts there, too: or the system kills a worker before it gives anything up."""
    assert share_of(container_mb * MB, workers) == each_mb * MB


async def asked(port: int, *paths: bytes) -> list[tuple[int, bytes]]:
    """Statuses and what the cache said, each on a connection of its own."""
    answers = []
    for path in paths:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(b"GET", path))
        answer = await hear(reader)
        answers.append((answer.status, answer.headers.get(b"cache-status", b"")))
        writer.close()
    return answers


async def asked_again(port: int, path: bytes) -> tuple[int, bytes]:
    """The same of one path; who is told to come again does."""
    while (answer := (await asked(port, path))[0])[0] == 503:
        await asyncio.sleep(0.01)
    return answer


async def large(seen: Seen) -> bytes:
    return ok(seen.target + b" word of a page" * 20_000, b"Content-Type: text/html", b"Cache-Control: max-age=600")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
async def test_a_worker_stays_within_its_memory_though_its_cache_could_be_larger(tmp_path: Path) -> None:
    async with Origin(answering(large)) as origin:
        async with Daemon(origin.url, tmp_path, has_admin=False) as daemon:
            await asked(daemon.port, b"/first")
            usual = held_bytes(daemon.process.pid)
        limit = usual + 40 * MB
        async with Daemon(origin.url, tmp_path, memory_limit_bytes=limit, cache_bytes=1_000 * MB) as daemon:
            most = 0
            for number in range(400):  # 300 KB each, kept plain
                await asked_again(daemon.port, b"/%d" % number)
                most = max(most, held_bytes(daemon.process.pid))
            refused = await daemon.metric("tailorbird_shed_total", "request")
            async with asyncio.timeout(120):
                while await daemon.metric("tailorbird_memory_bytes") >= limit:  # it gives back when it next looks
                    await asyncio.sleep(0.01)
                while b"; hit" not in (await asked_again(daemon.port, b"/399"))[1]:  # and has room for some again
                    await asyncio.sleep(0.01)
    print(f"\nlimit {limit / MB:.0f} MB, at most {most / MB:.0f} MB held, {refused:.0f} times told to come again")
    assert 0.8 * limit < most < 1.25 * limit  # all pages would be twice as much; between two looks some more come


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
async def test_without_memory_for_more_requests_are_told_to_come_again(tmp_path: Path) -> None:
    async with Origin(answering(large)) as origin, Daemon(origin.url, tmp_path, memory_limit_bytes=MB) as daemon:
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(request(b"GET", b"/a"))
        answer = await hear(reader)
        writer.close()
        assert (answer.status, answer.headers[b"retry-after"]) == (503, b"1")
        assert await daemon.metric("tailorbird_shed_total", "request") == 1
        assert (await daemon.readiness())["state"] != "gone"
    assert not origin.requests


_FAULTS = """
import resource
{before}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    return [bytearray(1 << 20) for _ in range(5)]
work(); work()
begun = faults()
for _ in range(20):
    work()
print((faults() - begun) // 20)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library than glibc")
def test_what_is_freed_is_at_hand_for_the_next_page() -> None:
    said = "from proxy.processes.memory_limit import tune_malloc; tune_malloc()"
    kept, given_back = (
        int(subprocess.check_output([sys.executable, "-c", _FAULTS.format(before=before)], text=True))
        for before in (said, "")
    )
    assert kept < 100 < given_back
