"""Pages: what is read from an origin's HTML, and what the cache holds of it.

Reading a page (undoing its coding, finding its slots, deflating its parts) takes milliseconds, so it is done in a
thread, and once for each page that is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from urllib.parse import unquote_to_bytes

from proxy.httpcache.coding import inflated
from proxy.httpcache.key import Varying
from proxy.httpcache.purge import tags_of
from proxy.httpcache.stored import StoredResponse
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.piece import AFFINE_BYTES, SHORT, Piece
from proxy.page.scan import Doubt
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template, Uncut, cut
from proxy.serve.outgoing import Lead
from proxy.serve.recall import Recalled
from proxy.settings import Settings

_PIECE_BYTES = 700
"""What a piece costs beside its bytes. Measured."""


@dataclass(frozen=True, slots=True)
class Page:
    """HTML without content coding. `template` is None when its coding could not be undone; of a page without slots, or
    with doubtful ones, it is one piece."""

    headers: Headers
    body: bytes
    template: Template | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored answer; `template` is None for what is no page. `declared` are the slots it was cut with: others mean
    that it must be cut again. A page that is filled has a `lead`, the fields above it, and what it was shown as is
    `recalled`. `fresh_until` is the time up to which it may be given unasked."""

    stored: StoredResponse
    varying: Varying
    declared: Sequence[DeclaredSlot]
    template: Template | None = None
    lead: Lead | None = field(init=False, default=None)
    recalled: Recalled | None = field(init=False, default=None)
    fresh_until: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        stored = self.stored
        left = stored.lifetime - stored.initial_age
        may_be_fresh = left > 0 and not stored.directives.no_cache
        object.__setattr__(self, "fresh_until", stored.received_at + left if may_be_fresh else -inf)
        if self.has_slots:
            object.__setattr__(self, "lead", Lead(stored.headers))
            object.__setattr__(self, "recalled", Recalled())

    @property
    def has_slots(self) -> bool:
        """True for a page that is filled for each visitor."""
        return self.template is not None and bool(self.template.slots)

    def expired(self, now: float) -> Entry:
        """The same, stale from now on."""
        return replace(self, stored=self.stored.expired(now))

    @property
    def tags(self) -> frozenset[bytes]:
        """What the origin calls it, to purge it by."""
        return tags_of(self.stored.headers)

    @property
    def size(self) -> int:
        """Bytes of memory, about: a template holds its pieces plain and deflated, beside the body itself."""
        pieces = (*self.template.statics, *self.template.defaults) if self.template else ()
        return self.stored.size + sum(map(_size, pieces))


def _size(piece: Piece) -> int:
    return piece.size + len(piece.deflated) + _PIECE_BYTES + (AFFINE_BYTES if piece.size > SHORT else 0)


def is_page(headers: Headers) -> bool:
    """True for HTML that may be changed on its way (RFC 9111 5.2.2.6: `no-transform`)."""
    media_type = _content_type(headers).partition(b";")[0].strip()
    return media_type == b"text/html" and not any(
        name == b"cache-control" and b"no-transform" in value.lower() for name, value in headers
    )


class PageReader:
    """Reads pages off the event loop, and counts those that cannot be cut."""

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        self._metrics = metrics
        self._max_bytes = settings.max_page_bytes
        self._max_slots = settings.max_slots

    async def read(
        self, body: bytes, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot], *, is_kept: bool
    ) -> Page:
        """The page, ready to be filled. One that `is_kept` is deflated too."""
        page, doubt = await asyncio.to_thread(self._read, body, headers, path, declared, is_kept)
        if doubt not in ("", Doubt.NO_SLOTS):
            self._metrics.count("tailorbird_page_passthrough_total", "reason", doubt)
        return page

    async def recut(self, entry: Entry, path: bytes, declared: Sequence[DeclaredSlot]) -> Entry:
        """The entry for other declared slots."""
        if not is_page(entry.stored.headers):
            return replace(entry, declared=declared)
        page = await self.read(entry.stored.body, entry.stored.headers, path, declared, is_kept=True)
        return replace(entry, declared=declared, template=page.template)

    def _read(
        self, body: bytes, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot], is_kept: bool
    ) -> tuple[Page, str]:
        coding = b",".join(value for name, value in headers if name == b"content-encoding").strip().lower()
        plain = inflated(body, coding, self._max_bytes)
        if plain is None:
            return Page(headers, body, None), "coding"
        found = cut(
            plain,
            path=unquote_to_bytes(path).decode("utf-8", "replace"),
            charset=_charset(headers),
            declared=declared,
            max_slots=self._max_slots,
        )
        template = Template((), (Piece(plain),), ()) if isinstance(found, Uncut) else found
        if is_kept:
            template.deflate()
        decoded = tuple(field for field in headers if field[0] not in (b"content-encoding", b"content-length"))
        return Page(decoded, plain, template), found.reason if isinstance(found, Uncut) else ""


def _content_type(headers: Headers) -> bytes:
    return next((value for name, value in headers if name == b"content-type"), b"").lower()


def _charset(headers: Headers) -> str:
    """As the Content-Type says; "" when it does not."""
    named = _content_type(headers).partition(b"charset=")[2].partition(b";")[0]
    return named.strip(b" \t\"'").decode("latin-1")
