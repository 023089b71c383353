"""Fills the holes of a stored page for the visitor who asks.

What a cookie or chance gives is there at once; what stands at an address has to be fetched. Its law: a hole gets what
belongs to this request, or stays empty; another visitor's content is no longer in the page (`page/redaction.py`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from proxy.http.message import Request, as_lines
from proxy.httpcache.cookies import cookie_value, pair_set_by
from proxy.page.fields import as_ascii, escape
from proxy.page.fragments import Fragment
from proxy.page.holes import Fill, FillKind, HoleAt, IfMissing, hole_fragment
from proxy.page.piece import Piece
from proxy.page.redaction import with_nonce
from proxy.page.template import Template
from proxy.page.tokens import ALPHABET, SECRET_LENGTH, django_secret, masked
from proxy.rulebook.policy import PagePolicy
from proxy.serve.pages import Entry
from proxy.serve.parts import Part, Parts

_MOST = 256 - 256 % len(ALPHABET)  # bytes from here on are dropped, else some letters would be more likely
_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_TOO_MANY = bytes(range(_MOST, 256))

FETCHED = frozenset({FillKind.FETCH, FillKind.INCLUDE})
_EXPIRES = re.compile(rb";\s*expires\s*=[^;]*", re.IGNORECASE)
_USUAL_FLAGS = b"; Path=/; SameSite=Lax; Max-Age=31449600"


@dataclass(frozen=True, slots=True)
class FilledHoles:
    """What fills the holes of a page, in order; and the cookies and the nonce for its head."""

    fragments: tuple[Fragment, ...] = ()
    set_cookies: tuple[bytes, ...] = ()
    nonce: bytes = b""

    def lead(self, lines: bytes) -> bytes:
        """The header lines of the page for this visitor."""
        if self.nonce:
            lines = with_nonce(lines, self.nonce)
        return lines + as_lines(tuple((b"set-cookie", value) for value in self.set_cookies))


NO_FILLS = FilledHoles()
"""For a page without holes."""


class HoleFilling:
    """Fills holes; `parts` fetches what stands at addresses."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def at_once(self, entry: Entry, request: Request) -> FilledHoles | None:
        """What fills the holes of a stored page; None when something has to be fetched, or only the origin can tell."""
        holes = _holes(entry.template)
        if any(hole.fill.kind in FETCHED for hole in holes):
            return None
        return _Filling(request, entry.policy, entry.needless).all(holes)

    async def fill(
        self,
        template: Template | None,
        request: Request,
        policy: PagePolicy | None = None,
        needless: Sequence[bytes] = (),
        set_cookies: Sequence[bytes] = (),
    ) -> FilledHoles | None:
        """What fills the holes of a page that sets these cookies; None when only the origin can tell. Parts within
        parts are left empty."""
        holes = _holes(template)
        # One fetch for holes that are filled alike.
        fills = list(dict.fromkeys(hole.fill for hole in holes if hole.fill.kind in FETCHED))
        others = [hole for hole in holes if hole.fill.kind not in FETCHED]
        filling = _Filling(request, policy, needless)
        if filling.all(others) is None:
            return None
        given = [*set_cookies, *filling.new_cookies()]
        has_parts = fills and not request.depth
        parts = await self._parts.get(request, fills, given) if has_parts else [None] * len(fills)
        filling.parts = dict(zip(fills, parts, strict=True))
        return filling.all(holes)


def _holes(template: Template | None) -> list[HoleAt]:
    return [hole for _, hole in template.holes] if template else []


class _Filling:
    """One page being filled for one request."""

    def __init__(self, request: Request, policy: PagePolicy | None, needless: Sequence[bytes]) -> None:
        self._request = request
        self._needless = needless
        self.parts: Mapping[Fill, Part | None] = {}
        self._made: dict[str, str] = {}
        self._nonce = b""
        if policy is not None and policy.has_nonce:
            self._nonce = secrets.token_urlsafe(16).encode()

    def all(self, holes: Iterable[HoleAt]) -> FilledHoles | None:
        """What fills the holes; None when only the origin can tell."""
        texts = [self._text(hole) for hole in holes]
        fragments = tuple(hole_fragment(text) for text in texts if text is not None)
        if len(fragments) < len(texts):
            return None
        return FilledHoles(fragments, (*self.new_cookies(), *self._part_cookies()), self._nonce)

    def _text(self, hole: HoleAt) -> bytes | Piece | None:
        match hole.fill.kind:
            case FillKind.NONCE:
                return self._nonce
            case FillKind.NOTHING:
                return b""
            case FillKind.FETCH | FillKind.INCLUDE:
                return self._part(hole)
        return self._of_cookie(hole.fill)

    def _part(self, hole: HoleAt) -> bytes | Piece:
        part = self.parts.get(hole.fill)
        if part is None:
            return as_ascii(escape(hole.fill.default_text))
        if not hole.is_attribute:
            return part.content
        text = part.content.plain if isinstance(part.content, Piece) else part.content
        return text.strip().replace(b"&", b"&amp;").replace(b'"', b"&quot;").replace(b"<", b"&lt;")

    # -- from cookies

    def _of_cookie(self, fill: Fill) -> bytes | None:
        is_token = fill.kind is FillKind.DJANGO_TOKEN
        value = self._made.get(fill.source) or self._value(fill.source)
        secret = (django_secret(value) if is_token else value) if value else None
        if not secret and fill.if_missing is IfMissing.ASK:
            return None
        if not secret and fill.if_missing is IfMissing.EMPTY:
            return b""
        if not secret:
            secret = self._made[fill.source] = _random(SECRET_LENGTH)
        return as_ascii(escape(masked(secret, _random(SECRET_LENGTH)) if is_token else secret))

    def _value(self, name: str) -> str:
        value = cookie_value(name.encode(), self._request.headers)
        return unquote((value or b"").strip(b'"').decode("latin-1"))

    def new_cookies(self) -> Sequence[bytes]:
        """The Set-Cookie values of cookies that were made for holes."""
        return [
            b"%b=%b" % (name.encode(), value.encode()) + self._flags(name.encode())
            for name, value in self._made.items()
        ]

    def _flags(self, name: bytes) -> bytes:
        """The attributes with which the origin sets that cookie, without Expires."""
        for value in self._needless:
            if pair_set_by(value)[0] == name:
                _, semicolon, flags = value.partition(b";")
                return _EXPIRES.sub(b"", semicolon + flags)
        return _USUAL_FLAGS + (b"; Secure" if self._request.scheme == "https" else b"")

    def _part_cookies(self) -> Sequence[bytes]:
        """The cookies of all parts, without duplicates: parts fetched in parallel set the same session cookie."""
        return list(dict.fromkeys(value for part in self.parts.values() if part for value in part.set_cookies))


def _random(length: int) -> str:
    """So many random characters of `ALPHABET`, uniformly. (Drawn one by one they take 30 us.)"""
    text = b""
    while len(text) < length:
        text += secrets.token_bytes(2 * length).translate(_LETTERS, _TOO_MANY)
    return text[:length].decode()
