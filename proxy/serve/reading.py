"""Reads an origin's HTML: decodes it, removes what belongs to one visitor, finds its slots, and cuts it.

That takes some milliseconds for 100 KB, so all but quick pages (`reading_speed.py`) are read in a thread, and each page
once when it is stored, or comes again the same or nearly so (`slot_maps.py`). The parser keeps Python's lock: pages are
read one after the other, else the event loop would wait for several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from proxy.httpcache.coding import decoded, is_damaged, page_codings
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.beginning import Bounds
from proxy.page.holes import HoleAt
from proxy.page.includes import says_includes
from proxy.page.json_lists import find_json_lists, find_json_slots
from proxy.page.lists import Lists, find_lists, with_order_stylesheet
from proxy.page.markup import Location, Markup, has_marks
from proxy.page.page_subject import subject_of
from proxy.page.redaction import NotRedacted, nonces_in, redacted, without_nonces
from proxy.page.scan import SlotRange, Uncut, UncutReason, find_slots
from proxy.page.slots import DeclaredSlot
from proxy.page.template import cut_at, cut_json
from proxy.page.tokens import meta_nonce_in, session_in, token_in
from proxy.rulebook.policy import PagePolicy
from proxy.serve.pages import (
    CONTENT_POLICIES,
    DAMAGED,
    GZIP,
    UNREADABLE,
    Entry,
    Page,
    charset_of,
    coding_of,
    is_cut,
    is_html,
    is_json,
    readable,
    without_coding,
)
from proxy.serve.reading_speed import QUICK_BYTES, ReadingSpeed
from proxy.serve.slot_maps import MOST_SEARCHED_BYTES, Comparison, SlotMap, SlotMaps, Version, are_marked
from proxy.settings import Settings

SLOW = "too-many-attributes"
QUICK_CODED_BYTES = 16 * 1024
"""Of a packed page that may be read on the event loop."""

Result = TypeVar("Result")
Cut = tuple[Page, Sequence[str]]
"""A page, and why it, or a list of it, could not be cut."""


class PageReader:
    """Reads pages off the event loop, and counts those that cannot be cut."""

    def __init__(self, metrics: Metrics, settings: Settings, speed: ReadingSpeed | None = None) -> None:
        self._metrics = metrics
        self._max_bytes = settings.max_page_bytes
        self._max_inflation = settings.max_inflation
        self._max_slots = settings.max_slots
        self._slot_maps = SlotMaps()
        self._has_frames = b"zstd" in page_codings(settings)
        self._one_at_a_time = asyncio.Lock()
        self._speed = speed or ReadingSpeed()

    async def read(
        self,
        body: bytes,
        headers: Headers,
        path: bytes,
        declared: Sequence[DeclaredSlot],
        policy: PagePolicy | None = None,
    ) -> Page:
        """A visitor's own page, ready to be filled. Its only holes are its includes."""
        version = self._version(body, headers, path, declared, policy)
        if version is None and is_html(headers):
            plain = await asyncio.to_thread(self._decoded, body, headers, self._max_bytes)
            if plain is not None:
                version = self._version(plain, without_coding(headers), path, declared, policy)
        if (known := self._at_once(version, headers, path, declared, body)) is not None:
            return known
        if version is None:
            return self._counting_doubts(await self._in_thread(self._read, body, headers, path, declared, policy))
        is_studied = version.path.is_to_be_compared
        cut = await self._in_thread(self._read, version.body, without_coding(headers), path, declared, policy)
        compare = await self._in_thread(self._slot_maps.compare, version) if is_studied else None
        return self._remembered(version, cut, compare)

    def read_at_once(self, body: bytes, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot]) -> Page | None:
        """The page, if no policy applies, and it is known or takes less than a millisecond to parse; else None."""
        return self._at_once(self._version(body, headers, path, declared, None), headers, path, declared, body)

    def bounds_of(
        self, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot], policy: PagePolicy | None
    ) -> tuple[Bounds, bool] | None:
        """How much of a page with these fields may be sent before it is whole, and whether the last one at the path had
        slots; None for nothing."""
        if not is_html(headers) or coding_of(headers) not in ("", GZIP):
            return None
        at = self._slot_maps.at(path, charset_of(headers), declared, has_includes=_has_includes(headers, policy))
        return None if at.bounds is None else (at.bounds, at.has_slots)

    def slot_map_of(
        self, body: memoryview, path: bytes, charset: str, declared: Sequence[DeclaredSlot], coding: str = ""
    ) -> tuple[SlotMap, Sequence[int]] | None:
        """As `SlotMaps.find`, for a page without includes; None for one with doubts. In a `coding`, only pages without
        slots are known."""
        found = self._slot_maps.find(self._slot_maps.at(path, charset + coding, declared, has_includes=False), body)
        return None if found is None or found[0].doubts else found

    def unpacked(self, body: memoryview, coding: str) -> memoryview | None:
        """The decoded page, if that takes no more than 0.1 ms; else None."""
        is_quick = coding == GZIP and len(body) <= QUICK_CODED_BYTES
        plain = decoded(bytes(body), b"gzip", QUICK_BYTES, self._max_inflation) if is_quick else None
        return None if plain is None else memoryview(plain)

    def _version(
        self, body: bytes, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot], policy: PagePolicy | None
    ) -> Version | None:
        """The decoded page as a version of its path; None if it is no HTML, or is coded and large."""
        if not is_html(headers):
            return None
        is_quick = not coding_of(headers) or len(body) <= QUICK_CODED_BYTES
        plain = self._decoded(body, headers, QUICK_BYTES) if is_quick else None
        if plain is None:
            return None
        has_includes = _has_includes(headers, policy)
        return Version(self._slot_maps.at(path, charset_of(headers), declared, has_includes=has_includes), plain)

    def _at_once(
        self, version: Version | None, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot], body: bytes
    ) -> Page | None:
        if version is None:
            return None
        if (known := self._slot_maps.get(version)) is not None:
            if known.is_same and not known.template.slots and (coding := coding_of(headers)):
                coded = self._slot_maps.at(path, version.path.charset + coding, declared, has_includes=False)
                self._slot_maps.put(Version(coded, body), known.template, known.doubts)
            return self._counting_doubts((Page(without_coding(headers), version.body, known.template), known.doubts))
        at = version.path
        if not at.is_quick or at.is_to_be_compared or not self._speed.is_quick(version.body):
            return None
        return self._remembered(version, self._read(version.body, without_coding(headers), path, declared, None))

    def _remembered(self, version: Version, cut: Cut, compare: Comparison | None = None) -> Page:
        page, doubts = cut
        version.path.has_slots = page.template is not None and bool(page.template.slots)
        if page.template is not None and page.body is version.body:  # and nothing in it was changed
            self._slot_maps.put(version, page.template, doubts, compare)
        return self._counting_doubts(cut)

    async def read_to_keep(
        self,
        body: bytes,
        headers: Headers,
        path: bytes,
        declared: Sequence[DeclaredSlot],
        policy: PagePolicy | None = None,
    ) -> Page | NotRedacted:
        """The page as it may be stored: redacted and deflated; or why it may not."""
        read = await self._in_thread(self._read_to_keep, body, headers, path, declared, policy)
        return read if isinstance(read, NotRedacted) else await self._deflated(self._counting_doubts(read))

    async def recut(self, entry: Entry, path: bytes, declared: Sequence[DeclaredSlot]) -> Entry | None:
        """The entry cut for other declared slots. None for one with holes, whose places are not known any more."""
        if not is_cut(entry.stored.headers, path, declared):
            return replace(entry, declared=declared, template=None, memo_entry=None)
        if entry.template and entry.template.holes:
            return None
        cut = await self._in_thread(self._read, entry.stored.body, entry.stored.headers, path, declared, None)
        page = await self._deflated(self._counting_doubts(cut))
        return replace(entry, declared=declared, template=page.template, is_as_came=False, memo_entry=None)

    async def _in_thread(self, work: Callable[..., Result], *what: object) -> Result:
        async with self._one_at_a_time:
            return await asyncio.to_thread(work, *what)

    async def _deflated(self, page: Page) -> Page:
        if page.template is not None:
            await asyncio.to_thread(page.template.deflate, has_frames=self._has_frames)
        return page

    # -- in a thread, but for what is read at once

    def _read(
        self, body: bytes, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot], policy: PagePolicy | None
    ) -> Cut:
        begun = self._speed.clock()
        plain = self._decoded(body, headers, self._max_bytes)
        if plain is None:
            return Page(headers, body, None), (UNREADABLE,)
        if is_json(headers):
            return self._cut_json(plain, headers, path, declared)
        page, has_includes = Markup(plain, charset_of(headers)), _has_includes(headers, policy)
        is_large = len(plain) > MOST_SEARCHED_BYTES  # or it was searched before
        is_plain = is_large and not has_includes and are_marked(path, declared) and not has_marks(plain, page.charset)
        if is_plain or page.is_slow:
            return Page(without_coding(headers), plain, cut_at(plain, ())), () if is_plain else (SLOW,)
        page = with_order_stylesheet(page, path=readable(path), declared=declared)
        made = redacted(page, (), has_includes=has_includes)
        if isinstance(made, NotRedacted):
            read, doubts = self._cut(page, (), headers, path, declared)
            return read, list(dict.fromkeys((*doubts, made.reason)))
        read, doubts = self._cut(page.of(made.body), made.holes, headers, path, declared)
        if read.template is not None and read.template.slots:
            self._speed.learn(plain, self._speed.clock() - begun)
        return replace(read, is_edited=True) if made.body is not page.body else read, doubts

    def _read_to_keep(
        self, body: bytes, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot], policy: PagePolicy | None
    ) -> Cut | NotRedacted:
        plain = self._decoded(body, headers, self._max_bytes)
        if plain is None:
            return NotRedacted(DAMAGED if is_damaged(body, coding_of(headers).strip().encode()) else UNREADABLE)
        if is_json(headers):
            return self._cut_json(plain, headers, path, declared)
        page, holes = Markup(plain, charset_of(headers)), policy.holes if policy else ()
        if page.is_slow:
            return NotRedacted(SLOW)
        page = with_order_stylesheet(page, path=readable(path), declared=declared)
        made = redacted(page, holes, has_includes=_has_includes(headers, policy))
        if isinstance(made, NotRedacted):
            return made
        page, head = page.of(made.body), redacted_head(headers, policy)
        return secret_in(page, headers, policy) or self._cut(page, made.holes, head, path, declared)

    def _decoded(self, body: bytes, headers: Headers, most_bytes: int) -> bytes | None:
        coding = b",".join([value for name, value in headers if name == b"content-encoding"])
        return decoded(body, coding.strip().lower(), most_bytes, self._max_inflation)

    def _cut(
        self, page: Markup, holes: Sequence[HoleAt], headers: Headers, path: bytes, declared: Sequence[DeclaredSlot]
    ) -> Cut:
        where = readable(path)
        said = subject_of(page)  # before the slots, whose search takes the tree
        slots = find_slots(page, path=where, declared=declared, max_slots=self._max_slots, names_slot=False)
        lists = Lists()
        if not isinstance(slots, Uncut) or slots.reason is UncutReason.NO_SLOTS:
            taken = () if isinstance(slots, Uncut) else slots
            lists = find_lists(page, path=where, declared=declared, taken=taken)
        template = cut_at(page.body, () if isinstance(slots, Uncut) else slots, holes, lists.found, said)
        return Page(without_coding(headers), page.body, template), _doubts(slots, lists)

    def _cut_json(self, plain: bytes, headers: Headers, path: bytes, declared: Sequence[DeclaredSlot]) -> Cut:
        where, lists = readable(path), Lists()
        slots = find_json_slots(plain, path=where, declared=declared, max_slots=self._max_slots)
        taken = () if isinstance(slots, Uncut) else slots
        if not isinstance(slots, Uncut) or slots.reason is UncutReason.NO_SLOTS:
            lists = find_json_lists(plain, path=where, declared=declared, taken=taken)
        return Page(without_coding(headers), plain, cut_json(plain, taken, lists.found)), _doubts(slots, lists)

    def _counting_doubts(self, cut: Cut) -> Page:
        page, doubts = cut
        for doubt in doubts:
            self._metrics.count("tailorbird_page_passthrough_total", "reason", doubt)
        return page


def _doubts(slots: tuple[SlotRange, ...] | Uncut, lists: Lists) -> list[str]:
    """Why the page is not cut, and why lists of it are left as they are."""
    of_page = [slots.reason] if isinstance(slots, Uncut) and slots.reason is not UncutReason.NO_SLOTS else []
    return [*of_page, *(left.reason for left in lists.left_as_is)]


def redacted_head(headers: Headers, policy: PagePolicy | None) -> Headers:
    """The fields of a page as they are stored: if its nonces are holes, those in the fields are, too."""
    if policy is None or not policy.has_nonce:
        return headers
    return tuple((name, without_nonces(value) if name in CONTENT_POLICIES else value) for name, value in headers)


def _has_includes(headers: Headers, policy: PagePolicy | None) -> bool:
    """Whether the origin's fields or the policy say that the page has includes; the page itself does not count, since
    it may hold what a visitor wrote."""
    is_told = any(name == b"surrogate-control" and says_includes(value) for name, value in headers)
    return is_told or (policy is not None and policy.has_includes)


def secret_in(page: Markup, headers: Headers, policy: PagePolicy | None) -> NotRedacted | None:
    """Why the page must not be shared: a forgery token, session id or nonce that no hole removes."""
    page = page.in_utf8()
    if place := token_in(page):
        return NotRedacted("csrf-token", place)
    if place := session_in(page.body, [value for name, value in headers if name == b"set-cookie"]):
        return NotRedacted("session-id", place)
    if place := meta_nonce_in(page):
        return NotRedacted("csp-nonce", place)
    nonces = frozenset[bytes]().union(*(nonces_in(value) for name, value in headers if name in CONTENT_POLICIES))
    if nonces and not (policy and policy.has_nonce):
        return NotRedacted("csp-nonce", Location("Content-Security-Policy"))
    for nonce in nonces:
        if (at := page.body.find(nonce)) >= 0:
            return NotRedacted("csp-nonce", Location("the page", line=page.body.count(b"\n", 0, at) + 1))
    return None
