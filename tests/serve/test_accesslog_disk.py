"""A log that cannot be written costs lines, and no answers."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from proxy.metrics import Metrics
from proxy.serve import accesslog
from proxy.serve.accesslog import LogFile
from tests.serve.test_accesslog import ANSWERS, lines
from tests.wire.origin import Origin, by_path
from tests.wire.served import Served
from tests.wire.site import eventually


async def test_a_file_that_was_moved_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, access_log=str(path)) as served:
        await served.get(b"/")
        await eventually(lambda: len(lines(path)) == 1)
        path.rename(tmp_path / "log.1")
        await served.get(b"/a.css")
        await eventually(lambda: len(lines(path)) == 1)
    assert [one["target"] for one in (*lines(tmp_path / "log.1"), *lines(path))] == ["/", "/a.css"]


async def test_a_full_disk_costs_lines_and_no_answers(caplog: pytest.LogCaptureFixture) -> None:
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, access_log="/dev/full") as served:
        for _ in range(3):
            assert (await served.get(b"/")).status == 200
            lost = served.site.metrics.get("tailorbird_access_log_lost_total") + 1
            await eventually(lambda lost=lost: served.site.metrics.get("tailorbird_access_log_lost_total") == lost)
    assert [record.message for record in caplog.records if record.name == "tailorbird.accesslog"] == [
        "the access log `/dev/full` cannot be written, lines are lost: No space left on device"
    ]


async def test_a_line_that_a_full_disk_cut_off_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, room = tmp_path / "log", os.write, 30

    def write_while_there_is_room(file: int, data: memoryview) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        some = data[:room]
        room -= len(some)
        return write(file, some)

    monkeypatch.setattr(accesslog.os, "write", write_while_there_is_room)
    metrics = Metrics()
    file = LogFile(str(path), metrics)
    file.write(b'{"target":"/1"}\n{"target":"/2"}\n{"target":"/3"}\n', 3)
    await eventually(lambda: metrics.get("tailorbird_access_log_lost_total") == 2)
    room = 1_000
    file.write(b'{"target":"/4"}\n', 1)
    await file.aclose()
    assert path.read_bytes() == b'{"target":"/1"}\n{"target":"/2"\n{"target":"/4"}\n'
    assert metrics.get("tailorbird_access_log_lost_total") == 2
