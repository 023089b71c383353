"""Preview links: `?__tb=TOKEN` shows one draft as one persona at one time, on the real site.

A token is signed with the shop's key for this purpose alone, and holds for an hour at most. Opening the link puts it
into a cookie and leads on to the page's own address, so that it sticks to the links one follows and never stands in an
address that a page's scripts or other sites see. `?__tb=off` ends it. Tokens that are forged, expired or sent twice are
as if they were not there, and none ever reaches the shop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from proxy.errors import UNDECODABLE, OperatorError, RequestError
from proxy.http.authority import address_of, coded, valid_host
from proxy.http.message import Request, Response, cookies_named
from proxy.visitors.persona import Persona
from proxy.visitors.signing import Keyring

PURPOSE = b"tailorbird preview v1"
LONGEST_SECONDS = 3_600
MAX_BYTES = 3_000
"""A cookie may have 4 kB with its name and flags."""
PARAMETER = b"__tb="
PREVIEWS = b"tb_p="
"""How the name of its cookie ends, whatever goes before."""
OFF = b"off"
PATHS = "; its path is enough once TAILORBIRD_SHOP_URL says where the shop is"


class Preview(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token says: until `exp` (Unix seconds) the state `draft` of the rules ("": what is live, else as
    `Drafts.get` takes it) is shown to `persona`."""

    exp: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
    draft: str = ""
    persona: Persona = Persona()


class Tokens:
    """Signs and reads tokens. In the demo, on plain http, the cookie has no `__Host-` prefix. Where the shop's address
    is known (`shop_url`), a path is enough to say which page a link opens. Where its `hosts` are, a link leads to no
    other: somebody may have sent an editor a link to the form, with a page of their own filled in."""

    def __init__(self, secret: str, *, is_demo: bool = False, shop_url: str = "", hosts: tuple[str, ...] = ()) -> None:
        self._keys = Keyring(secret)
        self._hosts = hosts
        self.shop_url = str(address_of(shop_url, "shop_url")) if shop_url else ""
        self._cookie = PREVIEWS if is_demo else b"__Host-" + PREVIEWS
        self._flags = b"; Path=/; HttpOnly; SameSite=Lax" + (b"" if is_demo else b"; Secure")

    def link(self, page: str, preview: Preview) -> str:
        """The address that shows a page, by its address or path, as a preview has it. Raises `RequestError` for what is
        neither, `OperatorError` when the preview does not fit."""
        is_path = page.startswith("/") and not page.startswith(("//", "/\\"))
        try:
            parts = urlsplit(self.shop_url + page if is_path else page)
        except ValueError:  # as `http://[`
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            help = "write it like https://shop.example/sale"
            raise RequestError(f"`{page}` is not the whole address of a page", help=f"{help}{PATHS * is_path}")
        if self._hosts and not is_path:
            self._must_be_the_shops(parts.netloc)
        query = f"{parts.query}&__tb={self.token(preview).decode()}".lstrip("&")
        return parts._replace(query=query, path=parts.path or "/").geturl()

    def _must_be_the_shops(self, host: str) -> None:
        try:
            valid_host((host if host.isascii() else coded(host)).encode(), self._hosts)
        except (RequestError, ValueError):
            help = "TAILORBIRD_ALLOWED_HOSTS names those that are"
            raise RequestError(f"`{host}` is no host of the shop", help=help) from None

    def token(self, preview: Preview) -> bytes:
        """The signed token. Raises `OperatorError` when it does not fit into a cookie."""
        token = self._keys.sign(PURPOSE, msgspec.json.encode(preview))
        if len(token) > MAX_BYTES:
            raise OperatorError(f"the link would be {len(token)} bytes long", help="say less of the visitor")
        return token

    def concerns(self, request: Request) -> bool:
        """Whether a request may have a token. Called for every request, so it only looks for the names."""
        return self.is_in(request.cookies) or self.is_opened(request)

    def is_in(self, cookies: bytes) -> bool:
        """Whether these cookies may have a token."""
        return cookies.find(self._cookie) >= 0

    def is_opened(self, request: Request) -> bool:
        """Whether the request opens or ends a preview."""
        return request.query.find(PARAMETER) >= 0  # quicker than `in`, which first asks whether bytes are a number

    def preview_in(self, request: Request, now: float) -> Preview | None:
        """The preview of the request's cookie, if it is genuine."""
        found = cookies_named(self._cookie, request.cookies)
        return self._read(found[0], now) if len(found) == 1 else None

    def opened(self, request: Request, now: float) -> Response | None:
        """The redirect from a link to its page, which sets the cookie, or deletes it. None when the token is not
        genuine."""
        found = _tokens(request)
        if len(set(found)) != 1:
            return None
        if found[0] == OFF:
            return self._lead_on(request, self._cookie + self._flags + b"; Max-Age=0")
        preview = self._read(found[0], now)
        if preview is None:
            return None
        kept = self._cookie + found[0] + self._flags + b"; Max-Age=%d" % max(1, preview.exp - now)
        return self._lead_on(request, kept)

    def _read(self, token: bytes, now: float) -> Preview | None:
        payload = self._keys.open(PURPOSE, token) if 0 < len(token) <= MAX_BYTES else None
        if payload is None:
            return None
        try:
            preview = msgspec.json.decode(payload, type=Preview)
        except UNDECODABLE:
            return None
        return preview if now < preview.exp <= now + LONGEST_SECONDS else None

    def _lead_on(self, request: Request, cookie: bytes) -> Response:
        # One slash: two would lead to another site, and so would what browsers take for a second one.
        target = b"/" + without_token(request).target.lstrip(b"/\\")
        fields = ((b"location", target), (b"set-cookie", cookie), (b"referrer-policy", b"no-referrer"))
        return Response(303, (*fields, *NEVER_KEPT, (b"content-length", b"0")))


NEVER_KEPT = ((b"cache-control", b"private, no-store"), (b"x-robots-tag", b"noindex, nofollow"))


def without_token(request: Request) -> Request:
    """The request without the token in its address."""
    pairs = request.query.split(b"&")
    return replace(request, query=b"&".join(pair for pair in pairs if not pair.startswith(PARAMETER)))


def _tokens(request: Request) -> list[bytes]:
    return [pair[len(PARAMETER) :] for pair in request.query.split(b"&") if pair.startswith(PARAMETER)]
