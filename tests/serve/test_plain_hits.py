"""What is the same for everybody, asked again in the same words, beside the same looked up step by step."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from proxy.httpcache.purge import purge_of
from proxy.serve.precompression import LEAST_BYTES
from tests.wire.asking import OPENED, again, asking, looked_up, telling
from tests.wire.origin import Origin, always, by_path, ok
from tests.wire.site import NOON, SHARED, Site, eventually, published

CSS = (b"Content-Type: text/css", b"Cache-Control: max-age=60", b'ETag: "1"', b"Vary: Accept-Encoding")
ANSWERS = {
    b"/": ok(b"<h1>About us</h1>" * 50, *SHARED, b"Age: 7"),
    b"/style.css": ok(b"p { margin: 0 }\n" * LEAST_BYTES, *CSS),
    b"/small.css": ok(b"p { margin: 0 }", *CSS),
    b"/long.css": ok(b"p { margin: 0 }\n" * 50_000, *CSS),
    b"/chosen.css": ok(b"p { margin: 0 }", *CSS[:2], b"Vary: X-Forwarded-For"),
    b"/gone": ok(b"gone", *SHARED, status=b"404 Not Found"),
}
GZIP = (b"accept-encoding", b"gzip")


@pytest.mark.parametrize("path", ANSWERS)
@pytest.mark.parametrize("fields", [(), (GZIP,), ((b"range", b"bytes=0-3"),)], ids=["plain", "gzip", "range"])
async def test_a_repeat_hit_gives_the_answer_of_the_full_path(
    path: bytes, fields: tuple[tuple[bytes, bytes], ...]
) -> None:
    async with Origin(by_path(ANSWERS)) as origin, Site(origin.url) as site:
        await site.get(path, *fields)
        question, expected = asking(*fields, path=path), None
        is_coded = fields == (GZIP,) and path in (b"/style.css", b"/long.css")
        is_answered = (path in (b"/", b"/style.css", b"/small.css") and fields in ((), (GZIP,))) or is_coded
        if is_coded:
            await eventually(lambda: b"content-encoding" in (looked_up(site, question, {}) or b""))
        for second in (0.0, 0.5, 1.0, 1.4, 52.999, 53.0, 59.999, 60.0):
            site.now = NOON + second
            expected, counted = looked_up(site, question, {}), site.metrics.counts().copy()
            answer = again(site, question, {})
            if not is_answered or expected is None:
                assert answer is None
                continue
            assert answer == expected
            gained = site.metrics.counts() - counted
            assert looked_up(site, question, {}) == expected
            assert site.metrics.counts() - counted == gained + gained
        assert expected is None


@pytest.mark.parametrize("own", [{b"if-none-match": b'"1"'}, {b"if-modified-since": b"Fri, 27 Nov 2026 12:00:00 GMT"}])
async def test_conditional_requests_and_previews_take_the_full_lookup(own: dict[bytes, bytes]) -> None:
    async with Origin(by_path(ANSWERS)) as origin, Site(origin.url) as site:
        await site.get(b"/style.css")
        question = asking(path=b"/style.css")
        assert looked_up(site, question, {}) == again(site, question, {})
        assert again(site, question, own) is None
        assert again(site, question, {b"cookie": b"tb_p=a-preview"}) is None


async def test_a_text_is_sent_in_a_better_coding_as_soon_as_there_is_one() -> None:
    async with Origin(by_path(ANSWERS)) as origin, Site(origin.url) as site:
        await site.get(b"/style.css", GZIP)
        question = asking(GZIP, path=b"/style.css")
        assert b"content-encoding" not in (looked_up(site, question, {}) or b"")
        await eventually(lambda: b"content-encoding: gzip" in (again(site, question, {}) or b""))
        assert again(site, question, {}) == looked_up(site, question, {})


async def later(site: Site) -> None:
    site.now += 61


async def renewed(site: Site) -> None:
    site.gateway.publish(published())


async def purged(site: Site) -> None:
    await site.gateway.purge(purge_of(prefixes=["http://shop.example/"]))


@pytest.mark.parametrize("happens", [later, renewed, purged])
async def test_what_was_found_does_not_outlive_what_it_was_found_in(happens: Callable[[Site], Awaitable[None]]) -> None:
    async with Origin(always(ANSWERS[b"/small.css"])) as origin, Site(origin.url) as site:
        await site.get(b"/")
        question = asking()
        looked_up(site, question, {})
        assert again(site, question, {}) is not None
        await happens(site)
        assert again(site, question, {}) is None


SLOTLESS = b"<h1>About us</h1>"
NO_PROFILE = b"CookieConsent={stamp:'x'%2Cnecessary:true%2Cpreferences:false%2Cstatistics:false%2Cmarketing:false}"


@pytest.mark.parametrize(
    ("cookies", "views"), [(b"{anna}", 3), (b"a=1", 0), (b"", 0), (b"{anna}; {anna}", 0), (b"{anna}; {no}", 0)]
)
async def test_views_count_as_if_they_were_looked_up(cookies: bytes, views: int) -> None:
    consent = {"consent": ("cookiebot",), "consent_default": "profile"}
    async with telling(published(), SLOTLESS, **consent) as site:
        anna = site.visitor("anna")[1]
        own = {b"cookie": cookies.replace(b"{anna}", anna).replace(b"{no}", NO_PROFILE)}
        await site.get(b"/")
        await site.profiles.get("anna", site.now)
        question = asking(*OPENED)
        assert looked_up(site, question, own) == again(site, question, own) == again(site, question, own)
        site.profiles.pending.flush()
        profile = site.profiles.held("anna")
        seen = [] if profile is None else [(event.kind, event.at) for event in profile.history]
        assert seen == [("page viewed", NOON)] * views


async def test_each_answer_is_a_line_of_the_access_log(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    async with Origin(by_path(ANSWERS)) as origin, Site(origin.url, access_log=str(log)) as site:
        await site.get(b"/small.css")
        question = asking(path=b"/small.css")
        looked_up(site, question, {})
        for name in (b"1", b"2"):
            again(site, question, {b"x-request-id": name, b"cookie": b"a=1"})
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["target"], line["status"], line["bytes"], line["cache"], line["request_id"]) for line in lines] == [
        ("/small.css", 200, 15, "hit; ttl=60", name) for name in ("1", "2")
    ]
