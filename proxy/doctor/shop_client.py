"""What `doctor` asks the shop: a page as some visitor gets it, and whether pictures and linked pages are there."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from proxy.doctor.fetched import FetchedPage
from proxy.doctor.pictures import Shown
from proxy.errors import OriginError
from proxy.http.forwarding import CAPABILITY, VIA
from proxy.settings import Settings
from proxy.upstream.asking import ACCEPT
from proxy.upstream.tls import client_tls, no_tls

TIMEOUT_SECONDS = 10.0
"""For a page; and for all pictures, as for all links, together."""
FIELDS = {
    "accept": ACCEPT[1].decode(),
    "accept-encoding": "gzip",
    "user-agent": "tailorbird-doctor",
    "surrogate-capability": CAPABILITY[1].decode(),  # Symfony writes includes for who asks so
    "via": VIA.decode(),  # as we ask for pages: nginx compresses for no proxy unless it is told to
}


@dataclass(frozen=True)
class ShopClient:
    """Asks for the page at `url`, as the shop at the address `public_url` if one is given. Follows no redirects, and
    uses no proxy of the environment's."""

    url: str
    settings: Settings
    public_url: str = ""

    def page(self, cookies: str = "", fields: Mapping[str, str] | None = None) -> FetchedPage:
        """The page, asked for with these cookies and further fields, and little more than `max_page_bytes` of it.
        Raises `OriginError`, also when it takes longer than `TIMEOUT_SECONDS`."""
        sent = FIELDS | self._host_fields | ({"cookie": cookies} if cookies else {}) | dict(fields or {})
        deadline = time.monotonic() + TIMEOUT_SECONDS
        try:
            with self._client() as client, client.stream("GET", self.url, headers=sent, extensions=self._sni) as answer:
                now = time.time()
                body = _read(answer, self.settings.max_page_bytes, deadline)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreachable(self.url, error) from error
        return FetchedPage(
            path=path_of(self.url),
            is_https=self.url.startswith("https:"),
            status=answer.status_code,
            headers=tuple((name.lower(), value) for name, value in answer.headers.raw),
            body=body,
            now=now,
            settings=self.settings,
            seconds=time.time() - now,
            query=urlsplit(self.url).query,
        )

    def shown(self, addresses: Iterable[str]) -> dict[str, Shown]:
        """What these pictures or pages of the shop answer, their bytes unread; without those for which no time is
        left."""
        shown: dict[str, Shown] = {}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        with self._client() as client:
            for address in addresses:
                shown[address] = self._answer(client, urljoin(self.url, address))
                if time.monotonic() > deadline:
                    break
        return shown

    def _answer(self, client: httpx.Client, url: str) -> Shown:
        try:
            with client.stream("GET", url, headers=self._host_fields, extensions=self._sni) as answer:
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Shown(answer.status_code, kind)
        except (httpx.HTTPError, httpx.InvalidURL):
            return Shown(0, "")

    def _client(self) -> httpx.Client:
        return httpx.Client(trust_env=False, verify=self._tls, timeout=TIMEOUT_SECONDS)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once: reading the system's authorities takes longer than most shops take to answer."""
        return client_tls(self.settings)

    @property
    def _sni(self) -> dict[str, str]:
        return {"sni_hostname": self.settings.origin_name} if self.settings.origin_name else {}

    @property
    def _host_fields(self) -> dict[str, str]:
        if not self.public_url:
            return {}
        there = urlsplit(self.public_url)
        return {"host": there.netloc, "x-forwarded-host": there.netloc, "x-forwarded-proto": there.scheme}


def is_web_address(url: str) -> bool:
    """True for http and https with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        return False


def path_of(url: str) -> str:
    """The path, percent-decoded."""
    return unquote(urlsplit(url).path) or "/"


def _read(answer: httpx.Response, most: int, deadline: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes(65_536):
        body += chunk
        if len(body) > most:
            break
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout(f"the body took longer than {TIMEOUT_SECONDS:.0f} s")
    return bytes(body)


def _unreachable(url: str, error: Exception) -> OriginError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return no_tls(cause, f"`{url}`")
        cause = cause.__cause__ or cause.__context__
    help = "is the address right, is the shop up?"
    if isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError)):
        help = "what is there answers in no HTTP that can be read: look at it with `curl -v`"
    return OriginError(f"`{url}` could not be fetched: {error}", reason="unreachable", help=help)
