from __future__ import annotations

import asyncio
import gzip
import itertools
from typing import Any

import pytest

from proxy.httpcache.stored import CacheOptions, stored_response
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.holes import Fill, FillKind, Hole
from proxy.page.page_subject import NO_SUBJECT
from proxy.page.redaction import NotRedacted
from proxy.page.slots import LISTING, DeclaredSlot
from proxy.page.template import cut_at
from proxy.rulebook.policy import PagePolicy
from proxy.serve.pages import Entry, Page, charset_of, coding_of
from proxy.serve.reading import PageReader
from proxy.serve.reading_speed import QUICK_BYTES, QUICK_SECONDS, TAG_SECONDS, ReadingSpeed
from proxy.serve.slot_maps import MOST_SEARCHED_BYTES
from proxy.settings import Settings

HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)
BODY = b'<div data-slot="home.hero">default</div><main>rest</main>'
HERO = DeclaredSlot("home.top", page="/caf\u00e9", selector="main", place="start")


def reader(metrics: Metrics | None = None, **settings: int) -> PageReader:
    return PageReader(metrics or Metrics(), Settings(**settings))


async def read(body: bytes, headers: Headers = HTML, **settings: int) -> Page:
    return await reader(**settings).read(body, headers, b"/", ())


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
    page = await reader(metrics).read(bomb, coded, b"/", ())
    assert (page.body, page.headers, page.template) == (bomb, coded, None)
    assert metrics.get("tailorbird_page_passthrough_total", "coding") == 1


async def test_a_page_that_would_be_parsed_for_minutes_is_left_as_it_is_and_counted() -> None:
    metrics = Metrics()
    page = BODY + b"".join(b"<body a%d=b>" % number for number in range(70_000))
    read = await reader(metrics).read(page, HTML, b"/", ())
    assert read.body == page
    assert read.template is not None
    assert read.template.slots == ()
    assert metrics.get("tailorbird_page_passthrough_total", "too-many-attributes") == 1
    assert await reader().read_to_keep(page, HTML, b"/", ()) == NotRedacted("too-many-attributes")


async def test_a_page_in_doubt_is_one_piece_and_counted_by_why() -> None:
    metrics = Metrics()
    doubtful = BODY.replace(b"</div>", b"")
    page = await reader(metrics).read(doubtful, HTML, b"/", ())
    assert page.template is not None
    assert (page.template.slots, [piece.plain for piece in page.template.statics]) == ((), [doubtful])
    assert "tailorbird_page_passthrough_total{reason=" in metrics.as_text()


async def test_a_page_without_slots_is_one_piece_and_nothing_to_count() -> None:
    metrics = Metrics()
    page = await reader(metrics).read(b"<p>plain", HTML, b"/", ())
    assert page.template is not None
    assert page.template.slots == ()
    assert "tailorbird_page_passthrough_total{" not in metrics.as_text()


async def test_declared_slots_are_found_by_the_decoded_path() -> None:
    page = await reader().read(BODY, HTML, b"/caf%C3%A9", (HERO,))
    assert page.template is not None
    assert page.template.slots == ("home.hero", "home.top")


async def test_an_entry_is_cut_again_for_other_declared_slots() -> None:
    stored = stored_response(200, HTML, BODY, 0.0, 0.0, CacheOptions())
    entry = await reader().recut(Entry(stored, (), ()), b"/caf%C3%A9", (HERO,))
    assert entry.template is not None
    assert (entry.template.slots, entry.declared, entry.has_slots) == (("home.hero", "home.top"), (HERO,), True)
    assert entry.lead is not None and b"cache-control: private, no-cache\r\n" in entry.lead.of_hit(1)


async def test_an_asset_is_never_cut() -> None:
    stored = stored_response(200, ((b"content-type", b"text/css"),), BODY, 0.0, 0.0, CacheOptions())
    entry = await reader().recut(Entry(stored, (), ()), b"/", (HERO,))
    assert (entry.template, entry.declared, entry.has_slots, entry.lead) == (None, (HERO,), False, None)
    assert entry.size == stored.size


async def kept(body: bytes, policy: PagePolicy | None = None, headers: Headers = HTML) -> Page | NotRedacted:
    return await reader().read_to_keep(body, headers, b"/", (), policy)


async def test_a_page_with_a_token_is_not_for_everybody_and_the_place_is_named() -> None:
    page = await kept(BODY + b'\n<form><input name=authenticity_token value="abc"></form>')
    assert str(page) == "csrf-token at html > body > form > input@value, line 2"


async def test_a_page_whose_links_hold_a_session_is_not_for_everybody() -> None:
    page = await kept(BODY + b'\n<a href="/cart;jsessionid=1E669D6F869DC2118966D815C55E6B08">Cart</a>')
    assert str(page) == "session-id at the page, line 2"


@pytest.mark.parametrize(("coding", "charset"), [("utf-16", ""), ("utf-16-le", "utf-16"), ("utf-16-be", "UTF-16BE")])
async def test_a_token_is_seen_in_a_page_that_cannot_be_cut(coding: str, charset: str) -> None:
    body = '<form><input name=authenticity_token value="abc"></form>'.encode(coding)
    page = await kept(body, headers=((b"content-type", b"text/html; charset=" + charset.encode()),))
    assert str(page) == "csrf-token at html > body > form > input@value, line 1"


@pytest.mark.parametrize("name", ["content-security-policy", "content-security-policy-report-only"])
async def test_a_page_with_a_nonce_is_not_for_everybody(name: str) -> None:
    page = await kept(BODY, headers=(*HTML, (name.encode(), b"script-src 'nonce-abc123'")))
    assert str(page) == "csp-nonce at Content-Security-Policy"


async def test_a_nonce_that_is_a_hole_is_kept_nowhere() -> None:
    policy = PagePolicy("/", holes=(Hole("script[nonce]", Fill(FillKind.NONCE), "nonce"),))
    headers = (*HTML, (b"content-security-policy", b"script-src 'nonce-abcdefghij'"))
    page = await kept(BODY + b'<script nonce="abcdefghij">1</script>', policy, headers)
    assert isinstance(page, Page) and page.template is not None
    assert page.body.endswith(b'<script nonce="">1</script>')
    assert dict(page.headers)[b"content-security-policy"] == b"script-src 'nonce-{}'"
    assert page.template.slots == ("home.hero", "")
    left = await kept(BODY + b"<p>abcdefghij</p>", policy, headers)
    assert str(left) == "csp-nonce at the page, line 1"


async def test_a_page_with_holes_has_the_stylesheet_of_its_list_and_its_holes_where_they_were() -> None:
    holes = (Hole("link", Fill(FillKind.NONCE), "nonce"), Hole("script", Fill(FillKind.NONCE), "nonce"))
    listing = DeclaredSlot(LISTING + "search", selector="ul", product="data-id")
    page = b'<head><link nonce="x1y2z3"></head><div id="__next"><ul><li data-id=a>a</li><li data-id=b>b</li></ul></div>'
    read = await reader().read_to_keep(
        page + b'<script nonce="x1y2z3"></script>', HTML, b"/", (listing,), PagePolicy("/", holes=holes)
    )
    assert isinstance(read, Page) and read.template is not None
    assert [static.plain[-7:] for static in read.template.statics if static.plain.endswith(b'"')] == [b'nonce="'] * 2
    assert read.body.count(b'<link rel="stylesheet" href="/_tb/style.') == 1 and len(read.template.lists) == 1


async def test_a_page_with_holes_is_not_cut_again() -> None:
    policy = PagePolicy("/", holes=(Hole("main", Fill(FillKind.NOTHING)),))
    page = await kept(BODY, policy)
    assert isinstance(page, Page)
    entry = Entry(stored_response(200, HTML, page.body, 0.0, 0.0, CacheOptions()), (), (), page.template, policy)
    assert await reader().recut(entry, b"/", (HERO,)) is None


@pytest.mark.parametrize(
    ("body", "headers", "declared"),
    [
        (BODY + b" " * QUICK_BYTES, HTML, ()),
        (BODY + b"<p>" * round(QUICK_SECONDS / TAG_SECONDS), HTML, ()),
        (gzip.compress(BODY + b" " * QUICK_BYTES), (*HTML, (b"content-encoding", b"gzip")), ()),
        (BODY, (*HTML, (b"content-encoding", b"gzip")), ()),
        (b"{}", ((b"content-type", b"application/json"),), ()),
        (BODY, (*HTML, (b"surrogate-control", b'content="ESI/1.0"')), ()),
        (BODY, HTML, (DeclaredSlot(LISTING + "cat"),)),
    ],
    ids=["large", "many tags", "large without its coding", "broken", "json", "includes", "lists"],
)
async def test_what_may_take_long_is_not_read_at_once(
    body: bytes, headers: Headers, declared: tuple[DeclaredSlot, ...]
) -> None:
    assert reader().read_at_once(body, headers, b"/", declared) is None


async def test_where_reading_takes_long_pages_with_slots_are_read_in_a_thread() -> None:
    moments = itertools.count(step=QUICK_SECONDS * 8)
    reads, plain = PageReader(Metrics(), Settings(), ReadingSpeed(lambda: next(moments))), BODY + b"<p>" * 1_000
    assert reads.read_at_once(plain.replace(b"data-slot", b"data-place"), HTML, b"/", ()) is not None
    assert reads.read_at_once(plain, HTML, b"/first", ()) is not None
    assert reads.read_at_once(plain, HTML, b"/second", ()) is None


async def test_a_page_is_read_at_once_unless_pages_there_were_in_doubt_or_are_to_be_studied() -> None:
    reads = reader()
    page = reads.read_at_once(BODY, HTML, b"/", ())
    assert page is not None and page.template is not None and page.template.slots == ("home.hero",)
    assert reads.read_at_once(BODY + b"1", HTML, b"/", ()) is None
    assert reads.read_at_once(BODY, HTML, b"/", ()) is not None
    doubtful = BODY.replace(b"</div>", b"")
    assert reads.read_at_once(doubtful, HTML, b"/doubt", ()) is not None
    assert reads.read_at_once(doubtful, HTML, b"/doubt", ()) is not None
    assert reads.read_at_once(doubtful + b"1", HTML, b"/doubt", ()) is None


async def test_a_large_page_is_parsed_once_and_known_when_it_comes_again() -> None:
    reads, large = reader(), BODY + b"<p>text" * 150_000
    assert reads.read_at_once(large, HTML, b"/", ()) is None
    first = await reads.read(large, HTML, b"/", ())
    assert reads.read_at_once(bytes(bytearray(large)), HTML, b"/", ()) == first
    assert reads.slot_map_of(memoryview(large), b"/", charset_of(HTML), ()) is not None


async def test_so_is_a_large_page_that_greets_its_visitor() -> None:
    reads, large = reader(), BODY + b"<p>Hello %s</p>" + b"<p>text" * 150_000
    for name in (b"Ann", b"Bob", b"Cid"):
        await reads.read(large % name, HTML, b"/", ())
    assert reads.slot_map_of(memoryview(large % b"Dora"), b"/", charset_of(HTML), ()) is not None


class Watched(PageReader):
    """Tells how many pages were read at once, at most."""

    under_way = most = 0

    def _read(self, *what: Any) -> Any:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return super()._read(*what)
        finally:
            self.under_way -= 1


async def test_threads_read_one_page_at_a_time() -> None:
    reads = Watched(Metrics(), Settings())
    await asyncio.gather(*(reads.read(BODY + b"<p>%d" % number * 20_000, HTML, b"/", ()) for number in range(8)))
    assert reads.most == 1


async def test_a_page_is_known_whatever_its_coding() -> None:
    reads = reader()
    first = await reads.read(gzip.compress(BODY), (*HTML, (b"content-encoding", b"gzip")), b"/", ())
    again = reads.read_at_once(BODY, HTML, b"/", ())
    assert again == first
    assert (first.body, first.headers) == (BODY, HTML)


async def test_a_page_without_slots_that_came_before_is_known_in_its_coding() -> None:
    reads, plain = reader(), BODY.replace(b"data-slot", b"data-place")
    coded, other = (*HTML, (b"content-encoding", b"gzip")), (*HTML, (b"content-encoding", b"deflate"))
    for body in (plain, BODY):
        packed = gzip.compress(body, mtime=0)
        for times in range(3):
            known = reads.slot_map_of(memoryview(packed), b"/", charset_of(HTML), (), coding_of(coded))
            assert (known is not None) == (body is plain and times > 0)
            reads.read_at_once(packed, coded, b"/", ()) or await reads.read(packed, coded, b"/", ())
    packed = gzip.compress(plain, mtime=0)
    for path, coding, body in (
        (b"/a", coded, packed),
        (b"/", HTML, packed),
        (b"/", other, packed),
        (b"/", coded, b"x"),
    ):
        assert reads.slot_map_of(memoryview(body), path, charset_of(HTML), (), coding_of(coding)) is None


async def test_a_large_page_is_known_without_its_coding_too() -> None:
    large, coded = (
        BODY + b"".join(b"<p>text %d" % number for number in range(10_000)),
        (*HTML, (b"content-encoding", b"gzip")),
    )
    reads = reader()
    first = await reads.read(gzip.compress(large), coded, b"/", ())
    assert reads.read_at_once(large, HTML, b"/", ()) == first
    assert await reads.read(gzip.compress(large), coded, b"/", ()) == first
    assert reads.read_at_once(gzip.compress(large), coded, b"/", ()) is None


async def test_versions_of_a_page_are_known_by_likeness_once_some_were_read() -> None:
    reads = reader()
    versions = [BODY.replace(b"rest", b"Hello %d" % number) for number in range(5)]
    for body in versions[:3]:
        await reads.read(body, HTML, b"/", ())
    for body in versions[3:]:
        page = reads.read_at_once(body, HTML, b"/", ())
        fresh = await reader().read(body, HTML, b"/", ())
        assert page == fresh


MARKED = (
    b'<DIV DATA-SLOT="a.b">x</DIV>',
    b"<Tb-Slot name=a.b>x</Tb-Slot>",
    b'<ESI:include src="/_tb/slot/a.b"/>',
    b"<ul DATA-LIST=sale><li>x</ul>",
    b"<section Data-Product=SKU-1>x</section>",
    b'<script type="Application/LD&#x2B;json">{"@type":"Product","sku":"SKU-1"}</script>',
)


@pytest.mark.parametrize("mark", MARKED)
async def test_what_a_page_says_of_slots_and_products_is_found_however_it_is_written(mark: bytes) -> None:
    page = await reader().read(b"<main>%b</main>" % mark, HTML, b"/", ())
    assert page.template is not None
    assert (page.template.slots, page.template.about) != ((), NO_SUBJECT)


@pytest.mark.parametrize("size", [1, 5_000, 10_000], ids=["small", "many tags", "large"])
async def test_a_page_that_says_nothing_of_them_is_one_piece_without_being_parsed(size: int) -> None:
    reads, body = reader(), b"<main>%b</main>" % (b"<p data-place>x</p>" * size)
    at_once = reads.read_at_once(body, HTML, b"/", ())
    assert (at_once is None) == (len(body) > MOST_SEARCHED_BYTES)
    page = await reads.read(body, HTML, b"/", ())
    assert page.template == cut_at(body, ()) and at_once in (None, page)
    selected = await reads.read(body, HTML, b"/", (DeclaredSlot("a.b", selector="main", place="start"),))
    assert selected.template is not None and selected.template.slots == ("a.b",)
