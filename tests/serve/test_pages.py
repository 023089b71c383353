from __future__ import annotations

import gzip
from math import inf

import pytest

from proxy.httpcache.stored import Choices, store
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.slots import DeclaredSlot
from proxy.serve.pages import Entry, Page, PageReader, is_page
from proxy.settings import Settings

HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)
BODY = b'<div data-slot="home.hero">default</div><main>rest</main>'
HERO = DeclaredSlot("home.top", page="/caf\u00e9", selector="main", place="start")


def reader(metrics: Metrics | None = None, **settings: int) -> PageReader:
    return PageReader(metrics or Metrics(), Settings(**settings))


async def read(body: bytes, headers: Headers = HTML, **settings: int) -> Page:
    return await reader(**settings).read(body, headers, b"/", (), is_kept=False)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (HTML, True),
        (((b"content-type", b"TEXT/HTML"),), True),
        (((b"content-type", b"text/html;charset=x"), (b"cache-control", b"max-age=1")), True),
        (((b"content-type", b"text/html"), (b"cache-control", b"max-age=1, No-Transform")), False),
        (((b"content-type", b"application/xhtml+xml"),), False),
        (((b"content-type", b"text/htmlx"),), False),
        ((), False),
    ],
)
def test_only_html_that_may_be_changed_is_a_page(headers: Headers, expected: bool) -> None:
    assert is_page(headers) is expected


async def test_a_page_is_read_without_its_coding() -> None:
    coded = (*HTML, (b"content-encoding", b"GZIP"), (b"content-length", b"9"))
    page = await read(gzip.compress(BODY), coded)
    assert (page.body, page.headers) == (BODY, HTML)
    assert page.template is not None
    assert page.template.slots == ("home.hero",)


async def test_a_bomb_is_left_as_it_is_and_counted() -> None:
    metrics = Metrics()
    bomb = gzip.compress(bytes(5_000_000))
    coded = (*HTML, (b"content-encoding", b"gzip"))
    page = await reader(metrics).read(bomb, coded, b"/", (), is_kept=True)
    assert (page.body, page.headers, page.template) == (bomb, coded, None)
    assert metrics.get("tailorbird_page_passthrough_total", "coding") == 1


async def test_a_page_in_doubt_is_one_piece_and_counted_by_why() -> None:
    metrics = Metrics()
    doubtful = BODY.replace(b"</div>", b"")
    page = await reader(metrics).read(doubtful, HTML, b"/", (), is_kept=False)
    assert page.template is not None
    assert (page.template.slots, [piece.plain for piece in page.template.statics]) == ((), [doubtful])
    assert "tailorbird_page_passthrough_total{reason=" in metrics.as_text()


async def test_a_page_without_slots_is_one_piece_and_nothing_to_count() -> None:
    metrics = Metrics()
    page = await reader(metrics).read(b"<p>plain", HTML, b"/", (), is_kept=False)
    assert page.template is not None
    assert page.template.slots == ()
    assert "tailorbird_page_passthrough_total{" not in metrics.as_text()


async def test_declared_slots_are_found_by_the_decoded_path() -> None:
    page = await reader().read(BODY, HTML, b"/caf%C3%A9", (HERO,), is_kept=False)
    assert page.template is not None
    assert page.template.slots == ("home.hero", "home.top")


async def test_an_entry_is_cut_again_for_other_declared_slots() -> None:
    stored = store(200, HTML, BODY, 0.0, 0.0, Choices())
    entry = await reader().recut(Entry(stored, (), ()), b"/caf%C3%A9", (HERO,))
    assert entry.template is not None
    assert (entry.template.slots, entry.declared, entry.has_slots) == (("home.hero", "home.top"), (HERO,), True)
    assert entry.lead is not None and b"cache-control: private, no-cache\r\n" in entry.lead.of_hit(1)


async def test_an_asset_is_never_cut() -> None:
    stored = store(200, ((b"content-type", b"text/css"),), BODY, 0.0, 0.0, Choices())
    entry = await reader().recut(Entry(stored, (), ()), b"/", (HERO,))
    assert (entry.template, entry.declared, entry.has_slots, entry.lead) == (None, (HERO,), False, None)
    assert entry.size == stored.size


@pytest.mark.parametrize(
    ("control", "age", "fresh_until"),
    [
        (b"max-age=60", b"0", 160.0),
        (b"max-age=60", b"20", 140.0),
        (b"max-age=60", b"60", -inf),
        (b"no-cache", b"0", -inf),
    ],
)
def test_an_entry_says_until_when_it_may_be_given_unasked(control: bytes, age: bytes, fresh_until: float) -> None:
    stored = store(200, ((b"cache-control", control), (b"age", age)), BODY, 100.0, 100.0, Choices())
    assert Entry(stored, (), ()).fresh_until == fresh_until
