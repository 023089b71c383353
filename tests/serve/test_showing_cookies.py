"""Whom a page gives a cookie: a new visitor, and nobody whose own may have been kept back."""

from __future__ import annotations

import pytest

from proxy.model import (
    Headers,
)
from tests.serve.test_showing import home
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON, PAGE, SHARED, Site


async def test_a_new_visitor_is_given_a_cookie_and_comes_back_as_the_same() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, visitor_cookie="session") as site:
        first = await home(site)
        cookie = first["set-cookie"].partition(";")[0].encode()
        again = await home(site, (b"cookie", cookie))
        unchanged = await home(site, (b"if-none-match", first["etag"].encode()))
    assert site.cookies.read(cookie, NOON).id
    assert (again["set-cookie"], unchanged.status, unchanged["set-cookie"]) == ("", 304, "")


PAID = b"sec-fetch-site", b"cross-site"


@pytest.mark.parametrize(
    ("method", "said", "is_new"),
    [
        (b"POST", (PAID,), False),
        (b"POST", ((b"origin", b"https://pay.example"),), False),
        (b"POST", ((b"origin", b"null"),), False),
        (b"POST", ((b"sec-fetch-site", b"same-site"), (b"origin", b"https://app.shop.example")), True),
        (b"POST", ((b"origin", b"https://shop.example"),), True),
        (b"POST", (), True),
        (b"GET", (PAID,), True),
    ],
)
async def test_a_form_of_another_site_comes_without_cookies_and_makes_nobody_a_new_visitor(
    method: bytes, said: Headers, is_new: bool
) -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, visitor_cookie="session") as site:
        got = await site.get(b"/paid", *said, method=method)
    assert (b"data-slot" in got.body, "tb_v=" in got["set-cookie"]) == (True, is_new)


async def test_shared_answers_set_no_cookie() -> None:
    plain = always(ok(b"<p>no slots", *SHARED))
    async with Origin(plain) as origin, Site(origin.url, visitor_cookie="session") as site:
        assert (await home(site))["set-cookie"] == ""


async def test_without_visitor_cookies_none_is_set() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, visitor_cookie="off") as site:
        assert (await home(site))["set-cookie"] == ""
