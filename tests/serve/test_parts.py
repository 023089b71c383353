from __future__ import annotations

import asyncio

import pytest

from proxy.errors import OriginError
from proxy.http.message import Request, Response
from proxy.metrics import Metrics
from proxy.page.holes import Fill, FillKind
from proxy.serve.parts import Part, Parts, part_request
from proxy.settings import DEFAULTS, Settings
from tests.wire.site import eventually

PAGE = Request(
    b"GET",
    b"/c/shoes",
    b"page=2",
    b"shop.example",
    ((b"cookie", b"a=1"), (b"if-none-match", b'"x"'), (b"accept", b"image/png"), (b"accept-language", b"nl")),
)


def fill(address: str, alternate: str = "", kind: FillKind = FillKind.INCLUDE) -> Fill:
    return Fill(kind, address, alternate=alternate)


class Shop:
    """Answers parts by path: bytes, a status, or an error."""

    def __init__(self, answers: dict[bytes, Response | Exception | None]) -> None:
        self.answers = answers
        self.asked: list[tuple[bytes, bool]] = []

    async def __call__(self, request: Request, *, is_own: bool) -> Response:
        self.asked.append((request.target, is_own))
        answer = self.answers.get(request.path, Response(404, ()))
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


def ok(body: bytes, *fields: tuple[bytes, bytes]) -> Response:
    return Response(200, fields, (body,))


async def get(shop: Shop, *fills: Fill, **settings: int) -> tuple[list[Part | None], Metrics]:
    metrics = Metrics()
    return await Parts(shop, Settings(**settings), metrics).get(PAGE, fills), metrics


async def test_each_part_comes_from_its_address_as_everybodys_or_the_visitors_own() -> None:
    shop = Shop({b"/a": ok(b"A"), b"/b": ok(b"B", (b"set-cookie", b"x=1"), (b"set-cookie", b"tb_v=1"))})
    parts, metrics = await get(shop, fill("/a?x=1"), fill("/b", kind=FillKind.FETCH))
    assert parts == [Part(b"A"), Part(b"B", (b"x=1",))]
    assert sorted(shop.asked) == [(b"/a?x=1", False), (b"/b", True)]
    assert metrics.get("tailorbird_parts_total", "ok") == 2


@pytest.mark.parametrize(
    "answer",
    [Response(404, (), (b"no",)), OriginError("down", reason="refused"), ok(bytes(DEFAULTS.max_part_bytes + 1)),
     ok(b"x", (b"content-encoding", b"br"))],
)  # fmt: skip
async def test_where_an_address_brings_nothing_its_alternate_is_tried(answer: Response | Exception) -> None:
    shop = Shop({b"/a": answer, b"/b": ok(b"B")})
    parts, _ = await get(shop, fill("/a", "/b"), fill("/a"))
    assert parts == [Part(b"B"), None]


async def test_a_fault_of_ours_costs_the_part_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop({b"/a": ZeroDivisionError("ours"), b"/b": ok(b"B")})
    parts, metrics = await get(shop, fill("/a"), fill("/b"))
    assert parts == [None, Part(b"B")]
    assert metrics.by_value("tailorbird_parts_total") == {"error": 1, "ok": 1}
    assert "`/a`" in caplog.text and "ZeroDivisionError: ours" in caplog.text


async def test_the_log_does_not_say_what_a_visitors_address_says(caplog: pytest.LogCaptureFixture) -> None:
    await get(Shop({b"/a": OriginError("down", reason="refused")}), fill("/a?page=$(QUERY_STRING{page})"))
    assert [message for message in caplog.messages if "`/a`" in message] == caplog.messages != []


async def test_all_parts_of_a_page_have_one_deadline() -> None:
    shop = Shop({b"/slow": None, b"/b": ok(b"B")})
    parts, metrics = await get(shop, fill("/slow"), fill("/b"), parts_timeout_ms=50)
    assert parts == [None, Part(b"B")]
    assert metrics.get("tailorbird_parts_total", "late") == 1


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("/a", b"/a"),
        ("/a/../b?x#y", b"/b?x"),
        ("part", b"/c/part"),
        ("http://shop.example/a", b"/a"),
        ("https://SHOP.example/a", b"/a"),
        ("http://other.example/a", None),
        ("//other.example/a", None),
        ("http://shop.example.evil/a", None),
        ("javascript:x", None),
        ("/_tb/decide", None),
        ("/x/../_tb/decide", None),
        ("/a b", None),
        ("/a\r\nx", None),
        ("", None),
    ],
)
def test_a_part_stands_on_the_pages_own_host(address: str, target: bytes | None) -> None:
    request = part_request(PAGE, address)
    assert (request.target if request else None) == target


def test_a_part_is_asked_for_whole_in_no_coding_and_a_level_down() -> None:
    request = part_request(PAGE, "/a")
    assert request is not None
    assert (request.method, request.depth, request.get(b"if-none-match")) == (b"GET", 1, None)
    assert (request.get(b"accept-encoding"), request.get(b"cookie")) == (b"identity", b"a=1")
    assert request.get_list(b"accept") == b"text/html,*/*;q=0.8"


async def test_an_include_may_say_what_the_pages_own_address_says_and_nothing_else() -> None:
    shop = Shop({b"/list": ok(b"L"), b"/b": ok(b"B")})
    fills = fill("/list?n=$(QUERY_STRING{page})"), fill("/list?who=$(HTTP_COOKIE{a})", "/b")
    parts, _ = await get(shop, *fills, fill("/list?$(QUERY_STRING)", kind=FillKind.FETCH))
    assert parts == [Part(b"L"), Part(b"B"), Part(b"L")]
    assert sorted(shop.asked) == [(b"/b", False), (b"/list?$(QUERY_STRING)", True), (b"/list?n=2", False)]


async def test_what_is_late_again_and_again_is_not_waited_for_and_tried_beside_pages_until_it_comes_in_time() -> None:
    shop, metrics = Shop({b"/slow": None, b"/alt": ok(b"A"), b"/b": ok(b"B")}), Metrics()
    parts = Parts(shop, Settings(parts_timeout_ms=400, breaker_failures=2, breaker_seconds=0.0), metrics)
    for _ in range(2):
        assert await parts.get(PAGE, [fill("/slow", "/alt"), fill("/b")]) == [None, Part(b"B")]
    assert await parts.get(PAGE, [fill("/slow", "/alt"), fill("/slow"), fill("/b")]) == [Part(b"A"), None, Part(b"B")]
    outcomes = metrics.by_value("tailorbird_parts_total")
    assert outcomes == {"late": 2, "ok": 4, "left alone": 1}
    shop.answers[b"/slow"] = ok(b"S")
    async with asyncio.timeout(30):
        while await parts.get(PAGE, [fill("/slow")]) != [Part(b"S")]:
            await asyncio.sleep(0)


async def test_a_visitor_who_leaves_has_not_found_a_part_late() -> None:
    shop = Shop({b"/slow": None})
    parts = Parts(shop, Settings(parts_timeout_ms=60_000, breaker_failures=1), Metrics())
    for count in (1, 2):
        leaving = asyncio.create_task(parts.get(PAGE, [fill("/slow")]))
        await eventually(lambda: len(shop.asked) == count)  # noqa: B023
        leaving.cancel()
        await asyncio.wait([leaving])
    assert len(shop.asked) == 2
