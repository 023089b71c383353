"""Habits: the fields that a browser sends with each request alike, read and judged once.

Between two requests of a browser only the request line, the cookies and the page one comes from differ. Cut out of the
bytes, they leave what was seen before, byte for byte: a *habit*, whose fields need not be told apart and judged again.
So a request that is nothing but a known habit with a usual line, cookies and a referer is found by two look-ups.

Its law: the quick reading gives what the ordinary one gives, or nothing. Whatever is unusual (a body, an upgrade, a
condition on the connection, a field twice) is no habit. And what was cut out is not taken on trust: the same parser
reads the whole head again, strictly, only without handing out its fields (a microsecond for 2.7 KB; with them, 12).
"""

from __future__ import annotations

import re
from typing import Any

import httptools

from proxy.errors import RequestError
from proxy.http.client import is_trusted, networks
from proxy.http.incoming import Incoming
from proxy.http.message import Habit, Request
from proxy.http.outgoing import taken_coding
from proxy.httpcache.key import normalised
from proxy.settings import Settings

MOST_HABITS = 2_000
MOST_LINES = 10_000
LONGEST_LINE = 2_000

_LINE = re.compile(rb"(GET|HEAD) (/[!\"$-~]*) HTTP/1\.1")
_COOKIE, _REFERER = b"\r\nCookie: ", b"\r\nReferer: "
_BLANKS = frozenset((b" ", b"\t"))
_END = b"\r\n\r\n"
_UNUSUAL = frozenset(
    b"cookie referer content-length transfer-encoding expect upgrade if-match if-unmodified-since".split()
)

_Known = dict[bytes, Habit | None]


class Habits:
    """What one worker has learned of its clients."""

    def __init__(self, incoming: Incoming, settings: Settings) -> None:
        self._incoming = incoming
        self._trusted = networks(settings.trusted_proxies)
        self._most_fields = settings.max_fields
        self._longest = min(settings.max_request_line_bytes, settings.max_field_bytes, settings.max_head_bytes)
        self._by_origin: dict[tuple[str, bool], _Known] = {}
        self._lines: dict[bytes, tuple[bytes, bytes, bytes]] = {}
        self._whole = _Whole()

    def of(self, peer: str, scheme: str) -> Reader:
        """Reads what comes on one connection."""
        # What a habit means depends on whether its Forwarded fields are believed.
        known = self._by_origin.setdefault((scheme, is_trusted(peer, self._trusted)), {})
        return Reader(self, known, peer, scheme)

    def is_whole(self, data: bytes) -> bool:
        """True when the bytes are one request, strictly read."""
        if len(data) > self._longest:
            return False
        if self._whole.is_one(data):
            return True
        self._whole = _Whole()  # it may be in the middle of something
        return False

    def line(self, line: bytes) -> tuple[bytes, bytes, bytes] | None:
        """Method, path and query of a usual request line."""
        known = self._lines.get(line)
        if known is None:
            match = _LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
            if match is None:
                return None
            path, _, query = match[2].partition(b"?")
            if len(self._lines) >= MOST_LINES:
                self._lines.clear()
            known = self._lines[line] = match[1], normalised(path), query
        return known

    def learn(self, known: _Known, rest: bytes, peer: str, scheme: str) -> None:
        """Judges a head without line, cookies and referer, once for all that are like it."""
        if len(known) >= MOST_HABITS:
            known.clear()
        known[rest] = self._judged(rest, peer, scheme)

    def _judged(self, rest: bytes, peer: str, scheme: str) -> Habit | None:
        """The habit; None for what is none."""
        fields = _Fields().read(b"GET / HTTP/1.1" + rest) if rest.find(_END) == len(rest) - len(_END) else None
        if fields is None or len(fields) + 2 > self._most_fields or not _UNUSUAL.isdisjoint(dict(fields)):
            return None
        try:
            request = self._incoming.request(b"GET", b"/", "1.1", fields, peer=peer, scheme=scheme)
        except RequestError:
            return None
        return Habit(request.headers, request.host, request.scheme, taken_coding(request))


class Reader:
    """Reads the requests of one connection by their habits."""

    __slots__ = ("_habits", "_known", "_last", "_peer", "_scheme")

    def __init__(self, habits: Habits, known: _Known, peer: str, scheme: str) -> None:
        self._habits = habits
        self._known = known
        self._peer = peer
        self._scheme = scheme
        self._last = b""

    def read(self, data: bytes) -> Request | None:
        """The request that these bytes are; None when they are none, or one that the ordinary reading is for."""
        end = data.find(b"\r\n")
        cookie_at = data.find(_COOKIE, end)
        if cookie_at < 0:
            cookie_at = cookie_end = len(data)
            cookie = None
        else:
            cookie_end = data.find(b"\r\n", cookie_at + 2)
            cookie = data[cookie_at + len(_COOKIE) : cookie_end]
        referer_at = data.find(_REFERER, end, cookie_at)
        if referer_at < 0:
            rest = data[end:cookie_at] + data[cookie_end:]
            referer = None
        else:
            referer_end = data.find(b"\r\n", referer_at + 2)
            rest = data[end:referer_at] + data[referer_end:cookie_at] + data[cookie_end:]
            referer = data[referer_at + len(_REFERER) : referer_end]
        habit = self._known.get(rest)
        if habit is None:
            self._notice(rest)
            return None
        line = self._habits.line(data[:end])
        if line is None or _is_padded(cookie) or _is_padded(referer) or not self._habits.is_whole(data):
            return None
        return habit.request(*line, cookie, referer, self._peer)

    def _notice(self, rest: bytes) -> None:
        """Learns what came twice in a row: who says something new each time has no habits."""
        if rest == self._last and rest not in self._known:
            self._habits.learn(self._known, rest, self._peer, self._scheme)
        self._last = rest


def _is_padded(value: bytes | None) -> bool:
    return value is not None and value[:1] in _BLANKS


class _Whole:
    """Reads whole requests without a body, and tells nothing of them."""

    def __init__(self) -> None:
        self._count = 0
        self._parser: Any = httptools.HttpRequestParser(self)

    def is_one(self, data: bytes) -> bool:
        """True when the bytes were a request to its end."""
        self._count = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            return False
        return self._count == 1

    def on_message_complete(self) -> None:
        self._count += 1


class _Fields:
    """Reads the fields of one head."""

    def __init__(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._is_kept = False

    def read(self, head: bytes) -> list[tuple[bytes, bytes]] | None:
        """Names in lower case, and values; None when this is not all, or the connection would not be kept after it."""
        self._parser: Any = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserError:
            return None
        return self._fields if self._is_kept else None

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self._is_kept = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        self._parser = None  # it holds us, we hold it
