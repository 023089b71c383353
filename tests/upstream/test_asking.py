from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from proxy.errors import OriginError
from proxy.upstream.asking import ACCEPT, Asking, is_document, shared_accept_encoding
from tests.wire.origin import Origin, always, ok
from tests.wire.site import Site

BROWSER = (b"accept", b"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
CODINGS = (b"accept-encoding", b"gzip, deflate, br")


async def test_what_is_asked_for_everybody_says_nothing_of_who_asks() -> None:
    personal = (
        (b"cookie", b"session=1"),
        (b"authorization", b"Basic x"),
        (b"user-agent", b"Mozilla/5.0"),
        (b"accept-language", b"nl"),
        (b"accept", b"application/json"),
        (b"x-forwarded-for", b"1.2.3.4"),
        (b"x-anything", b"poison"),
        (b"if-none-match", b'"a"'),
        (b"range", b"bytes=0-1"),
        (b"cache-control", b"no-cache"),
    )
    async with Origin(always(ok())) as origin, Site(origin.url) as site:
        answer = await Asking(site.origins, site.settings).for_everybody(site.request(b"/p?q", *personal), ())
        await answer.aclose()
        seen = origin.requests[0]
    assert (seen.method, seen.target) == (b"GET", b"/p?q")
    assert {name: value for name, value in seen.headers if name not in (b"forwarded", b"via", b"host")} == {
        b"user-agent": b"tailorbird",
        b"surrogate-capability": b'tailorbird="ESI/1.0"',
        b"accept": ACCEPT[1],
        b"accept-encoding": b"identity",
        b"x-forwarded-proto": b"http",
        b"x-forwarded-host": b"shop.example",
    }


async def test_fields_the_origin_chooses_by_go_along_in_the_visitors_words() -> None:
    sent = ((b"accept", b"application/json"), (b"accept-language", b"nl"), (b"x-other", b"x"))
    async with Origin(always(ok())) as origin, Site(origin.url) as site:
        asking = Asking(site.origins, site.settings)
        answer = await asking.for_everybody(
            site.request(b"/", *sent), {b"accept", b"accept-language"}, ((b"if-none-match", b'"a"'),)
        )
        await answer.aclose()
        seen = origin.requests[0]
    assert (seen.get(b"accept"), seen.get(b"accept-language"), seen.get(b"x-other")) == (
        b"application/json",
        b"nl",
        None,
    )
    assert seen.get(b"if-none-match") == b'"a"'


async def test_the_visitors_own_request_keeps_its_fields_but_those_held_back() -> None:
    sent = ((b"cookie", b"session=1"), (b"accept-encoding", b"br"), (b"range", b"bytes=0-1"), (b"x-a", b"1"))
    async with Origin(always(ok())) as origin, Site(origin.url) as site:
        answer = await Asking(site.origins, site.settings).as_visitor(
            site.request(b"/", *sent, method=b"PUT"), accept_encoding=b"gzip", without={b"range"}
        )
        await answer.aclose()
        seen = origin.requests[0]
    assert (seen.method, seen.get(b"cookie"), seen.get(b"x-a")) == (b"PUT", b"session=1", b"1")
    assert (seen.get(b"accept-encoding"), seen.get(b"range")) == (b"gzip", None)


@pytest.mark.parametrize("keep_host", [True, False])
async def test_host_is_the_origins_own_unless_it_is_kept(keep_host: bool) -> None:
    async with Origin(always(ok())) as origin, Site(origin.url, keep_host=keep_host) as site:
        asking = Asking(site.origins, site.settings)
        await (await asking.for_everybody(site.request(b"/"), ())).aclose()
        await (await asking.as_visitor(site.request(b"/"))).aclose()
        hosts = {seen.get(b"host") for seen in origin.requests}
    assert hosts == {b"shop.example" if keep_host else b"127.0.0.1:%d" % origin.port}


async def test_redirects_to_the_origins_own_host_lead_to_ours() -> None:
    async with Origin(always(b"")) as origin, Site(origin.url) as site:
        origin.script = always(ok(b"", b"Location: %b/next" % origin.url.encode(), status=b"302 Found"))
        answer = await Asking(site.origins, site.settings).as_visitor(site.request(b"/"))
        await answer.aclose()
    assert (b"location", b"http://shop.example/next") in answer.headers


@pytest.mark.parametrize(
    ("keep_host", "method", "fields", "is_told"),
    [
        (False, b"GET", (b"Location: http://shop.example/p?q",), True),  # WordPress: `redirect_canonical`
        (False, b"GET", (b"Location: http://shop.example/p",), False),
        (False, b"GET", (b"Location: http://shop.example/p?q", b"Set-Cookie: asked=1"), False),
        (False, b"POST", (b"Location: http://shop.example/p?q",), False),
        (True, b"GET", (b"Location: http://shop.example/p?q",), False),
    ],
)
async def test_a_redirect_to_the_page_itself_is_told_of_once(
    caplog: pytest.LogCaptureFixture, *, keep_host: bool, method: bytes, fields: Sequence[bytes], is_told: bool
) -> None:
    async with (
        Origin(always(ok(b"", *fields, status=b"301 x"))) as origin,
        Site(origin.url, keep_host=keep_host) as site,
    ):
        asking = Asking(site.origins, site.settings)
        for _ in range(2):
            answer = await asking.as_visitor(site.request(b"/p?q", method=method))
            await answer.aclose()
    assert caplog.text.count(f"leads to itself: the origin, asked at `{origin.url}`") == is_told


async def test_an_answer_whose_fields_cannot_be_passed_on_gives_its_connection_back() -> None:
    async with Origin(always(ok(b"x", b"X-A: a\0b"))) as origin, Site(origin.url, max_connections=1) as site:
        asking = Asking(site.origins, site.settings)
        for _ in range(3):
            with pytest.raises(OriginError):
                await asking.as_visitor(site.request(b"/"))


SINCE = (b"if-modified-since", b"Sun, 06 Nov 1994 08:49:37 GMT")


@pytest.mark.parametrize("condition", [(b"if-none-match", b'"a"'), SINCE, (b"if-match", b'"a"'), None])
async def test_a_304_is_an_answer_only_to_a_request_that_asked_whether_something_changed(
    condition: tuple[bytes, bytes] | None,
) -> None:
    asks = condition is not None and condition[0] != b"if-match"
    sent = () if condition is None else (condition,)
    async with Origin(always(b"HTTP/1.1 304 Not Modified\r\n\r\n")) as origin, Site(origin.url) as site:
        asking, request = Asking(site.origins, site.settings), site.request(b"/", *sent)
        for ask, is_fine in (
            (partial(asking.as_visitor, request), asks),
            (partial(asking.as_visitor, request, without={name for name, _ in sent}), False),
            (partial(asking.for_everybody, request, ()), False),
            (partial(asking.for_everybody, request, (), sent), asks),
        ):
            if is_fine:
                assert (await ask()).status == 304
                continue
            with pytest.raises(OriginError, match="304 to a request without a condition"):
                await ask()


@pytest.mark.parametrize(
    ("headers", "coding"),
    [
        ((BROWSER, CODINGS), b"identity"),
        (((b"accept", b"*/*"), CODINGS), b"br, gzip"),
        ((CODINGS,), b"br, gzip"),
        ((), b"identity"),
    ],
)
def test_pages_are_asked_for_uncoded_and_the_rest_as_the_client_takes_it(
    headers: tuple[tuple[bytes, bytes], ...], coding: bytes
) -> None:
    request = Site("http://127.0.0.1:9").request(b"/", *headers)
    assert shared_accept_encoding(request) == coding
    assert is_document(request) is (BROWSER in headers)
