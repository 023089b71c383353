from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.page.slots import DeclaredSlot
from tests.wire.origin import Origin, Seen, always, ok
from tests.wire.site import HTML, PAGE, Site, answering, published, shown

PRIVATE = (HTML, b"Cache-Control: private, max-age=60")
BROWSER = (b"accept", b"text/html,*/*;q=0.8")
BASKET = (b"cookie", b"basket=1")
THEIRS = [(b"if-none-match", b'"theirs"'), (b"if-modified-since", b"Mon, 02 Nov 2026 10:00:00 GMT")]


def unchanged(page: bytes, *headers: bytes) -> Callable[[Seen], bytes]:
    """A shop whose page never changes, as it says to who asks whether it has."""

    def say(seen: Seen) -> bytes:
        is_same = seen.get(b"if-none-match") or seen.get(b"if-modified-since")
        return b"HTTP/1.1 304 Not Modified\r\n\r\n" if is_same else ok(page, *headers)

    return say


@pytest.mark.parametrize("condition", THEIRS)
@pytest.mark.parametrize(("page", "selector"), [(b"<main></main>", "main"), (PAGE, "")], ids=["selector", "marked"])
async def test_who_has_the_shops_own_page_without_what_is_filled_in_here_gets_the_filled_one(
    condition: tuple[bytes, bytes], page: bytes, selector: str
) -> None:
    """From before it had the slot, or before Tailorbird stood in front of the shop."""
    hero = DeclaredSlot("home.hero", selector=selector or None)
    rules = published(shown("Hello"), declared=[hero])
    async with Origin(answering(unchanged(page, *PRIVATE))) as origin, Site(origin.url, publication=rules) as site:
        for _ in range(2):
            got = await site.get(b"/", BASKET, BROWSER, condition)
            assert (got.status, b"Hello" in got.body) == (200, True)
        script = await site.get(b"/", BASKET, (b"accept", b"*/*"), condition)
        assert script.status == 304


@pytest.mark.parametrize("condition", THEIRS)
@pytest.mark.parametrize("kind", [HTML, b"Content-Type: application/pdf"])
async def test_where_no_page_has_slots_the_origin_is_asked_whether_it_changed(
    condition: tuple[bytes, bytes], kind: bytes
) -> None:
    shop = unchanged(b"<p>an invoice</p>", kind, b"Cache-Control: private")
    async with Origin(answering(shop)) as origin, Site(origin.url) as site:
        asked = [await site.get(b"/", BASKET, BROWSER, condition) for _ in range(3)]
        name, value = condition
        assert [seen.get(name) for seen in origin.requests] == [None, value, value]
        site.gateway.publish(published(declared=[DeclaredSlot("home.hero", selector="p")]))
        asked.append(await site.get(b"/", BASKET, BROWSER, condition))
    assert [got.status for got in asked] == [200, 304, 304, 200]


async def test_where_some_pages_have_slots_the_origin_is_not_asked_whether_one_changed() -> None:
    """As a shop that shows its banner to who is logged in alone."""

    def say(seen: Seen) -> bytes:
        return unchanged(PAGE if b"user" in (seen.get(b"cookie") or b"") else b"<p>", *PRIVATE)(seen)

    async with Origin(answering(say)) as origin, Site(origin.url, publication=published(shown("Hello"))) as site:
        for cookie in (b"a=1", b"user=1", b"a=1"):
            got = await site.get(b"/", (b"cookie", cookie), BROWSER)
        got = await site.get(b"/", (b"cookie", b"user=1"), BROWSER, THEIRS[0])
    assert (got.status, b"Hello" in got.body) == (200, True)


async def test_a_change_that_is_to_overwrite_nothing_overwrites_nothing() -> None:
    async with Origin(always(ok(b"", *PRIVATE))) as origin, Site(origin.url) as site:
        await site.get(b"/", BASKET, BROWSER, (b"if-none-match", b"*"), method=b"PUT")
    assert origin.requests[0].get(b"if-none-match") == b"*"
