"""Requests that two servers might read differently, through the whole product: the origin hears of none of them.

`tests/cases/smuggling-cases.json` has the bytes. `core` are ambiguous in framing or Host, `strict` are what a strict
server refuses besides; the rest is legal and observed only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

CASES = Path(__file__).parent.parent / "cases" / "smuggling-cases.json"
PROBE = b"GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LONGEST_SECONDS = 3
MAY_PASS = frozenset({"double_space_reqline"})
"""Of the strict list, what is passed on: the parser skips spaces before the target, and the origin gets one."""


@dataclass(frozen=True)
class Case:
    name: str
    is_core: bool
    is_strict: bool
    sent: bytes


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if "repeat" in part:
        return part["repeat"] * part["times"]
    return "".join(part["each"].replace("{i}", str(i)) for i in range(part["from"], part["to"] + 1))


def _case(row: dict[str, Any]) -> Case:
    sent = "".join(_part(part) for part in row["bytes"]).encode("latin-1")
    return Case(row["name"], row["core"], row["strict"], sent)


CORPUS = [_case(row) for row in json.loads(CASES.read_text(encoding="utf-8"))["cases"]]


async def said_to(port: int, sent: bytes) -> bytes:
    """All that comes back for `sent` until the connection is closed; it has to be."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = b""
    with contextlib.suppress(ConnectionError):
        writer.write(sent)
        async with asyncio.timeout(LONGEST_SECONDS):
            while piece := await reader.read(1 << 16):
                heard += piece
    writer.close()
    return heard


def port_of(shop: Behind) -> int:
    return int(shop.url.rpartition(":")[2])


@pytest.mark.bar("B6")
async def test_nothing_of_the_core_or_strict_list_reaches_the_origin_and_each_connection_is_closed(
    tmp_path: Path,
) -> None:
    passed, left_open = set(), set()
    async with Origin(always(ok(b"the shop"))) as origin, Behind(origin.url, {}, tmp_path) as shop:
        for case in CORPUS:
            if not case.is_strict:
                continue
            try:
                heard = await said_to(port_of(shop), case.sent)
            except TimeoutError:
                left_open.add(case.name)
            else:
                # A reset may overtake the refusal of a head of megabytes, which is still being sent.
                assert heard.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) or len(case.sent) > 1 << 20, case.name
                assert heard.count(b"content-length: ") <= 1, case.name
            if origin.requests:  # whole ones: a body that breaks off breaks off at the origin too
                passed.add(case.name)
                origin.requests.clear()
    assert passed <= MAY_PASS
    assert left_open <= MAY_PASS
    assert len([case for case in CORPUS if case.is_core]) == 36


@pytest.mark.bar("B6")
@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("upgrade_h2c", [b"/"]),
        ("upgrade_unknown", [b"/"]),
        ("conn_close_pipelined", [b"/"]),
        ("pipelined_2", [b"/", b"/smuggled", b"/after"]),
        ("get_with_body", [b"/", b"/after"]),
        ("chunk_ext", [b"/", b"/after"]),
        ("double_slash", [b"//evil.test/x", b"/after"]),
        ("underscore_header", [b"/", b"/after"]),
        ("hdr_count_200", []),
        ("raw_utf8_path", []),
    ],
)
async def test_what_is_legal_is_read_in_one_way(name: str, targets: list[bytes], tmp_path: Path) -> None:
    case = next(case for case in CORPUS if case.name == name)
    async with Origin(always(ok(b"the shop", b"Cache-Control: max-age=60"))) as origin:
        async with Behind(origin.url, {}, tmp_path) as shop:
            await said_to(port_of(shop), case.sent + PROBE)
        assert [seen.target for seen in origin.requests] == targets
        assert all(seen.get(b"x_visitor_segment") is None for seen in origin.requests)
