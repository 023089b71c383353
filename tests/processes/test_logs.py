"""Log lines are read by people and by programs, and one fault cannot fill the disk."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest

from proxy.processes import logs
from proxy.processes.logs import AsJson, AsText, FewAlike
from tests.wire.origin import Origin, Wire
from tests.wire.served import Served


def record(message: str, *args: object, at: float = 1_764_149_400.25) -> logging.LogRecord:
    made = logging.LogRecord("tailorbird.origin", logging.WARNING, "origin.py", 1, message, args, None)
    made.created, made.msecs, made.process = at, at % 1 * 1_000, 4711
    return made


def test_a_line_has_the_time_in_utc_and_the_process() -> None:
    assert AsText().format(record("`%s` is down", "shop")) == (
        "2025-11-26T09:30:00.250Z WARNING 4711 tailorbird.origin `shop` is down"
    )


def test_what_a_feed_or_an_origin_wrote_does_nothing_to_the_terminal_that_shows_the_log() -> None:
    line = AsText().format(record("line 1: `price` is `%s`", "\x1b[2J\x9b"))
    assert line.endswith("`price` is `\\u001b[2J\\u009b`")


def test_as_json_a_traceback_stays_in_its_line() -> None:
    fault = record("first\nsecond")
    try:
        raise ValueError("\ud800")
    except ValueError:
        fault.exc_info = sys.exc_info()
    (line,) = AsJson().format(fault).splitlines()
    told = json.loads(line)
    assert told["exception"].startswith("Traceback") and {name: told[name] for name in told if name != "exception"} == {
        "time": "2025-11-26T09:30:00.250Z",
        "level": "warning",
        "process": 4711,
        "logger": "tailorbird.origin",
        "message": "first\nsecond",
    }


def test_repeated_log_lines_are_suppressed_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_ALIKE", 2)
    few = FewAlike()
    said = [record("`%s` failed", number, at=at) for number, at in enumerate((0.0, 1.0, 2.0, 9.9, 10.0, 10.1))]
    other = record("something else", at=2.0)
    assert [few.filter(each) for each in said] == [True, True, False, False, True, True] and few.filter(other)
    assert [each.getMessage() for each in said[4:]] == ["`4` failed (and 2 more like it before)", "`5` failed"]


def test_nobody_waits_for_who_reads_the_log_and_what_is_lost_is_told() -> None:
    reader, writer = os.pipe()
    handler = logs.Unwaiting(writer)
    handler.setFormatter(AsText())
    for number in range(2_000):
        handler.handle(record("line %d", number))
    read = os.read(reader, 1 << 20).decode()
    handler.handle(record("`%s` is down", "shop"))
    handler.handle(record("x" * 200_000))
    handler.handle(record("not taken"))
    rest = os.read(reader, 1 << 20).decode()
    handler.handle(record("taken again"))
    lines = read.count("\n")
    assert 0 < lines < 2_000 and read.endswith(f"line {lines - 1}\n"), "whole lines"
    assert f"`shop` is down ({2_000 - lines:,} lines before are lost: standard error took none)\n" in rest
    assert os.read(reader, 1 << 20).startswith(b"\n2025") and len(rest) <= 65_536
    os.close(reader)
    os.close(writer)


def test_what_is_sent_to_others_is_not_logged_address_by_address() -> None:
    logs.set_up("info", "text")
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO), "a webhook's path may be its secret"
    assert logging.getLogger("httpx").isEnabledFor(logging.WARNING)


async def test_an_answer_that_broke_off_is_logged_once_in_our_own_words(caplog: pytest.LogCaptureFixture) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")

    logs.set_up("info", "text")
    async with Origin(script) as origin, Served(origin.url) as served:
        assert not (await served.get(b"/", (b"Cookie", b"basket=1"), (b"Range", b"bytes=0-"))).is_whole
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == ["tailorbird.app"]


def test_a_process_tells_what_it_is_doing_when_it_is_asked_and_goes_on() -> None:
    script = """
import os
from proxy.processes import logs
def busy_with_this():
    os.kill(os.getpid(), logs.STACKS)
logs.set_up("info", "text")
busy_with_this()
print("goes on")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "in busy_with_this" in done.stderr and done.stdout == "goes on\n"
