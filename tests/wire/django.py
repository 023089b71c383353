"""A shop that behaves like stock Django, written after `django/middleware/csrf.py`: no word about keeping, `Vary:
Cookie`, a `csrftoken` cookie with every page, a token in its form that is masked anew each time, a check of both.

    async with Origin(DjangoShop()) as origin: ...
"""

from __future__ import annotations

import re
import secrets
import string
from urllib.parse import parse_qs

from tests.wire.origin import Seen, Wire, ok

SECRET_LENGTH = 32
TOKEN_LENGTH = 2 * SECRET_LENGTH
CHARS = string.ascii_letters + string.digits
MAX_AGE = 60 * 60 * 24 * 7 * 52

PAGE = """<!doctype html>
<html lang="en"><head><title>Contact</title></head><body>
<div data-slot="home.hero"><p>Welcome</p></div>
<form method="post" action="{path}">
<input type="hidden" name="csrfmiddlewaretoken" value="{token}">
<input name="message"><button>Send</button></form>
<p>{greeting}</p></body></html>
"""


def random_text() -> str:
    return "".join(secrets.choice(CHARS) for _ in range(SECRET_LENGTH))


def mask_cipher_secret(secret: str) -> str:
    mask = random_text()
    pairs = zip((CHARS.index(x) for x in secret), (CHARS.index(x) for x in mask), strict=True)
    return mask + "".join(CHARS[(x + y) % len(CHARS)] for x, y in pairs)


def unmask_cipher_token(token: str) -> str:
    mask, cipher = token[:SECRET_LENGTH], token[SECRET_LENGTH:]
    pairs = zip((CHARS.index(x) for x in cipher), (CHARS.index(x) for x in mask), strict=True)
    return "".join(CHARS[x - y] for x, y in pairs)


class DjangoShop:
    """A script for `Origin`. `accepted` has the secret of each form that was sent and passed, `refused` why others did
    not; `pages` counts the pages it made."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self.pages = 0

    async def __call__(self, wire: Wire) -> None:
        while True:
            seen = await wire.request()
            await wire.send(self._form(seen) if seen.method == b"POST" else self._page(seen))

    def _page(self, seen: Seen) -> bytes:
        self.pages += 1
        cookies = cookies_of(seen)
        secret = cookies.get("csrftoken", "")
        if not is_sane(secret):
            secret = random_text()
        greeting = "Hello again" if "sessionid" in cookies else "Hello"
        path = seen.target.decode().partition("?")[0]
        page = PAGE.format(token=mask_cipher_secret(secret), greeting=greeting, path=path)
        cookie = f"csrftoken={secret}; expires=Thu, 25 Nov 2027 00:00:00 GMT; Max-Age={MAX_AGE}; Path=/; SameSite=Lax"
        fields = (b"Content-Type: text/html; charset=utf-8", b"Vary: Cookie", b"Set-Cookie: " + cookie.encode())
        return ok(page.encode(), *fields, b"X-Frame-Options: DENY")

    def _form(self, seen: Seen) -> bytes:
        secret = cookies_of(seen).get("csrftoken", "")
        sent = parse_qs(seen.body.decode()).get("csrfmiddlewaretoken", [""])[0]
        if not is_sane(secret):
            return self._refuse("CSRF cookie not set or of the wrong form")
        if not is_sane(sent) or secret_of(sent) != secret_of(secret):
            return self._refuse("CSRF token incorrect")
        self.accepted.append(secret_of(secret))
        return ok(b"", b"Location: /thanks", status=b"302 Found")

    def _refuse(self, why: str) -> bytes:
        self.refused.append(why)
        return ok(why.encode(), b"Content-Type: text/html", status=b"403 Forbidden")


def is_sane(token: str) -> bool:
    return bool(re.fullmatch(rf"[{CHARS}]{{{SECRET_LENGTH}}}(?:[{CHARS}]{{{SECRET_LENGTH}}})?", token))


def secret_of(token: str) -> str:
    return unmask_cipher_token(token) if len(token) == TOKEN_LENGTH else token


def cookies_of(seen: Seen) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in (seen.get(b"cookie") or b"").decode().split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}
