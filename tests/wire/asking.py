"""Questions as many ask them, put to a site in both ways: looked up step by step, and asked again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from proxy.http.message import HeaderSet, Question, Response
from proxy.http.outgoing import taken_coding
from proxy.rulebook.compile import Publication
from proxy.serve.conversation import in_one_write
from proxy.serve.gateway import Gateway
from proxy.visitors.capture import Capture
from proxy.visitors.journal import Change, Journal
from tests.wire.origin import Origin, always, ok
from tests.wire.site import HTML, PAGE, Site

CLIENT = "192.0.2.7"
OPENED = ((b"user-agent", b"Mozilla/5.0 Chrome/120.0"), (b"accept", b"text/html"), (b"sec-fetch-dest", b"document"))
LONG = (HTML, b"Cache-Control: max-age=31536000")


def asking(*fields: tuple[bytes, bytes], method: bytes = b"GET", path: bytes = b"/") -> Question:
    fields = ((b"host", b"shop.example"), *fields)
    bare = Question(HeaderSet(fields, b"shop.example", "http", "identity"), method, path, b"", None).request({}, CLIENT)
    coding = taken_coding(bare, (b"identity", b"gzip"))
    return Question(HeaderSet(fields, b"shop.example", "http", coding), method, path, b"", None)


def as_sent(answer: bytes | Response | None) -> bytes | None:
    return in_one_write(answer) if isinstance(answer, Response) else answer


def looked_up(site: Site, question: Question, own: dict[bytes, bytes]) -> bytes | None:
    return as_sent(site.gateway.hit(question.request(own, CLIENT), site.now))


def again(site: Site, question: Question, own: dict[bytes, bytes]) -> bytes | None:
    return as_sent(site.gateway.repeat_hit(question, own, CLIENT))


@asynccontextmanager
async def telling(publication: Publication, page: bytes = PAGE, **settings: Any) -> AsyncIterator[Site]:
    """A site whose pages tell what they showed; each is this `page`."""
    async with Origin(always(ok(page, *LONG))) as origin, Site(origin.url, recorded_a_second=0.0, **settings) as site:

        async def tell(change: Change, waits: bool) -> None:
            pass

        journal = Journal(site.store, site.profiles, site.metrics, tell, lambda: site.now, site.settings)
        capture = Capture(journal, site.cookies, site.settings)
        plain = site.gateway
        site.gateway = Gateway(
            site.origins, site.cookies, site.profiles, site.metrics, site.settings,
            publication=publication, clock=lambda: site.now, recorder=site.recorder, capture=capture,
        )  # fmt: skip
        await plain.aclose()
        yield site
