"""Pages that are not stored but are known: the same page came before, byte for byte or with other words. They are cut
where they were cut then, and filled at once, if nothing about them or their visitor has to be waited for.

What follows from an answer's head shape (`upstream/head_shapes.py`) is worked out once for each shape: whether it is a
page, its charset, the fields of our answer. Its law: the answer is the one that `Own` would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from proxy.http.message import Question
from proxy.http.outgoing import forbids_storing, personal_head
from proxy.httpcache.coding import accepts_gzip
from proxy.metrics import Metrics
from proxy.model import HeadShape
from proxy.page.encode import Coding, gzipped, header_lines
from proxy.page.slots import DeclaredSlot
from proxy.serve.pages import charset_of, coding_of, is_page
from proxy.serve.quick_turn import QuickTurn
from proxy.serve.reading import PageReader
from proxy.serve.showing import Showing
from proxy.serve.slot_fills import FillCache
from proxy.serve.slot_maps import SlotMap
from proxy.settings import Settings
from proxy.upstream.plain import Plain
from proxy.visitors.capture import Capture


class Pages(NamedTuple):
    """What the pages of one head shape have in common: charset and coding; the fields of our answer without slots
    (`untouched`) and with slots (`filled`), except Cache-Status; and whether the latter has an ETag of ours."""

    charset: str
    coding: str
    untouched: HeadShape
    filled: HeadShape
    is_tagged: bool


def pages_of(shape: HeadShape) -> Pages | None:
    """What pages of this shape have in common; None if its answers are not whole pages. The shape has the fields as
    they are passed on."""
    headers = shape.headers()
    if shape.status != 200 or not is_page(headers) or b"surrogate-control" in dict(headers):
        return None
    personal, is_tagged = shape.transformed(personal_head), not forbids_storing(headers)
    return Pages(charset_of(headers), coding_of(headers), shape, personal, is_tagged)


class KnownPages:
    """Cuts and fills known pages. `declared` returns the slots declared at present; `clock` gives Unix seconds."""

    def __init__(
        self,
        showing: Showing,
        reader: PageReader,
        capture: Capture,
        declared: Callable[[], Sequence[DeclaredSlot]],
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._showing = showing
        self._fills = FillCache(showing, metrics)
        self._reader = reader
        self._capture = capture
        self._declared = declared
        self._untouched = metrics.tally("tailorbird_requests_total", "result", "bypass")
        self._most_bytes = settings.max_page_bytes
        self._clock = clock

    def try_answer(self, turn: QuickTurn, pages: Pages, head: Plain, line: bytes, body: memoryview) -> bool:
        """True when the page was written to the client; `line` is its Cache-Status."""
        question, own, client = turn.question, turn.own, turn.client
        if len(body) > self._most_bytes or b"if-none-match" in own:
            return False
        plain, found = self._found(body, question, pages)
        if found is None:
            return False
        (slot_map, shifts), now = found, self._clock()
        if not slot_map.slots:
            self._untouched.count += 1
            self._capture.note_passed(now, question, slot_map.about, own, client.address)
            client.write_whole(turn, 200, pages.untouched.lines(head.values) + line + head.sized(body), body)
            return True
        fills, cookie_line = self._fills.repeat(slot_map, question, own, now), b""
        if fills is None:
            request = question.request(own, client.address)
            who = self._showing.recognise(slot_map, request, now)
            if who is None:
                return False
            fills = self._fills.of(slot_map, request, who, now)
            cookie_line = b"" if who.set_cookie is None else b"set-cookie: %b\r\n" % who.set_cookie
        key = self._showing.filling.key if pages.is_tagged else None
        chunks, etag = slot_map.filled(plain, shifts, fills.contents, key)
        coding: Coding = "identity" if plain is body else "gzip"
        chunks = chunks if plain is body else [gzipped(chunks)]
        lines = header_lines(etag, coding, sum(map(len, chunks)))
        client.write_whole(turn, 200, pages.filled.lines(head.values) + line + lines + cookie_line, *chunks)
        return True

    def _found(
        self, body: memoryview, question: Question, pages: Pages
    ) -> tuple[memoryview, tuple[SlotMap, Sequence[int]] | None]:
        """The page, decoded if necessary, and where its slots are; None if it is not known."""
        found = self._reader.slot_map_of(body, question.path, pages.charset, self._declared(), pages.coding)
        if found is not None or not pages.coding or not _takes_gzip(question):
            return body, found
        plain = self._reader.unpacked(body, pages.coding)
        if plain is None:
            return body, None
        return plain, self._reader.slot_map_of(plain, question.path, pages.charset, self._declared())


@lru_cache(maxsize=2_048)
def _takes_gzip(question: Question) -> bool:
    return accepts_gzip(b",".join([value for name, value in question.fields if name == b"accept-encoding"]))
