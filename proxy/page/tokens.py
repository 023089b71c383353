"""Forgery (CSRF) tokens: those with well-known names, and Django's, which are made from a visitor's cookie.

A token ties a form to its visitor, so a page with a token belongs to one visitor. Django masks the secret of its cookie
with a new mask in each page (against BREACH): 64 characters, the first half the mask, the second half the secret
shifted by it, character by character, in an alphabet of 62. With the cookie, a token can be made."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxy.page.markup import Location, Markup, location_of

FIELDS = (
    "csrfmiddlewaretoken", "authenticity_token", "_token", "__RequestVerificationToken", "csrf", "_csrf", "csrf_token",
    "csrf-token", "_csrf_token", "csrfToken", "_csrfToken", "_csrf-frontend", "YII_CSRF_TOKEN", "form_key", "_wpnonce",
    "anti-csrf-token", "xsrf-token", "xsrf", "_xsrf", "fkey", "javax.faces.ViewState", "jakarta.faces.ViewState",
)  # fmt: skip
"""Names of form fields: Django, Rails, Laravel, ASP.NET, Spring, Flask, Symfony, Phoenix, CakePHP, Yii, Magento,
WordPress, Tornado, Faces."""

DJANGO = "csrfmiddlewaretoken"
METAS = ("csrf-token", "csrf_token", "_csrf", "csrf", "xsrf-token", "csrfToken")

_NAMES = {"input": frozenset(map(str.lower, FIELDS)), "meta": frozenset(map(str.lower, METAS))}

SHORTEST_ID = 16
"""Characters of a cookie's value that mean somebody in particular, wherever they stand."""
ALPHABET = string.ascii_letters + string.digits
SECRET_LENGTH = 32
_TWICE = 2 * ALPHABET
_NUMBER_OF = {letter: number for number, letter in enumerate(ALPHABET)}


@dataclass(frozen=True, slots=True)
class Token:
    """A token with a well-known name: the tag of its element, the name, the attribute and its value, and the place."""

    element: str
    name: str
    attribute: str
    value: str
    place: Location


def tokens_in(page: Markup) -> Iterator[Token]:
    """All tokens with well-known names."""
    for element in page.document.select("input[name][value],meta[name][content]"):
        attribute = "content" if element.tag == "meta" else "value"
        name, value = element.attr("name") or "", element.attr(attribute) or ""
        if value and name.lower() in _NAMES[element.tag]:
            yield Token(element.tag, name, attribute, value, location_of(element, attribute))


def token_in(page: Markup) -> Location | None:
    """The place of the first token with a well-known name; None without any."""
    return next((token.place for token in tokens_in(page)), None)


def meta_nonce_in(page: Markup) -> Location | None:
    """The place of a Content-Security-Policy in the page itself that has a nonce; None without one."""
    if b"'nonce-" not in page.body:
        return None
    metas = page.document.select('meta[http-equiv="content-security-policy" i][content*="nonce-"]')
    return location_of(metas[0], "content") if metas else None


def session_in(body: bytes, set_cookies: Iterable[bytes] = ()) -> Location | None:
    """The place of a session id, as servlet containers and PHP write them into links for who has sent no cookie yet:
    in `;jsessionid=`, or as the value of a cookie that the answer sets (`set_cookies`). None without any. Whoever
    follows such a link shares that session."""
    at = next((at for mark in (b";jsessionid=", *ids_in(set_cookies)) if (at := body.find(mark)) >= 0), -1)
    return Location("the page", line=body.count(b"\n", 0, at) + 1) if at >= 0 else None


def ids_in(set_cookies: Iterable[bytes]) -> list[bytes]:
    """The values of cookies that are long enough to mean somebody in particular."""
    values = [one.partition(b";")[0].partition(b"=")[2].strip(b' \t"') for one in set_cookies]
    return [value for value in values if len(value) >= SHORTEST_ID]


def django_secret(cookie: str) -> str | None:
    """The secret in Django's cookie: plain in newer versions (32 characters), masked in older ones (64). None for
    anything else, which Django would not accept either."""
    if not _NUMBER_OF.keys() >= set(cookie):
        return None
    if len(cookie) == SECRET_LENGTH:
        return cookie
    return unmasked(cookie) if len(cookie) == 2 * SECRET_LENGTH else None


def masked(secret: str, mask: str) -> str:
    """Django's token for a page. `mask` must be new and random: 32 characters of `ALPHABET`."""
    pairs = zip(secret, mask, strict=True)
    return mask + "".join([_TWICE[_NUMBER_OF[x] + _NUMBER_OF[y]] for x, y in pairs])


def unmasked(token: str) -> str:
    """The secret of a token."""
    pairs = zip(token[SECRET_LENGTH:], token[:SECRET_LENGTH], strict=True)
    return "".join(ALPHABET[_NUMBER_OF[x] - _NUMBER_OF[y]] for x, y in pairs)
