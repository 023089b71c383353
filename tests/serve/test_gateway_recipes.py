"""The recipes of docs/origins.md, tried on answers of django-oscar 4.2 and WordPress 6.1, cut short."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import httpx
import pytest

from proxy.page.tokens import unmasked
from tests.visitors.test_capture import OPENED
from tests.wire.behind import Behind
from tests.wire.django import mask_cipher_secret
from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import answering

MINUTES = itertools.count()
GUIDE = Path(__file__).parents[2] / "docs/origins.md"
HTML = b"Content-Type: text/html; charset=utf-8"
SECRET = "msPRmaxl2e94G0RTqnXkZs2eJptkU36K"
OSCAR = """<!doctype html><html><head><meta name="created" content="27th Nov 2026 20:{minute:02}" /></head><body>
<div id="messages">{message}</div><h1>{lang}</h1><form action="/basket/add/1/" method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="{token}"></form></body></html>"""
WORDPRESS = b'<!doctype html><html><body>%b<main id="main" class="site-main">Hello world!</main></body></html>'


def recipe(shop: str) -> str:
    part = GUIDE.read_text("utf-8").partition(f"### {shop}\n")[2]
    found = re.search(r"```yaml\n(.*?)```", part, re.DOTALL)
    assert found
    return found[1]


def oscar(seen: Seen) -> bytes:
    """A product's page, which is new each minute; what was put into the basket is told once, from a cookie."""
    said = dict(pair.split("=", 1) for pair in (seen.get(b"cookie") or b"").decode().split("; ") if pair)
    if seen.method == b"POST":
        added = (b"Set-Cookie: messages=added; Path=/; HttpOnly", b"Set-Cookie: oscar_open_basket=1; Path=/; HttpOnly")
        return ok(b"", *added, b"Location: /catalogue/thing-1_1/", status=b"302 Found")
    token, lang = mask_cipher_secret(said.get("csrftoken", SECRET)), said.get("django_language", "en-gb")
    message = "Thing 1 has been added to your basket." if "messages" in said else ""
    page = OSCAR.format(minute=next(MINUTES), message=message, lang=lang, token=token)
    gone = [b'Set-Cookie: messages=""; Max-Age=0; Path=/'] if message else []
    cookies = [b"Set-Cookie: csrftoken=" + SECRET.encode(), b'Set-Cookie: oscar_history="[1]"; Path=/; HttpOnly', *gone]
    return ok(page.encode(), HTML, b"Vary: Cookie, Accept-Language, Accept-Encoding", *cookies)


def status_of(answer: httpx.Response) -> str:
    return answer.headers["cache-status"].removeprefix("tailorbird; ").partition(";")[0]


async def test_an_oscar_shop_is_kept_and_tells_nobody_what_another_did(tmp_path: Path) -> None:
    page = "/catalogue/thing-1_1/"
    async with (
        Origin(answering(oscar)) as origin,
        Behind(origin.url, {"a.rules.yaml": "rules: []", "cache.yaml": recipe("Oscar")}, tmp_path) as shop,
    ):

        async def get(cookie: str = "") -> httpx.Response:
            return await shop.client.get(page, headers={**OPENED, "cookie": cookie})

        first, again = await get(), await get("oscar_history=[1]; csrftoken=" + SECRET)
        assert (status_of(first), status_of(again)) == ("fwd=uri-miss", "hit")
        assert 'name="created" content=""' in again.text and "oscar_history" not in first.headers.get("set-cookie", "")
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w{64})"', again.text)
        assert unmasked(token) == SECRET
        german = [await get("django_language=de") for _ in range(2)]
        assert ["<h1>de" in one.text for one in german] == [True, True] and status_of(german[1]) == "hit"
        sent = await shop.client.post("/basket/add/1/", headers=OPENED, follow_redirects=False)
        assert sent.headers["location"] == page
        theirs, others = await get("messages=added; oscar_open_basket=1"), await get()
        assert "has been added" in theirs.text and status_of(theirs) == "fwd=bypass"
        assert "has been added" not in others.text and status_of(others) == "hit"


def wordpress(seen: Seen) -> bytes:
    """It knows its address (`redirect_canonical`), and says nothing of keeping but of what is signed in."""
    if seen.get(b"host") != b"shop.example":
        return ok(b"", b"Location: http://shop.example" + seen.target, b"X-Redirect-By: WordPress", status=b"301 x")
    is_known = b"wordpress_logged_in_" in (seen.get(b"cookie") or b"")
    if seen.target.startswith(b"/wp-admin/"):
        return ok(b"Dashboard", HTML, b"Cache-Control: no-cache, must-revalidate, max-age=0")
    bar = b'<div id="wpadminbar"></div>' if is_known else b""
    return ok(WORDPRESS % bar, HTML, b'Link: <http://shop.example/wp-json/>; rel="https://api.w.org/"')


@pytest.mark.parametrize("keep_host", [True, False])
async def test_wordpress_is_kept_but_for_who_is_signed_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, keep_host: bool
) -> None:
    folder = {"a.rules.yaml": "rules: []", "cache.yaml": recipe("WordPress")}
    async with (
        Origin(answering(wordpress)) as origin,
        Behind(origin.url, folder, tmp_path, keep_host=keep_host) as shop,
    ):

        async def get(path: str, cookie: str = "") -> httpx.Response:
            headers = {**OPENED, "cookie": cookie, "host": "shop.example"}
            return await shop.client.get(path, headers=headers, follow_redirects=False)

        answers = [await get("/hello-world/") for _ in range(2)]
        if not keep_host:
            assert [one.headers["location"] for one in answers] == ["http://shop.example/hello-world/"] * 2
            assert caplog.text.count("`/hello-world/` leads to itself") == 1
            return
        assert [status_of(one) for one in answers] == ["fwd=uri-miss", "hit"]
        known = await get("/hello-world/", "wordpress_logged_in_5f=ann")
        assert "wpadminbar" in known.text and "wpadminbar" not in (await get("/hello-world/")).text
        out = await get("/hello-world/", "wordpress_test_cookie=WP%20Cookie%20check; wp_lang=en_US")
        assert status_of(out) == "hit"
        assert status_of(await get("/wp-admin/index.php", "wordpress_logged_in_5f=ann")) == "fwd=bypass"
