"""A page stitched from blocks that were deflated beforehand, seams among them, or from frames of zstd, is the same page
to every client."""

from __future__ import annotations

import asyncio
import gzip
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.browser.conftest import Tab
from tests.running import link, running
from tests.wire.origin import Origin, always, ok

ASKED_UNTIL_SEWN = 2_000
CARDS = "".join(f"<li class=card><a href=/p/{number}>light linen {number}</a></li>\n" for number in range(600))
PAGE = (
    f"<!doctype html><title>x</title>{CARDS}<div data-slot=home.hero>ours</div>{CARDS}<div data-slot=b>b</div>{CARDS}"
)
RULES = """
version: 1
rules:
  - name: Early access
    slot: home.hero
    show:
      banner:
        title: Early access is open
  - name: Greeting
    slot: b
    show:
      banner:
        title: Good to see {first name|you}
"""
READ = "async () => (await fetch('/', {cache: 'no-store'})).text()"

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of Tailorbird as it is set up without a word."""
    async with in_front_of_a_page(tmp_path_factory, "gzip") as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def framed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """That of one that prefers zstd."""
    async with in_front_of_a_page(tmp_path_factory, "zstd,gzip") as url:
        yield url


@asynccontextmanager
async def in_front_of_a_page(tmp_path_factory: pytest.TempPathFactory, codings: str) -> AsyncIterator[str]:
    """The address of Tailorbird in front of one page, everybody being shown the banners."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "all.rules.yaml").write_text(RULES)
    (folder / "slots.yaml").write_text("slots: {home.hero: {}, b: {}}")
    store = f"sqlite:{tmp_path_factory.mktemp('store')}/profiles.db"
    html = b"Content-Type: text/html; charset=utf-8", b"Cache-Control: max-age=600"
    async with Origin(always(ok(PAGE.encode(), *html))) as origin:
        flags = ["--origin", origin.url, "--rules", str(folder), "--store", store, "--port", "0", "--admin-port", "0"]
        environment = {"TAILORBIRD_SECRET": "s" * 32, "TAILORBIRD_PAGE_CODINGS": codings}
        async with running("serve", *flags, until="proxy", **environment) as printed:
            yield link(printed, "proxy")


async def curl(shop: str, *flags: str) -> bytes:
    process = await asyncio.create_subprocess_exec("curl", "-sSf", *flags, shop, stdout=asyncio.subprocess.PIPE)
    body, _ = await process.communicate()
    assert process.returncode == 0
    return body


async def sewn(shop: str, tab: Tab) -> bytes:
    """The page in gzip, once its seams are made: it is smaller from then on."""
    first = last = await curl(shop, "-H", "Accept-Encoding: gzip")
    for _ in range(ASKED_UNTIL_SEWN // 50):
        await tab.page.evaluate("async () => { for (let i = 0; i < 50; i++) await (await fetch('/')).text(); }")
        last = await curl(shop, "-H", "Accept-Encoding: gzip")
        if len(last) < len(first):
            return last
    raise AssertionError("the page never got smaller")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
async def test_a_browser_and_curl_read_the_page_that_identity_says(shop: str, tab: Tab) -> None:
    await tab.page.goto(shop)
    packed = await sewn(shop, tab)
    plain = await curl(shop, "-H", "Accept-Encoding: identity")
    assert b"Early access is open" in plain
    assert gzip.decompress(packed) == plain
    assert await curl(shop, "--compressed") == plain
    assert await tab.page.evaluate(READ) == plain.decode()
    await tab.page.goto(shop)
    assert await tab.page.locator("li.card").count() == 3 * 600
    assert tab.complaints == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
async def test_a_browser_reads_frames_of_zstd_as_one_page_and_comes_back_for_a_304(framed: str, tab: Tab) -> None:
    answers = [await tab.page.goto(framed) for _ in range(2)]
    assert [answer and answer.headers["content-encoding"] for answer in answers] == ["zstd", "zstd"]
    assert answers[0] and "accept-encoding" in answers[0].headers["vary"].lower()
    plain = await curl(framed, "-H", "Accept-Encoding: identity")
    assert b"Early access is open" in plain
    assert b"Good to see you" in plain
    assert await tab.page.evaluate(READ) == plain.decode()
    assert await tab.page.locator("li.card").count() == 3 * 600
    head = ["-D", "-", "-o", "/dev/null", "-H", "Accept-Encoding: zstd, gzip", "-H"]
    assert b"304 Not Modified" in await curl(framed, *head, f"If-None-Match: {answers[0].headers['etag']}")
    assert gzip.decompress(await curl(framed, "-H", "Accept-Encoding: gzip")) == plain
    assert tab.complaints == []
