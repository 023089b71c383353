"""A line for each request, however it is answered; and none that anybody waits for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from proxy.metrics import Metrics
from proxy.page.encode import Assembled
from proxy.serve import accesslog
from proxy.serve.accesslog import AT_ONCE, ENOUGH, AccessLog, LogFile
from proxy.serve.logline import Line, Lines
from proxy.serve.turn_log import GONE
from proxy.settings import Settings
from proxy.visitors.pending import FLUSH_AT, STEP, Pending, ServedFrom, ServedPage
from tests.wire.asking import asking
from tests.wire.origin import Origin, Wire, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, eventually

AGENT = (b"user-agent", b"Mozilla/5.0")
SENT = Assembled((b"hello",), 5, b"", "identity")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


# -- on the wire

ANSWERS = {
    b"/": ok(PAGE, *SHARED),
    b"/a.css": ok(b"a{}", SHARED[1]),
    b"/mine": ok(PAGE, SHARED[0], b"Cache-Control: private"),
    b"/data": ok(b"1,2,3", b"Content-Type: text/csv", b"Cache-Control: private"),
}


async def logged(path: Path, sent: Sequence[bytes], *, has_lane: bool) -> list[dict[str, Any]]:
    """The lines of these requests, one after the other on one connection, but for what is another each time."""
    async with (
        Origin(by_path(ANSWERS)) as origin,
        Served(origin.url, has_lane=has_lane, access_log=str(path)) as served,
    ):
        reader, writer = await served.connect()
        for one in sent:
            writer.write(one)
            await hear(reader)
            served.site.now += 1.0
        writer.close()
    found = lines(path)
    for each in found:
        assert each.pop("ms") >= 0 and each.pop("origin_ms", 1) > 0 and each.pop("time")
    return found


async def test_each_request_has_a_line_by_whatever_way_it_is_answered(tmp_path: Path) -> None:
    fields = AGENT, (b"Cookie", b"_ga=7")
    paths = [*(path for path in ANSWERS for _ in range(4)), b"/_tb/none", b"/missing", b"/missing"]
    sent = [request(b"GET", path, *fields) for path in paths] + [request(b"POST", b"/data", *fields, body=b"abc")]
    found = await logged(tmp_path / "lane", sent, has_lane=True)
    assert [(one["method"], one["target"]) for one in found] == [
        *(("GET", path.decode()) for path in paths),
        ("POST", "/data"),
    ]
    assert {one["status"] for one in found if one["target"] in ("/_tb/none", "/missing")} == {404}
    assert found[3]["cache"].startswith("hit") and found[3]["bytes"] > 0
    assert found == await logged(tmp_path / "beside", sent, has_lane=False)


async def slow(wire: Wire) -> None:
    """Answers after 20 ms; the second half of a private page comes 300 ms after the first."""
    while True:
        asked = await wire.request()
        await asyncio.sleep(0.02)
        answer = ANSWERS[asked.target]
        await wire.send(answer[: len(answer) - 3])
        await asyncio.sleep(0.3 if asked.target == b"/mine" else 0)
        await wire.send(answer[len(answer) - 3 :])


@pytest.mark.parametrize("has_lane", [True, False])
async def test_how_long_the_origin_took_to_begin_is_told_of_what_it_was_asked_for(
    has_lane: bool, tmp_path: Path
) -> None:
    path, took_ms = tmp_path / "log", list[float]()
    async with Origin(slow) as origin, Served(origin.url, has_lane=has_lane, access_log=str(path)) as served:
        reader, writer = await served.connect()
        for one in (path for path in ANSWERS for _ in range(4)):
            begun = time.monotonic()
            writer.write(request(b"GET", one, AGENT, (b"Cookie", b"_ga=7")))
            await hear(reader)
            took_ms.append((time.monotonic() - begun) * 1_000)
            served.site.now += 1.0  # or lines of one moment might be told in another order
        writer.close()
    found = lines(path)
    assert [one["target"] for one in found if "origin_ms" in one] == ["/", "/a.css", *["/mine"] * 4, *["/data"] * 4]
    for one, took in zip(found, took_ms, strict=True):
        assert one.get("origin_ms", took) >= 19 or one["cache"].startswith("hit")
        assert one["target"] != "/mine" or one["origin_ms"] <= took - 50, "the second half of its answer does not count"


async def test_an_origin_that_does_not_answer_was_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "log"

    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.until_closed()

    how = {"first_byte_timeout_ms": 30, "access_log": str(path)}
    async with Origin(silent) as origin, Served(origin.url, **how) as served:
        await served.get(b"/")
    (found,) = lines(path)
    assert (found["status"], found["origin_ms"] >= 30) == (504, True)


async def test_lines_stand_in_the_order_of_the_answers_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accesslog, "ENOUGH", 5)
    monkeypatch.setattr(accesslog, "AT_ONCE", 2)
    fields = AGENT, (b"Cookie", b"_ga=7"), (b"X-Request-Id", b"r-7")
    sent = [request(b"GET", path, *fields) for path in (b"/", b"/", b"/data", b"/a.css", b"/") * 5]
    found = await logged(tmp_path / "log", sent, has_lane=True)
    assert [one["target"] for one in found] == ["/", "/", "/data", "/a.css", "/"] * 5
    assert {one["request_id"] for one in found} == {"r-7"}
    assert found[-1]["cache"].startswith("hit")


async def test_what_is_given_at_once_stands_where_its_time_is_though_it_is_told_later(tmp_path: Path) -> None:
    path, metrics = tmp_path / "log", Metrics()
    log, pending, question = AccessLog.of(Settings(access_log=str(path)), metrics), Pending(metrics), asking()
    source = ServedFrom(question, None, b"x-any: 1\r\n")
    assert log is not None
    log.log(pending)
    for at in (0.0, 0.25, 0.5):
        pending.add((at, "anna", source, None, SENT, {}, "192.0.2.7"))
        log.add([(at + 0.125, log.lines.of(at + 0.125, question.request({}, "192.0.2.7"), 200, ()))])
    assert pending.pages
    await log.aclose()
    assert [one["time"][-5:-1] for one in lines(path)] == [".000", ".125", ".250", ".375", ".500", ".625"]


async def test_what_is_flushed_in_steps_stands_where_its_time_is_among_other_lines(tmp_path: Path) -> None:
    path, metrics = tmp_path / "log", Metrics()
    log, pending, question = AccessLog.of(Settings(access_log=str(path)), metrics), Pending(metrics), asking()
    source = ServedFrom(question, None, b"x-any: 1\r\n")
    assert log is not None
    log.log(pending)
    for at in range(3 * FLUSH_AT):
        pending.add((at / 8, "anna", source, None, SENT, {}, "192.0.2.7"))
        if at % 3 == 0:
            log.add([(at / 8 + 0.0625, log.lines.of(at / 8 + 0.0625, question.request({}, "192.0.2.7"), 200, ()))])
        if at % 7 == 0:
            await asyncio.sleep(0)
    await log.aclose()
    times = [one["time"] for one in lines(path)]
    assert len(times) == 4 * FLUSH_AT
    assert times == sorted(times)


async def test_pages_are_flushed_in_steps_when_their_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accesslog, "PAUSE_SECONDS", 0.001)
    path, metrics, counted = tmp_path / "log", Metrics(), list[int]()
    log, pending = AccessLog.of(Settings(access_log=str(path)), metrics), Pending(metrics)
    assert log is not None
    log.log(pending)
    pending.set_counter(lambda pages: counted.append(len(pages)), lambda: None)
    for at in range(4 * STEP):
        pending.add((float(at), "anna", ServedFrom(asking(), None), None, SENT, {}, "192.0.2.7"))
    await eventually(lambda: path.read_bytes().count(b"\n") == 4 * STEP)  # the last may be half written
    assert counted == [STEP] * 4
    await log.aclose()


class CountedLines(Lines):
    """Notes how many lines were formatted together."""

    def __init__(self) -> None:
        super().__init__(())
        self.together: list[int] = []

    def joined(self, noted: Sequence[Line | ServedPage]) -> bytes:
        self.together.append(len(noted))
        return super().joined(noted)


async def test_lines_are_formatted_in_a_turn_of_the_loop_of_their_own(tmp_path: Path) -> None:
    made = CountedLines()
    log = AccessLog(LogFile(str(tmp_path / "log"), Metrics()), made)
    for _ in range(2):
        log.add([(1.0, b"{}\n")] * AT_ONCE)
        assert not made.together  # whoever has asked meanwhile is answered first
    await asyncio.sleep(0)
    assert made.together == [AT_ONCE]
    log.add([(1.0, b"{}\n")])
    await asyncio.sleep(0)
    assert made.together == [AT_ONCE] * 2
    await asyncio.sleep(0)
    assert made.together == [AT_ONCE] * 2  # a few wait for more
    await log.aclose()
    assert lines(tmp_path / "log") == [{}] * (2 * AT_ONCE + 1)


async def test_however_many_lines_come_in_each_turn_few_wait(tmp_path: Path) -> None:
    made = CountedLines()
    log = AccessLog(LogFile(str(tmp_path / "log"), Metrics()), made)
    for turn in range(1, 9):
        log.add([(1.0, b"{}\n")] * (3 * AT_ONCE))
        await asyncio.sleep(0)
        assert turn * 3 * AT_ONCE - sum(made.together) <= AT_ONCE
    await log.aclose()
    assert lines(tmp_path / "log") == [{}] * (24 * AT_ONCE)


async def test_many_lines_are_handed_to_the_thread_in_a_turn_that_formats_none(tmp_path: Path) -> None:
    made, handed = CountedLines(), list[int]()

    class Noting(LogFile):
        def write(self, lines: bytes, many: int) -> None:
            handed.append(many)
            super().write(lines, many)

    log = AccessLog(Noting(str(tmp_path / "log"), Metrics()), made)
    while sum(made.together) < ENOUGH:
        log.add([(1.0, b"{}\n")] * AT_ONCE)
        await asyncio.sleep(0)
        assert not handed
    formatted = len(made.together)
    await asyncio.sleep(0)
    assert (handed, len(made.together)) == ([sum(made.together)], formatted)
    await log.aclose()


async def test_what_is_refused_has_a_line_too(tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, access_log=str(path)) as served:
        for sent in (b"GET /a b HTTP/1.1\r\n\r\n", request(b"GET", b"/" + b"a" * 9_000), b"\x16\x03\x01"):
            reader, writer = await served.connect()
            writer.write(sent)
            await reader.read()
            writer.close()
    assert [one["status"] for one in lines(path)] == [400, 414, 400]


async def test_an_answer_nobody_waited_for_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(request: Any) -> Any:
        asked.set()
        await may_answer.wait()
        raise AssertionError("its client has gone")

    routes = {"/_tb/slow": slow}
    async with Origin(by_path({})) as origin, Served(origin.url, routes=routes, access_log=str(path)) as served:
        _, writer = await served.connect()
        writer.write(request(b"GET", b"/_tb/slow"))
        await asked.wait()
        writer.close()
        await eventually(lambda: bool(lines(path)))
        may_answer.set()
    (found,) = lines(path)
    assert (found["status"], found["whole"]) == (GONE, False)
