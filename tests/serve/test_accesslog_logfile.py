"""Lines are written by a thread, whole, where the path is now; what cannot be written is lost and counted."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.metrics import Metrics
from proxy.serve import accesslog
from proxy.serve.accesslog import MOST_WAITING, LogFile


async def test_what_is_given_is_written_before_it_closes(tmp_path: Path) -> None:
    file = LogFile(str(tmp_path / "log"), Metrics())
    file.write(b"a\nb\n", 2)
    file.write(b"c\n", 1)
    await file.aclose()
    assert (tmp_path / "log").read_bytes() == b"a\nb\nc\n"


async def test_one_that_nobody_gave_anything_needs_no_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    file = LogFile(str(tmp_path / "log"), Metrics())
    assert threading.active_count() == threads
    await file.aclose()
    assert (tmp_path / "log").read_bytes() == b""


def stuck(tmp_path: Path, metrics: Metrics) -> tuple[LogFile, int]:
    """A file whose reader, whom one can read from, takes nothing of more than a pipe holds."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = LogFile(str(path), metrics)
    file.write((b"x" * 999 + b"\n") * 1_000, 1_000)
    return file, reader


async def test_a_log_reader_that_stalls_blocks_nothing_and_lines_are_dropped(tmp_path: Path) -> None:
    metrics = Metrics()
    file, reader = stuck(tmp_path, metrics)
    file.write(b"y\n" * (MOST_WAITING - 1_000), MOST_WAITING - 1_000)
    file.write(b"z\n", 1)
    assert metrics.get("tailorbird_access_log_lost_total") == 1
    os.set_blocking(reader, True)
    taken = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 1 << 16), b"")])
    taken.start()
    await file.aclose()
    taken.join()
    os.close(reader)


async def test_a_named_pipe_that_nobody_reads_yet_is_not_waited_for(tmp_path: Path) -> None:
    path, opened = tmp_path / "pipe", list[LogFile]()
    os.mkfifo(path)
    opening = threading.Thread(target=lambda: opened.append(LogFile(str(path), Metrics())), daemon=True)
    opening.start()
    opening.join(10)
    assert opened, "it waits for a reader"
    opened[0].write(b"a\n", 1)
    reader = os.open(path, os.O_RDONLY)
    assert os.read(reader, 9) == b"a\n"
    await opened[0].aclose()
    os.close(reader)


async def test_a_worker_that_ends_waits_for_no_reader_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accesslog, "LAST_SECONDS", 0.01)
    file, reader = stuck(tmp_path, Metrics())
    await file.aclose()
    os.set_blocking(reader, True)
    taken = 0
    while taken < 1_000_000:  # its thread has the file still
        taken += len(os.read(reader, 1 << 16))
    os.close(reader)


def test_a_file_that_cannot_be_opened_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be written"):
        LogFile(str(tmp_path / "none" / "log"), Metrics())
