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
async def test_who_has_what_turns_out_to_have_no_slots_is_told_that_it_is_the_same(
    condition: tuple[bytes, bytes], kind: bytes
) -> None:
    """By us, whether it is the first of them or the third: the origin is asked for the whole."""
    same = b'ETag: "theirs"', b"Last-Modified: " + THEIRS[1][1]
    shop = unchanged(b"<main>an invoice</main>", kind, b"Cache-Control: private", b"Set-Cookie: session=2", *same)
    async with Origin(answering(shop)) as origin, Site(origin.url) as site:
        asked = [await site.get(b"/", BASKET, BROWSER, condition) for _ in range(3)]
        other = await site.get(b"/", BASKET, BROWSER, (b"if-none-match", b'"another"'))
        assert {seen.get(condition[0]) for seen in origin.requests} == {None}
        site.gateway.publish(published(shown("Hello"), declared=[DeclaredSlot("home.hero", selector="main")]))
        if kind == HTML:
            filled = await site.get(b"/", BASKET, BROWSER, condition)
            assert (filled.status, b"Hello" in filled.body) == (200, True)
    assert [(got.status, got.body, got["set-cookie"]) for got in asked] == [(304, b"", "session=2")] * 3
    assert (other.status, other.body) == (200, b"<main>an invoice</main>")


async def test_a_change_that_is_to_overwrite_nothing_overwrites_nothing() -> None:
    async with Origin(always(ok(b"", *PRIVATE))) as origin, Site(origin.url) as site:
        await site.get(b"/", BASKET, BROWSER, (b"if-none-match", b"*"), method=b"PUT")
    assert origin.requests[0].get(b"if-none-match") == b"*"
