"""Several origins stand behind one site, by path."""

from __future__ import annotations

import pytest

from proxy.errors import OperatorError
from proxy.metrics import Metrics
from proxy.settings import Settings
from proxy.upstream.origins import Origins
from tests.upstream.conftest import body_of
from tests.wire.origin import Origin, always, ok

ROWS = ("/api=https://api.example", "http://shop.example:8000", "/api/v2/=https://next.example", "/img=http://[::1]:81")


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        (b"/", "http://shop.example:8000"),
        (b"/api", "https://api.example"),
        (b"/api/orders", "https://api.example"),
        (b"/apical", "http://shop.example:8000"),
        (b"/api/v2/orders", "https://next.example"),
        (b"/api/v22", "https://api.example"),
        (b"/img/a.png", "http://[::1]:81"),
        (b"/API", "http://shop.example:8000"),
    ],
)
async def test_the_longest_path_wins_at_whole_segments(path: bytes, origin: str) -> None:
    assert str(Origins(ROWS, Settings()).of(path).address) == origin


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ((), "no origin for the whole site"),
        (("/api=https://api.example",), "no origin for the whole site"),
        (("https://a.example", "https://b.example"), "has an origin already"),
        (("https://a.example", "/api=https://b.example", "/api/=https://c.example"), "has an origin already"),
        (("https://a.example", "/api"), "`/api` has no URL"),
        (("shop.example",), "`shop.example` is not a web address"),
        (("ftp://shop.example",), "is not a web address"),
        (("https://shop.example/de",), "has a path"),
        (("https://me:secret@shop.example",), "is not a web address"),
        (("https://shop.example:99999",), "is not a URL"),
    ],
)
async def test_a_row_that_cannot_be_meant_is_refused_with_help(rows: tuple[str, ...], what: str) -> None:
    with pytest.raises(OperatorError, match=what) as caught:
        Origins(rows, Settings())
    assert caught.value.help


async def test_a_closed_set_of_origins_refuses_new_work() -> None:
    origins = Origins(ROWS, Settings())
    await origins.aclose()
    assert all("closed" in repr(origins.of(path)) for path in (b"/", b"/api", b"/api/v2", b"/img"))


async def test_answers_of_5xx_are_counted_and_logged_with_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    async with Origin(always(ok(b"broken", status=b"500 Internal Server Error"))) as origin:
        shop = Origins([origin.url], Settings(), metrics).of(b"/")
        for _ in range(4):  # the third time a head is read quickly, if it is usual
            await body_of(shop)
    assert metrics.get("tailorbird_origin_errors_total", "5xx") == 4
    assert [record.getMessage() for record in caplog.records] == [f"origin `{origin.url}` answered `/` with 500"] * 4
