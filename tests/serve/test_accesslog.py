"""A line for each request, however it is answered; and none that anybody waits for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import OperatorError
from proxy.http.client import networks
from proxy.http.message import Habit, Question, Request
from proxy.metrics import Metrics
from proxy.serve.accesslog import GONE, AccessLog, Asked, Noted
from tests.wire.origin import Origin, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, eventually

AGENT = (b"user-agent", b"Mozilla/5.0")
HABIT = Habit((AGENT, (b"accept", b"*/*")), b"shop.example", "https", "gzip")
QUESTION = Question(HABIT, b"GET", b"/sale", b"page=2", b"https://shop.example/")
OWN = {b"cookie": b"a=1", b"x-forwarded-for": b"203.0.113.9", b"x-request-id": b"r-7"}
STATUS = b"cache-status: cdn; hit\r\ncache-status: tailorbird; hit; ttl=7"
HIT = b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n%b\r\n\r\n<p>" % STATUS


def line(asked: Asked, head: Any = HIT, **more: Any) -> dict[str, Any]:
    log = AccessLog("/dev/null", networks(("10.0.0.0/8",)), Metrics())
    written: dict[str, Any] = json.loads(log.line(Noted(1_700_000_000.25, asked, 200, head, **more)))
    return written


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def test_a_line_says_who_asked_what_and_how_it_was_answered() -> None:
    assert line((QUESTION, OWN, "10.1.2.3"), seconds=0.0125) == {
        "time": "2023-11-14T22:13:20.250Z",
        "client": "203.0.113.9",
        "method": "GET",
        "host": "shop.example",
        "target": "/sale?page=2",
        "status": 200,
        "ms": 12.5,
        "bytes": 1234,
        "cache": "hit; ttl=7",
        "referer": "https://shop.example/",
        "user_agent": "Mozilla/5.0",
        "request_id": "r-7",
    }


def test_nobody_but_a_trusted_proxy_names_the_client() -> None:
    assert line((QUESTION, OWN, "192.0.2.1"))["client"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("head", "length", "cache"),
    [
        (((b"content-length", b"5"), (b"cache-status", b"tailorbird; fwd=miss")), 5, "fwd=miss"),
        (b"content-length: 0\r\ncache-status: tailorbird; fwd=uri-miss\r\n", 0, "fwd=uri-miss"),
        (((b"x-odd", b"content-length: 7"),), None, ""),
        (b"HTTP/1.1 200 OK\r\n\r\n\r\ncontent-length: 7\r\n", None, ""),
        ((), None, ""),
    ],
)
def test_of_the_answer_its_own_fields_count_whatever_its_head_is_given_as(
    head: Any, length: int | None, cache: str
) -> None:
    written = line((QUESTION, OWN, ""), head)
    assert (written.get("bytes"), written.get("cache", "")) == (length, cache)


def test_what_a_client_writes_stays_within_its_line() -> None:
    odd = Request(b"GET", b"/\xff\x22", b"", b"shop.example", ((b"user-agent", b'\xff"\x85\xe2\x80\xa8\\'),))
    log = AccessLog("/dev/null", (), Metrics())
    written = log.line(Noted(0.0, odd, 200, ()))
    assert written.count(b"\n") == 1 and json.loads(written)["target"] == '/\xff"'


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
        writer.close()
    found = lines(path)
    for each in found:
        assert each.pop("ms") >= 0 and each.pop("time")
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


async def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
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
        "the access log cannot be written: [Errno 28] No space left on device"
    ]


def test_a_file_that_cannot_be_opened_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be written"):
        AccessLog(str(tmp_path / "none" / "log"), (), Metrics())
