"""Every answer is counted by its status and its wait, whatever way it is given, with or without an access log."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.serve.test_accesslog import AGENT, ANSWERS
from tests.wire.origin import Origin, Wire, by_path
from tests.wire.served import Served, hear, request
from tests.wire.site import eventually

AGENT_FIELDS = AGENT, (b"Cookie", b"_ga=7")


def counted(served: Served) -> dict[str, int]:
    return served.site.metrics.by_value("tailorbird_answers_total")


def waited(served: Served) -> dict[str, int]:
    """How many answers began within how many seconds, by step."""
    counts = served.site.metrics.counts()
    waits = {key[1]: count for key, count in counts.items() if key[0] == "tailorbird_answer_seconds" and count}
    return {step: count for step, count in waits.items() if step != "sum"}


@pytest.mark.parametrize("has_log", [True, False])
@pytest.mark.parametrize("has_lane", [True, False])
async def test_each_answer_counts_once_by_whatever_way_it_is_given(
    has_lane: bool, has_log: bool, tmp_path: Path
) -> None:
    log = {"access_log": str(tmp_path / "log")} if has_log else {}
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, has_lane=has_lane, **log) as served:
        reader, writer = await served.connect()
        for path in [*(path for path in ANSWERS for _ in range(4)), b"/_tb/none", b"/missing"]:
            writer.write(request(b"GET", path, *AGENT_FIELDS))
            await hear(reader)
        writer.write(request(b"POST", b"/data", *AGENT_FIELDS, body=b"abc"))
        await hear(reader)
        writer.close()
        assert counted(served) == {"2xx": 4 * len(ANSWERS) + 1, "4xx": 2}
        assert sum(waited(served).values()) == 4 * len(ANSWERS) + 3


async def test_several_requests_in_one_read_and_what_is_refused_count() -> None:
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url) as served:
        for sent, answers in ((b"GET /a b HTTP/1.1\r\n\r\n", 1), (request(b"GET", b"/mine") * 3, 3)):
            reader, writer = await served.connect()
            writer.write(sent)
            for _ in range(answers):
                await hear(reader)
            writer.close()
        assert counted(served) == {"2xx": 3, "4xx": 1}


@pytest.mark.parametrize("has_lane", [True, False])
async def test_the_wait_ends_where_the_answer_begins(has_lane: bool) -> None:
    async def slow(wire: Wire) -> None:
        while True:
            await wire.request()
            await asyncio.sleep(0.02)
            await wire.send(ANSWERS[b"/data"][:-3])
            await asyncio.sleep(0.3)
            await wire.send(ANSWERS[b"/data"][-3:])

    async with Origin(slow) as origin, Served(origin.url, has_lane=has_lane) as served:
        reader, writer = await served.connect()
        for _ in range(2):
            writer.write(request(b"GET", b"/data", *AGENT_FIELDS))
            await hear(reader)
        writer.close()
        assert set(waited(served)) <= {"0.025", "0.05", "0.1", "0.25"}


async def test_an_origin_that_does_not_answer_is_a_5xx_that_was_waited_for() -> None:
    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.until_closed()

    async with Origin(silent) as origin, Served(origin.url, first_byte_timeout_ms=30) as served:
        await served.get(b"/")
        assert counted(served) == {"5xx": 1} and not {"0.005", "0.01", "0.025"} & set(waited(served))


async def test_what_is_asked_behind_the_last_request_of_a_connection_does_not_count() -> None:
    last = b"GET /mine HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n"
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(last + request(b"GET", b"/mine") * 2)
        await reader.read()
        writer.close()
        await eventually(lambda: not served.site.metrics.gauges()["tailorbird_clients", "", ""])
        assert counted(served) == {"2xx": 1}


async def test_who_left_before_the_answer_is_told_apart() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def never(request: Any) -> Any:
        asked.set()
        await may_answer.wait()
        raise AssertionError("its client has gone")

    async with Origin(by_path({})) as origin, Served(origin.url, routes={"/_tb/slow": never}) as served:
        _, writer = await served.connect()
        writer.write(request(b"GET", b"/_tb/slow"))
        await asked.wait()
        writer.close()
        await eventually(lambda: counted(served) == {"gone": 1})
        may_answer.set()
        assert waited(served) == {}
