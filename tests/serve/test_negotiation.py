"""What one visitor says in a field that Vary names changes nothing for others."""

from __future__ import annotations

import pytest

from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from tests.serve.test_keeping import ruled
from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import HTML, PAGE, SHARED, Site, answering

EVIL = b"https://evil.example"


def choosy(seen: Seen) -> bytes:
    """An origin that lets in who comes from nowhere or from the shop's own pages, and says by what it chooses."""
    vary = b"Vary: Origin, User-Agent"
    if seen.get(b"origin") == EVIL:
        return ok(b"Invalid CORS request", b"Content-Type: text/plain", vary, status=b"403 Forbidden")
    if seen.get(b"user-agent") == b"scanner":
        return ok(b"", vary, b"Cache-Control: no-store", status=b"404 Not Found")
    if seen.get(b"user-agent") == b"robot":
        return ok(PAGE, vary, b"Cache-Control: private")
    return ok(PAGE, *SHARED, vary)


ODD = [(b"origin", EVIL), (b"user-agent", b"scanner"), (b"user-agent", b"robot")]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("is_known", [True, False])
async def test_a_refused_request_invalidates_nothing(odd: tuple[bytes, bytes], *, is_known: bool) -> None:
    async with Origin(answering(choosy)) as origin, Site(origin.url) as site:
        if is_known:
            await site.get(b"/p/1", (b"user-agent", b"browser"))
        for _ in range(2):
            await site.get(b"/p/1", odd)
        if not is_known:
            await site.get(b"/p/1", (b"user-agent", b"browser"))
        count = len(origin.requests)
        answer = await site.get(b"/p/1", (b"user-agent", b"browser"))
        assert (answer.status, len(origin.requests)) == (200, count), "it is stored still"
        assert "hit" in answer["cache-status"]


@pytest.mark.parametrize("is_for_all", [True, False])
async def test_a_page_that_is_for_nobody_is_remembered_as_such_whoever_asks(*, is_for_all: bool) -> None:
    said = [b"Cache-Control: max-age=60" if is_for_all else b"Cache-Control: private"]

    def say(seen: Seen) -> bytes:
        return ok(PAGE, said[0], b"Vary: User-Agent")

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/", (b"user-agent", b"one"))
        said[0] = b"Cache-Control: private"
        await site.get(b"/", (b"user-agent", b"two"))
        count = len(origin.requests)
        await site.get(b"/", (b"user-agent", b"three"))
        assert len(origin.requests) == count + 1, "its own request alone"


async def test_a_cookie_that_the_origin_does_not_like_has_nothing_forgotten() -> None:
    def say(seen: Seen) -> bytes:
        if seen.get(b"cookie") == b"currency=evil":
            return ok(b"", status=b"404 Not Found")
        return ok(PAGE, *SHARED, b"Vary: Cookie")

    by_currency = ruled(CacheOverrides(fresh_seconds=60, cookies=CookieRoles(key=("currency",))))
    async with Origin(answering(say)) as origin, Site(origin.url, publication=by_currency) as site:
        await site.get(b"/", (b"cookie", b"currency=EUR"))
        assert (await site.get(b"/", (b"cookie", b"currency=evil"))).status == 404
        count = len(origin.requests)
        assert "hit" in (await site.get(b"/", (b"cookie", b"currency=EUR")))["cache-status"]
        assert len(origin.requests) == count


def next_router(seen: Seen) -> bytes:
    """A static page of Next.js 16, trimmed: HTML for browsers; for its router, data at an address that has a hash of
    four fields, of which Vary leaves out Next-Url. Any other request of the router is sent on."""
    vary = b"Vary: rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch, Accept-Encoding"
    shared = b"Cache-Control: s-maxage=31536000"
    if seen.get(b"rsc") is None:
        return ok(PAGE, shared, vary)
    fields = (b"next-router-prefetch", b"next-router-segment-prefetch", b"next-router-state-tree", b"next-url")
    if b",".join(seen.get(name) or b"0" for name in fields) != b"1,/_tree,0,/":
        return ok(b"", b"Location: /sale?_rsc=another", status=b"307 Temporary Redirect")
    return ok(b'1:"$Sreact.fragment"', b"Content-Type: text/x-component", shared, vary)


async def test_what_the_router_of_next_js_prefetches_is_kept() -> None:
    router = [(b"rsc", b"1"), (b"next-router-prefetch", b"1"), (b"next-router-segment-prefetch", b"/_tree")]
    router.append((b"next-url", b"/"))
    async with Origin(answering(next_router)) as origin, Site(origin.url) as site:
        await site.get(b"/sale?_rsc=hash", *router)
        count = len(origin.requests)
        again = await site.get(b"/sale?_rsc=hash", *router)
        assert (again.body, len(origin.requests)) == (b'1:"$Sreact.fragment"', count)
        assert (await site.get(b"/sale?_rsc=hash")).body == PAGE, "a browser that opens the address gets the page"
        elsewhere = await site.get(b"/sale?_rsc=hash", *router[:-1], (b"next-url", b"/other"))
        assert elsewhere.status == 307, "as the origin has it"


@pytest.mark.parametrize("kind", [HTML, b"Content-Type: text/css"])
async def test_who_logs_in_is_asked_for_as_themselves_as_soon_as_a_page_depends_on_it(kind: bytes) -> None:
    vary: list[bytes] = []

    def say(seen: Seen) -> bytes:
        who = b"for %b" % (seen.get(b"authorization") or b"strangers")
        return ok(b"<html><body>%b</body></html>" % who, kind, b"Cache-Control: public, max-age=60", *vary)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        await site.get(b"/account")
        site.now += 100
        vary.append(b"Vary: Authorization")
        assert b"for anna" in (await site.get(b"/account", (b"authorization", b"anna"))).body
        for _ in range(2):
            assert b"for strangers" in (await site.get(b"/account")).body
        for _ in range(2):
            assert b"for anna" in (await site.get(b"/account", (b"authorization", b"anna"))).body
        assert sum(seen.get(b"authorization") is None for seen in origin.requests) == 3, "strangers' is kept"
