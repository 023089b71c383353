"""Pages that are put together from parts at other addresses, through the gateway."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count

import pytest

from proxy.rulebook.policy import PagePolicy, Policy
from tests.wire.origin import Origin, Script, Seen, always, ok
from tests.wire.site import HTML, Site, answering, published, shown

ESI = b'Surrogate-Control: max-age=60, content="ESI/1.0"'
INCLUDING = (
    b'<p><esi:include src="/shared"/></p><i><esi:include src="/mine"/></i>'
    b'<b><esi:include src="/gone" alt="/shared"/></b><u><esi:include src="/gone"/></u>'
)
KEPT = b"Cache-Control: max-age=60"


def shop_of_parts(*fields: bytes, page: bytes = INCLUDING) -> Script:
    """A shop whose page includes a part for everybody and one that is each visitor's."""

    def say(seen: Seen) -> bytes:
        who = seen.get(b"cookie") or b"nobody"
        match seen.target:
            case b"/":
                return ok(page, HTML, *fields)
            case b"/shared":
                return ok(b"for " + who, HTML, KEPT)
            case b"/mine":
                return ok(b"mine " + who, HTML, b"Cache-Control: private", b"Set-Cookie: seen=1")
            case b"/nested":
                return ok(b'<em><esi:include src="/shared"/></em>', HTML, ESI)
        return ok(b"no", HTML, status=b"404 Not Found")

    return answering(say)


async def test_a_page_is_put_together_of_parts_that_are_kept_each_on_its_own() -> None:
    async with Origin(shop_of_parts(ESI)) as origin, Site(origin.url) as site:
        whole = b"<p>for nobody</p><i>mine %b</i><b>for nobody</b><u></u>"
        assert (await site.get(b"/")).body == whole % b"nobody"
        for basket in (b"basket=1", b"basket=2"):
            got = await site.get(b"/", (b"cookie", basket), (b"accept-encoding", b"gzip"))
            assert got.body == whole % basket
            assert (got["set-cookie"], got["cache-control"]) == ("seen=1", "private, no-cache")
        asked = [(seen.target, seen.get(b"cookie")) for seen in origin.requests]
        assert [cookie for target, cookie in asked if target in (b"/", b"/shared")] == [None, None]
        assert origin.requests[0].get(b"surrogate-capability") == b'tailorbird="ESI/1.0"'


@pytest.mark.parametrize("control", [KEPT, b"Cache-Control: private", b"Cache-Control: no-store"])
async def test_other_tags_count_without_an_include_too(control: bytes) -> None:
    """Also in a page that is its visitor's own, whose tag then is not the origin's."""
    page = b'<p><esi:remove>gone</esi:remove><esi:comment text="x"/><!--esi <b>here</b>--></p>'
    async with Origin(always(ok(page, HTML, ESI, control, b'ETag: "a"'))) as origin, Site(origin.url) as site:
        own = await site.get(b"/", (b"cookie", b"basket=1"))
        assert own.body == b"<p> <b>here</b></p>" == (await site.get(b"/")).body
        assert dict(own.headers).get("etag") != '"a"'


async def test_a_page_that_is_its_visitors_own_is_put_together_too() -> None:
    async with Origin(shop_of_parts(ESI, b"Cache-Control: private")) as origin, Site(origin.url) as site:
        await site.get(b"/shared")
        got = await site.get(b"/", (b"cookie", b"basket=1"))
        assert got.body == b"<p>for nobody</p><i>mine basket=1</i><b>for nobody</b><u></u>"
        assert "detail=" in got["cache-status"]


async def test_a_cookie_that_each_part_sets_again_is_set_once() -> None:
    def say(seen: Seen) -> bytes:
        if seen.target == b"/":
            return ok(b'<p><esi:include src="/token"/></p><i><esi:include src="/cart"/></i>', HTML, ESI)
        sid = (seen.get(b"cookie") or b"sid=7").partition(b"sid=")[2]
        return ok(sid, HTML, b"Cache-Control: private", b"Set-Cookie: sid=%b; Path=/" % sid)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for sent in ((), ((b"cookie", b"sid=8"),)):
            got = await site.get(b"/", *sent)
            assert got["set-cookie"].count("sid=") == 1


@pytest.mark.parametrize("own", [(), (b"Cache-Control: private", b"Set-Cookie: sid=0; Path=/")])
async def test_all_parts_of_a_visitors_first_page_are_of_one_session(own: tuple[bytes, ...]) -> None:
    sessions = (b"%032d" % number for number in count())

    def say(seen: Seen) -> bytes:
        if seen.target == b"/":
            return ok(b'<p><esi:include src="/token"/></p><i><esi:include src="/cart"/></i>', HTML, ESI, *own)
        cookie = seen.get(b"cookie") or b""
        sid = cookie.partition(b"sid=")[2].partition(b";")[0] or next(sessions)
        given = () if b"sid=" in cookie else (b"Set-Cookie: sid=%b" % sid,)
        return ok(sid, HTML, b"Cache-Control: private", *given)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        got = await site.get(b"/", (b"cookie", b"consent=1"))
        found = re.search(rb"<p>(\d+)</p><i>(\d+)</i>", got.body)
        assert found and found[1] == found[2]
        assert f"sid={found[1].decode()}" in got["set-cookie"]
        assert got["set-cookie"].count("sid=") == 1
        asked = len(origin.requests)
        await site.get(b"/", (b"cookie", b"sid=%b" % found[1]))
        assert sorted(seen.target for seen in origin.requests[asked:] if seen.target != b"/") == [b"/cart", b"/token"]


@pytest.mark.parametrize("fields", [(ESI,), (ESI, b"Cache-Control: private")])
async def test_a_page_of_many_parts_is_one_request(fields: tuple[bytes, ...]) -> None:
    async with Origin(shop_of_parts(*fields)) as origin, Site(origin.url) as site:
        for _ in range(3):
            await site.get(b"/")
        assert sum(site.metrics.by_value("tailorbird_parts_total").values()) == 12
        assert sum(site.metrics.by_value("tailorbird_requests_total").values()) == 3


async def test_includes_count_by_the_origins_word_or_the_operators_and_by_nothing_in_the_page() -> None:
    async with Origin(shop_of_parts(KEPT)) as origin, Site(origin.url) as site:
        assert (await site.get(b"/")).body == INCLUDING
        assert [seen.target for seen in origin.requests] == [b"/"]
        word = Policy((PagePolicy("/*", has_includes=True),))
        site.gateway.publish(replace(published(), policy=word))
        assert b"for nobody" in (await site.get(b"/")).body


async def test_parts_of_parts_are_left_out() -> None:
    page = b'<p><esi:include src="/nested"/></p>'
    async with Origin(shop_of_parts(ESI, page=page)) as origin, Site(origin.url) as site:
        assert (await site.get(b"/")).body == b"<p><em></em></p>"
        assert (await site.get(b"/nested")).body == b"<em>for nobody</em>"


async def test_slots_in_page_and_part_are_filled() -> None:
    page = b'<esi:include src="/_tb/slot/home.hero"/><p><esi:include src="/shared"/></p>'
    publication = published(shown("Hello"))
    async with Origin(shop_of_parts(ESI, page=page)) as origin, Site(origin.url, publication=publication) as site:
        got = await site.get(b"/")
        assert b'<tb-slot name="home.hero">' in got.body and got.body.count(b"Hello</") == 1
        assert got.body.endswith(b"<p>for nobody</p>")


async def test_a_part_that_is_kept_is_compressed_once_for_all_pages_it_stands_in() -> None:
    page = b'<p><esi:include src="/long"/></p>'
    long = b"words of a header that all pages have, " * 1_000

    def say(seen: Seen) -> bytes:
        return ok(page, HTML, ESI) if seen.target == b"/" else ok(long, HTML, KEPT)

    async with Origin(answering(say)) as origin, Site(origin.url) as site:
        for _ in range(2):
            got = await site.get(b"/", (b"accept-encoding", b"gzip"))
            assert got.body == b"<p>" + long + b"</p>"
        assert got.wire_length < len(long) / 10
