"""Any worker tells the sum of all; what one that is gone has counted stays in it, what its gauges showed does not."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from proxy.bus import shared_counts
from proxy.bus.shared_counts import SharedCounts
from proxy.metric_rows import EARLIEST, GAUGES
from proxy.metrics import Counts, Metrics

REQUESTS = "tailorbird_requests_total"
GAUGE = next(iter(GAUGES))


def worker(folder: Path, name: str, requests: int, *, lives: bool = True) -> SharedCounts:
    metrics = Metrics()
    metrics.count(REQUESTS, "result", "default", by=requests)
    metrics.gauge(GAUGE, lambda: 7)
    if lives:
        (folder / f"{name}.sock").touch()
    return SharedCounts(folder, name, metrics)


def text_of(tally: SharedCounts) -> str:
    own = Counts(tally._metrics.counts()), tally._metrics.gauges()
    return Metrics().as_text(*tally.sums(*own))


def test_counts_are_summed_over_all_and_gauges_over_those_that_live(tmp_path: Path) -> None:
    one, other = worker(tmp_path, "one", 5), worker(tmp_path, "other", 3)
    worker(tmp_path, "dead", 100, lives=False).write()
    other.write()
    text = text_of(one)
    assert f'{REQUESTS}{{result="default"}} 108\n' in text
    assert f"\n{GAUGE} 14\n" in text


def test_of_all_workers_the_certificate_that_ends_first_is_told(tmp_path: Path) -> None:
    tallies = []
    for name, expiry in (("one", 2_000), ("other", 1_000), ("third", 0)):
        tallies.append(worker(tmp_path, name, 1))
        tallies[-1]._metrics.gauge(EARLIEST[0], expiry.__int__, "certificate", "tls_certificate")
        tallies[-1].write()
    for tally in tallies:
        assert f'{EARLIEST[0]}{{certificate="tls_certificate"}} 1000\n' in text_of(tally)


async def test_what_was_counted_last_is_written_at_the_end(tmp_path: Path) -> None:
    metrics = Metrics()
    keeping = asyncio.create_task(SharedCounts(tmp_path, "one", metrics).keep())
    await asyncio.sleep(0)
    metrics.count(REQUESTS, "result", "default", by=4)
    keeping.cancel()
    await asyncio.wait((keeping,))
    assert f'{REQUESTS}{{result="default"}} 4\n' in text_of(SharedCounts(tmp_path, "other", Metrics()))


async def test_what_a_thread_still_writes_comes_before_what_was_counted_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics, may_write, is_writing = Metrics(), threading.Event(), threading.Event()
    counts = SharedCounts(tmp_path, "one", metrics)
    put = counts._put

    def slowly(*counted: Any) -> None:
        is_writing.set()
        may_write.wait(30)
        put(*counted)

    monkeypatch.setattr(counts, "_put", slowly)
    keeping = asyncio.create_task(counts.keep())
    await asyncio.to_thread(is_writing.wait)
    metrics.count(REQUESTS, "result", "default", by=4)
    keeping.cancel()
    asyncio.get_running_loop().call_later(0.05, may_write.set)
    await asyncio.wait((keeping,))
    assert f'{REQUESTS}{{result="default"}} 4\n' in text_of(SharedCounts(tmp_path, "other", Metrics()))


async def test_while_it_is_kept_a_file_is_written_when_something_was_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_counts, "WRITE_SECONDS", 0)
    metrics, puts = Metrics(), list[int]()
    tally = SharedCounts(tmp_path, "one", metrics)
    put = tally._put
    monkeypatch.setattr(tally, "_put", lambda *counted: (puts.append(len(puts)), put(*counted)))
    keeping = asyncio.create_task(tally.keep())
    for requests in (1, 2):
        metrics.count(REQUESTS, "result", "default")
        async with asyncio.timeout(9):
            while f'{REQUESTS}{{result="default"}} {requests}\n' not in text_of(
                SharedCounts(tmp_path, "two", Metrics())
            ):
                await asyncio.sleep(0)
    written = len(puts)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(puts) == written == 2
    keeping.cancel()
    await asyncio.wait((keeping,))


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    metrics = Metrics()
    tally = SharedCounts(tmp_path / "gone", "one", metrics)
    metrics.count(REQUESTS, "result", "default")
    tally.write()
    assert f'{REQUESTS}{{result="default"}} 1\n' in text_of(tally)


def test_one_that_is_written_again_while_it_is_read_is_read_as_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = worker(tmp_path, "one", 5), worker(tmp_path, "other", 3)
    other.write()
    read_bytes = Path.read_bytes

    def read_late(path: Path) -> bytes:
        monkeypatch.setattr(Path, "read_bytes", read_bytes)
        other.write()
        return path.read_bytes()

    monkeypatch.setattr(Path, "read_bytes", read_late)
    assert f'{REQUESTS}{{result="default"}} 8\n' in text_of(one)


def test_no_file_takes_the_name_of_another_and_only_the_last_stays(tmp_path: Path) -> None:
    one = worker(tmp_path, "one", 5)
    names = []
    for _ in range(3):
        one.write()
        names.append([path.name for path in tmp_path.glob("*.counts")])
    assert [len(some) for some in names] == [1, 1, 1]
    assert len({name for some in names for name in some}) == 3


def files(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[0] for path in folder.glob("*.counts"))


def test_the_supervisor_takes_over_what_an_ended_worker_has_counted(tmp_path: Path) -> None:
    one, supervisor = worker(tmp_path, "host-1-a", 5), worker(tmp_path, "supervisor", 0, lives=False)
    for pid, requests in ((21, 3), (22, 4), (2, 10)):
        worker(tmp_path, f"host-{pid}-a", requests).write()
    for pid in (21, 22, 23):
        supervisor.take_over(pid)
    assert files(tmp_path) == ["host-2-a", "supervisor"]
    assert f'{REQUESTS}{{result="default"}} 22\n' in text_of(one)


@pytest.mark.parametrize("step", ["rename", "unlink"])
def test_the_sum_is_the_same_at_each_moment_of_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    one, supervisor = worker(tmp_path, "host-1-a", 5), worker(tmp_path, "supervisor", 0, lives=False)
    supervisor.write()
    for pid in (2, 3):
        worker(tmp_path, f"host-{pid}-a", 100).write()
    sums, does = [], getattr(Path, step)

    def looked_at(path: Path, *arguments: Any, **options: Any) -> Any:
        done = does(path, *arguments, **options)
        sums.append(f'{REQUESTS}{{result="default"}} 205\n' in text_of(one))
        return done

    monkeypatch.setattr(Path, step, looked_at)
    for pid in (2, 3):
        supervisor.take_over(pid)
    assert len(sums) >= 2
    assert all(sums)


def test_it_is_the_same_for_who_reads_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, supervisor = worker(tmp_path, "host-1-a", 5), worker(tmp_path, "supervisor", 0, lives=False)
    supervisor.write()
    for pid in (2, 3):
        worker(tmp_path, f"host-{pid}-a", 100).write()
    read_bytes = Path.read_bytes

    def read_slowly(path: Path) -> bytes:
        monkeypatch.setattr(Path, "read_bytes", read_bytes)
        content = path.read_bytes()
        for pid in (2, 3):
            supervisor.take_over(pid)
        return content

    monkeypatch.setattr(Path, "read_bytes", read_slowly)
    assert f'{REQUESTS}{{result="default"}} 205\n' in text_of(one)
    assert files(tmp_path) == ["supervisor"]


def test_a_full_disk_is_told_once_and_so_is_when_it_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = worker(tmp_path, "host-1-a", 5)
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", _full)
        one.write()
        one.write()
    one.write()
    one.write()
    assert [record.getMessage() for record in caplog.records] == [
        f"the sums of /metrics are wrong: nothing can be written in `{tmp_path}`: [Errno 28] No space left on device",
        f"the metrics of this process reach `{tmp_path}` again",
    ]


def test_on_a_full_disk_the_files_stay_until_they_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, supervisor = worker(tmp_path, "host-1-a", 5), worker(tmp_path, "supervisor", 0, lives=False)
    worker(tmp_path, "host-2-a", 100).write()
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", _full)
        supervisor.take_over(2)
    assert (files(tmp_path), REQUESTS + '{result="default"} 105\n' in text_of(one)) == (["host-2-a"], True)
    supervisor.take_over(2)
    assert (files(tmp_path), REQUESTS + '{result="default"} 105\n' in text_of(one)) == (["supervisor"], True)


def test_a_file_of_another_version_stays_and_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "host-2-a.0000000001.counts").write_bytes(b"{}")
    worker(tmp_path, "supervisor", 0).take_over(2)
    assert files(tmp_path) == ["host-2-a", "supervisor"]


def _full(*_: Any) -> int:
    raise OSError(28, "No space left on device")
