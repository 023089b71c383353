"""Pages: what is read from an origin's HTML (by `reading.py`), and what the cache holds of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from urllib.parse import unquote_to_bytes

from proxy.http.message import Response
from proxy.http.outgoing import Lead
from proxy.httpcache.coding import decoded
from proxy.httpcache.key import Varying
from proxy.httpcache.purge import tags_of
from proxy.httpcache.stored import StoredResponse, cache_control
from proxy.model import Headers
from proxy.page.piece import SHORT, TABLE_BYTES, Piece
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.rulebook.policy import PagePolicy
from proxy.serve.page_memo import PageMemoEntry
from proxy.serve.precompression import Precompressed, precompressible
from proxy.settings import Settings

_PIECE_BYTES = 700
"""What a piece costs beside its bytes. Measured."""


UNREADABLE = "coding"
"""Why a page cannot be read: its content coding is unknown, or would grow too much."""
DAMAGED = "damaged"
"""Why else: what is in its content coding breaks off, or was changed on its way."""

CONTENT_POLICIES = frozenset({b"content-security-policy", b"content-security-policy-report-only"})
_READ_BY = CONTENT_POLICIES | {b"content-type", b"content-encoding", b"surrogate-control"}


@dataclass(frozen=True, slots=True)
class Page:
    """HTML without content coding. `template` is None when the coding could not be undone; a page without slots, or
    with doubtful ones, is a template of one piece. `is_edited`: the body is not the origin's any more."""

    headers: Headers
    body: bytes
    template: Template | None
    is_edited: bool = False

    @property
    def is_left(self) -> bool:
        """Whether a visitor's own page is passed on as it came."""
        return self.template is None or not (self.template.slots or self.is_edited)


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored answer.

    * `template`: the cut page, None when the answer is no page; `declared`: the slots it was cut at. With others it has
      to be cut again.
    * `policy`: the operator's policy it was kept by; `needless`: the Set-Cookie values that were left out.
    * `is_as_came`: the stored body is the origin's, byte for byte.
    * `packed`: a text that is no page, in the codings made so far.
    * `memo_entry`: what a page with slots was shown as, None for one with holes. It is of one template: it goes with
      that.
    * `lead`: the fields of our answer, of a page with slots.
    * `fresh_until`: Unix seconds until which it may be given without asking the origin.
    """

    stored: StoredResponse
    varying: Varying
    declared: Sequence[DeclaredSlot]
    template: Template | None = None
    policy: PagePolicy | None = None
    needless: tuple[bytes, ...] = ()
    is_as_came: bool = False
    packed: Precompressed | None = None
    memo_entry: PageMemoEntry | None = None
    lead: Lead | None = field(init=False, default=None)
    fresh_until: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        stored = self.stored
        left = stored.lifetime - stored.initial_age
        may_be_fresh = left > 0 and not stored.directives.no_cache
        object.__setattr__(self, "fresh_until", stored.received_at + left if may_be_fresh else -inf)
        if self.template is None and (self.packed is None or self.packed.body is not stored.body):
            object.__setattr__(self, "packed", precompressible(stored))
        if self.has_slots:
            object.__setattr__(self, "lead", Lead(stored.headers))
            has_holes = self.template is not None and bool(self.template.holes)
            object.__setattr__(self, "memo_entry", None if has_holes else self.memo_entry or PageMemoEntry())

    @property
    def has_slots(self) -> bool:
        """True for a page that is filled for each visitor."""
        return self.template is not None and bool(self.template.slots)

    def piece_of(self, answer: Response) -> Piece | None:
        """The page in one piece, deflated already, when that is what the answer gives."""
        if self.template is None or self.has_slots or answer.status != 200 or len(answer.chunks) != 1:
            return None
        piece = self.template.statics[0]
        return piece if answer.chunks[0] is piece.plain else None

    def read_again(
        self, body: bytes, headers: Headers, declared: Sequence[DeclaredSlot], policy: PagePolicy | None
    ) -> Page | None:
        """The page, if the origin sent the same again, with the same fields that it is read by: cut and packed as it is
        kept, since to read it would give the same. None for another."""
        is_same = self.is_as_came and self.declared is declared and self.policy is policy and self.stored.body == body
        has_nonce = policy is not None and policy.has_nonce  # which is looked for in the page
        if not is_same or has_nonce or _read_by(headers) != _read_by(self.stored.headers):
            return None
        return Page(tuple(field for field in headers if field[0] != b"content-length"), body, self.template)

    def expired(self, now: float) -> Entry:
        """The same, stale from now on."""
        return replace(self, stored=self.stored.made_stale(now))

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
    return piece.size + piece.coded_bytes + _PIECE_BYTES + (TABLE_BYTES if piece.size > SHORT else 0)


def _read_by(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [field for field in headers if field[0] in _READ_BY]


def is_page(headers: Headers) -> bool:
    """True for HTML that may be changed on its way (RFC 9111 5.2.2.6: `no-transform`)."""
    return is_html(headers) and not cache_control(headers).no_transform


def is_json(headers: Headers) -> bool:
    """True for JSON."""
    kind = content_type_of(headers).partition(b";")[0].strip()
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def has_json_slots(path: bytes, declared: Iterable[DeclaredSlot]) -> bool:
    """Whether a JSON answer at that path, in wire form, may have slots."""
    placed = [slot for slot in declared if slot.json]
    where = readable(path) if placed else ""
    return any(slot.is_on(where) for slot in placed)


def readable(path: bytes) -> str:
    """A path in wire form as slots are declared by."""
    return unquote_to_bytes(path).decode("utf-8", "replace")


def is_cut(headers: Headers, path: bytes, declared: Iterable[DeclaredSlot]) -> bool:
    """True for what is read whole and cut at its slots: a page, or JSON that an operator says has some."""
    if is_page(headers):
        return True
    return is_json(headers) and not cache_control(headers).no_transform and has_json_slots(path, declared)


def is_html(headers: Headers) -> bool:
    """True for HTML."""
    return content_type_of(headers).partition(b";")[0].strip() == b"text/html"


def content_type_of(headers: Headers) -> bytes:
    """In lower case; empty when there is none."""
    return next((value for name, value in headers if name == b"content-type"), b"").lower()


def charset_of(headers: Headers) -> str:
    """As the Content-Type says; "" when it does not."""
    named = content_type_of(headers).partition(b"charset=")[2].partition(b";")[0]
    return named.strip(b" \t\"'").decode("latin-1")


GZIP = "\ngzip"
"""As `coding_of` says it."""


def coding_of(headers: Headers) -> str:
    """What tells pages in one coding from those in another, and in none: that is ""."""
    return "".join("\n" + value.decode("latin-1").lower() for name, value in headers if name == b"content-encoding")


def is_coded(told: str) -> bool:
    """Whether `told`, the charset of a page and what `coding_of` says of it, names a coding."""
    return "\n" in told


def without_coding(headers: Headers) -> Headers:
    """The fields of a page whose coding was undone."""
    return tuple(field for field in headers if field[0] not in (b"content-encoding", b"content-length"))


def may_hold(body: bytes, headers: Headers, words: Sequence[bytes], settings: Settings) -> bool:
    """Whether one of these words stands in an answer, or it cannot be decoded to see."""
    coding = b",".join([value for name, value in headers if name == b"content-encoding"]).strip().lower()
    plain = decoded(body, coding, settings.max_stored_bytes, settings.max_inflation)
    return plain is None or any(word in plain for word in words)
