"""A gateway as a test wants it: real cookies, profiles in a real store, real origins; the clock is the test's.

async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=published(rule)) as site:
    answer = await site.get(b"/", site.visitor("anna", "vip"))
"""

from __future__ import annotations

import asyncio
import gzip
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from proxy.decide.plan import compile_plan
from proxy.http.message import Request, Response
from proxy.metrics import Metrics
from proxy.model import EVERYBODY, Condition, Fact, Headers, OneOf, Profile, Rule
from proxy.page.fragments import Wrapper, banner
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.compile import Publication
from proxy.serve.accesslog import AccessLog
from proxy.serve.gateway import Gateway
from proxy.settings import Settings
from proxy.stores import open_store
from proxy.upstream.origins import Origins
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Recorder
from proxy.visitors.visitor import Cookies
from tests.wire.origin import Script, Seen, Wire
from tests.wire.patience import WAITS

NOON = 1_795_435_200.0
"""When a site's clock stands still at first: 23 November 2026, 12:00."""

SECRET = "a-secret-for-tests-long-enough"
HTML = b"Content-Type: text/html; charset=utf-8"
SHARED = (HTML, b"Cache-Control: max-age=60", b'ETag: "page-1"')
PAGE = b'<!doctype html>\r\n<DIV class=x data-slot="home.hero">the default</DIV>\r\n<main>the rest</main>'


def shown(title: str, slot: str = "home.hero", when: Condition = EVERYBODY, order: int = 0) -> tuple[Rule, str]:
    """A rule that shows a banner, and the banner's title."""
    return Rule(f"rule {order}", slot, when, variant=f"variant {order}", order=order), title


def in_segment(name: str) -> Fact:
    """The visitor is in this segment."""
    return Fact("segment", OneOf(frozenset({name})))


def published(*rows: tuple[Rule, str], declared: Iterable[DeclaredSlot] = ()) -> Publication:
    """The publication of these rules and banners."""
    rules = tuple(rule for rule, _ in rows)
    fragments = {rule.variant: banner(Wrapper(rule.name), title=title) for rule, title in rows}
    return Publication("v1", compile_plan(rules), fragments, tuple(declared), rules, (), ())


def answering(say: Callable[[Seen], bytes | Awaitable[bytes]]) -> Script:
    """Answers each request with what `say` makes of it, now or later, and keeps the connection."""

    async def script(wire: Wire) -> None:
        while True:
            answer = say(await wire.request())
            await wire.send(answer if isinstance(answer, bytes) else await answer)

    return script


async def eventually(holds: Callable[[], bool]) -> None:
    """Lets what is under way go on until the condition holds; not as long as until some deadline of ours would help."""
    async with asyncio.timeout(9):
        while not holds():
            await asyncio.sleep(0)


@dataclass
class Got:
    """An answer, its body read and without gzip. `wire_length` is that of the body as sent."""

    status: int
    headers: Headers
    body: bytes
    wire_length: int

    def __getitem__(self, name: str) -> str:
        """The values of the field, joined by a comma; "" when absent."""
        return ", ".join(value.decode() for key, value in self.headers if key == name.encode())


class Site:
    """The gateway of an `async with`, before the origins of `rows`. `now` is the time; settings as given."""

    def __init__(self, *rows: str, publication: Publication | None = None, **settings: Any) -> None:
        settings = {"visitor_cookie": "off", **WAITS, **settings}
        self._folder = tempfile.TemporaryDirectory()
        self.settings = Settings(origin=rows, secret=SECRET, store=f"sqlite:{self._folder.name}/store.db", **settings)
        self.now = NOON
        self.metrics = Metrics()
        self.cookies = Cookies.from_settings(self.settings, is_demo=True)
        self.store = open_store(self.settings.store, self.settings)
        self.profiles = ProfileReader(self.store, self.metrics, settings=self.settings)
        self.origins = Origins(rows, self.settings)
        self.recorder = Recorder(self.settings.recorded_a_second)
        self.accesslog = AccessLog.of(self.settings, self.metrics, lambda: self.now)
        self.gateway = Gateway(
            self.origins,
            self.cookies,
            self.profiles,
            self.metrics,
            self.settings,
            publication=publication or published(),
            clock=lambda: self.now,
            recorder=self.recorder,
            accesslog=self.accesslog,
        )

    async def __aenter__(self) -> Site:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.accesslog is not None:
            await self.accesslog.aclose()
        await self.gateway.aclose()
        await self.profiles.aclose()
        await self.origins.aclose()
        await self.store.aclose()
        self._folder.cleanup()

    def visitor(self, visitor_id: str, *segments: str) -> tuple[bytes, bytes]:
        """The Cookie field of this visitor, with these segments vouched for."""
        pairs = [self.cookies.visitor_pair(visitor_id, NOON - 86_400)]
        if segments:
            pairs.append(self.cookies.segments_pair(visitor_id, segments, self.now))
        return b"cookie", b"; ".join(pairs)

    async def remember(self, visitor_id: str, **attributes: str | float) -> None:
        """Puts a profile into the store."""
        await self.store.put_profiles([Profile(visitor_id, attributes, updated_at=NOON)])

    def request(self, path: bytes, *headers: tuple[bytes, bytes], method: bytes = b"GET") -> Request:
        """As the application would hand it to the gateway."""
        path, _, query = path.partition(b"?")
        return Request(method, path, query, b"shop.example", headers, client="192.0.2.7")

    async def get(self, path: bytes, *headers: tuple[bytes, bytes], method: bytes = b"GET") -> Got:
        """Asks, and reads the whole answer."""
        request = self.request(path, *headers, method=method)
        return await read(self.gateway.hit(request, self.now) or await self.gateway.page(request, self.now))


async def read(response: Response) -> Got:
    """The whole answer. A stream that breaks off raises."""
    body = b"".join(response.chunks)
    if response.stream is not None:
        try:
            body = b"".join([chunk async for chunk in response.stream])
        finally:
            await response.stream.aclose()  # type: ignore[attr-defined]
    length = len(body)
    if (b"content-encoding", b"gzip") in response.headers and body:
        body = gzip.decompress(body)
    return Got(response.status, response.headers, body, length)
