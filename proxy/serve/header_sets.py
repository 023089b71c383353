"""Header sets: the fields that a browser sends with each request alike, parsed and checked once.

Between two requests of a browser only a few things differ: the request line, the referer, cookies, and what proxies
add. When these are cut out of the bytes, the rest is the same as before, byte for byte: a *header set*, which need not
be parsed and checked again. And many requests ask for the same page with the same header set: that is a *question*,
found by one look-up.

Its law: this reads as the ordinary parser, or gives up. Anything unusual (a body, an upgrade, a conditional connection
field, a field sent twice) is no header set. What is cut out is not trusted: the same strict parser checks it as a field
value (`_Values`). So every byte is parsed: what is known, once; what differs, each time (0.5 us of a head of 2.7 KB; to
parse all of it takes 1 us, and 12 with its fields)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httptools

from proxy.errors import RequestError
from proxy.http.client import is_trusted, networks
from proxy.http.incoming import Incoming
from proxy.http.message import HeaderSet, OwnFields, Question
from proxy.http.outgoing import taken_coding
from proxy.httpcache.coding import page_codings
from proxy.httpcache.key import normalised
from proxy.memo import Memo
from proxy.settings import Settings
from proxy.visitors.places import place_headers

SHARE = 1 / 32
"""The share of `cache_bytes` for the header sets of one kind of clients, and for their questions; there are at most two
kinds in use."""
MOST_CUTS = 32
LONGEST_LINE = 2_000
LONGEST = 4_000
"""Bytes of a head without its varying fields. What is remembered by question is limited by number, so a client that
says something longer each time would fill a hundred megabytes."""

EACH_TIME = frozenset(
    b"cookie if-none-match if-modified-since x-forwarded-for x-real-ip x-client-ip true-client-ip cf-connecting-ip "
    b"cf-ray x-request-id x-request-start x-correlation-id x-amzn-trace-id x-cloud-trace-context traceparent "
    b"tracestate b3 x-b3-traceid x-b3-spanid x-b3-parentspanid x-datadog-trace-id x-datadog-parent-id uber-trace-id "
    b"cf-connecting-ipv6 x-amz-cf-id x-azure-ref x-azure-clientip x-azure-socketip fastly-client-ip x-timer x-varnish "
    b"cf-ipcity cf-region cf-region-code cf-metro-code cf-postal-code cf-iplatitude cf-iplongitude cf-timezone "
    b"cloudfront-viewer-address cloudfront-viewer-asn cloudfront-viewer-city cloudfront-viewer-country-region "
    b"cloudfront-viewer-country-region-name cloudfront-viewer-latitude cloudfront-viewer-longitude "
    b"cloudfront-viewer-metro-code cloudfront-viewer-postal-code cloudfront-viewer-time-zone x-akamai-edgescape".split()
)
"""Fields that differ with each request, so they are no part of a header set. (`Forwarded` is: it may say the
scheme.)"""

_NOVEL = re.compile(rb"x-(?!forwarded|moz$|api-key$)[a-z0-9-]+")
CHANGES = 3
"""A field of such a name, which nothing here reads, is cut out once it alone changed so often in a row."""

_HEADER_SET_BYTES, _FIELD_BYTES = 400, 110
"""The memory of a header set beside its bytes (held twice), and of a field. Measured."""

_LINE = re.compile(rb"(GET|HEAD) (/[!\"$-~]*) HTTP/1\.1")
_COOKIE = (b"cookie", b"\r\nCookie: ")
_REFERERS = b"\r\nReferer: ", b"\r\nreferer: "
_FIRST = b"!"
"""The smallest byte that a value may begin with: less is an empty value or a blank."""
_END = b"\r\n\r\n"
_UNUSUAL = frozenset(b"referer content-length transfer-encoding expect upgrade if-match if-unmodified-since".split())


class Known:
    """The header sets and questions of one kind of clients, by their bytes (questions without the empty line at the
    end). None: the bytes were checked, and are no header set."""

    def __init__(self, cache_bytes: int) -> None:
        self.header_sets: Memo[bytes, HeaderSet | None] = Memo(int(SHARE * cache_bytes))
        self.questions: Memo[bytes, Question] = Memo(int(SHARE * cache_bytes))


class HeaderSets:
    """The header sets that one worker has learned."""

    def __init__(self, incoming: Incoming, settings: Settings) -> None:
        self._incoming = incoming
        self._codings = page_codings(settings)
        self._trusted = networks(settings.trusted_proxies)
        # The country that a proxy names is a part of the header set; there are too many regions and cities.
        places = dict(place_headers(settings))
        self.places = frozenset(places.values())
        country = places.pop("country", b"")
        self.each_time = EACH_TIME.union(places.values()) - {country}
        self._unusual = _UNUSUAL | self.each_time
        self.most_fields = settings.max_fields
        self._cache_bytes = settings.cache_bytes
        self._by_kind: dict[tuple[str, bool], Known] = {}
        self.longest = min(settings.max_request_line_bytes, settings.max_field_bytes, settings.max_head_bytes)
        self.values = _Values()

    def of(self, peer: str, scheme: str) -> Reader:
        """A reader for the requests of one connection."""
        # The meaning of a header set depends on whether its Forwarded fields are trusted.
        kind = scheme, is_trusted(peer, self._trusted)
        known = self._by_kind.get(kind)
        if known is None:
            known = self._by_kind[kind] = Known(self._cache_bytes)
        return Reader(self, known, peer, scheme)

    def learn(self, known: Known, rest: bytes, peer: str, scheme: str) -> None:
        """Checks a head without request line and varying fields, once for all that are like it."""
        header_set = self._judged(rest, peer, scheme)
        fields = 0 if header_set is None else len(header_set.fields)
        known.header_sets.put(rest, header_set, _HEADER_SET_BYTES + 2 * len(rest) + _FIELD_BYTES * fields)

    def _judged(self, rest: bytes, peer: str, scheme: str) -> HeaderSet | None:
        """The header set; None for what is none."""
        fields = _Fields().read(b"GET / HTTP/1.1" + rest) if rest.find(_END) == len(rest) - len(_END) else None
        if fields is None or len(fields) > self.most_fields or not self._unusual.isdisjoint(dict(fields)):
            return None
        try:
            request = self._incoming.request(b"GET", b"/", "1.1", fields, peer=peer, scheme=scheme)
        except RequestError:
            return None
        return HeaderSet(request.headers, request.host, request.scheme, taken_coding(request, self._codings))


class Reader:
    """Reads the requests of one connection by their header sets."""

    __slots__ = (
        "_changed", "_changes", "_cuts", "_header_sets", "_known", "_last", "_longest", "_peer", "_questions",
        "_scheme", "_values",
    )  # fmt: skip

    def __init__(self, header_sets: HeaderSets, known: Known, peer: str, scheme: str) -> None:
        self._header_sets = header_sets
        self._known = known
        self._questions = known.questions.known
        self._values = header_sets.values
        self._longest = header_sets.longest
        self._peer = peer
        self._scheme = scheme
        self._last, self._changed, self._changes = b"", b"", 0
        self._cuts = [_COOKIE]  # what this client sends that is another thing each time, as it writes it

    def read(self, data: bytes) -> tuple[Question, OwnFields] | None:
        """The request that these bytes are, as what it asks in the words of many, and what it says of its own; None
        when they are none, or one that the ordinary reading is for."""
        if len(data) > self._longest:
            return None
        # Mostly nothing but cookies is cut out, and they stand last; from their end bytes are searched faster.
        line = data.rfind(b"\n", 0, -4) + 1
        if data.startswith(b"Cookie: ", line):
            question = self._questions.get(data[:line])
            value, _, end = data[line + 8 :].partition(b"\r")
            if question is not None and question.room and end == b"\n\r\n" and value >= _FIRST:
                try:
                    self._values.feed(value)
                except httptools.HttpParserError:
                    self._values.begin()
                    return None
                return question, {b"cookie": value}
        return self._read(data)

    def _read(self, data: bytes) -> tuple[Question, OwnFields] | None:
        """The same for any varying fields, wherever they stand."""
        own: OwnFields = {}
        head, feed = data, self._values.feed
        try:
            for name, beginning in self._cuts:
                before, hit, after = head.rpartition(beginning)
                if hit:
                    value, end, after = after.partition(b"\r")  # one byte is found 40 times faster than two
                    if value < _FIRST or name in own:
                        return None
                    feed(value)
                    own[name] = value
                    head = before + end + after
        except httptools.HttpParserError:
            self._values.begin()
            return None
        question = self._questions.get(head[:-2]) or self._question(head)
        if question is None:
            return self._read(data) if self._finds_cuts(head) else None
        # If the last field was cut out, the head would end elsewhere.
        if len(own) > question.room or not data.endswith(_END):
            return None
        return question, own

    def _question(self, head: bytes) -> Question | None:
        """The question of a head without its varying fields: request line, referer if any, and header set; else
        None."""
        end = head.find(b"\r\n")
        match = _LINE.fullmatch(head[:end]) if end <= LONGEST_LINE and len(head) <= LONGEST else None
        if match is None:
            return None
        rest, referer = _without_referer(head[end:])
        header_set = self._known.header_sets.known.get(rest)
        if header_set is None:
            self._notice(rest)
        if header_set is None or not head.endswith(_END) or not self._is_referer(referer):
            return None
        path, _, query = match[2].partition(b"?")
        question = Question(header_set, match[1], normalised(path), query, referer)
        question.room = self._header_sets.most_fields - len(question.fields)
        self._known.questions.put(head[:-2], question, question.size + len(head))
        return question

    def _is_referer(self, referer: bytes | None) -> bool:
        if referer is None:
            return True
        try:
            self._values.feed(referer)
        except httptools.HttpParserError:
            self._values.begin()
            return False
        return referer >= _FIRST

    def _notice(self, rest: bytes) -> None:
        """Learns bytes that came twice in a row: a client that sends something new each time has no header set."""
        if rest != self._last:
            self._notice_change(self._last, rest)
        elif rest not in self._known.header_sets.known:
            self._changes = 0
            self._header_sets.learn(self._known, rest, self._peer, self._scheme)
        self._last = rest

    def _notice_change(self, before: bytes, now: bytes) -> None:
        """Counts how often one field alone was another thing; after that it is cut out."""
        pairs = zip(before.split(b"\r\n"), now.split(b"\r\n"), strict=False)
        changed = [new.partition(b": ")[0] for old, new in pairs if old != new]
        name = changed[0] if len(changed) == 1 and before.count(b"\n") == now.count(b"\n") else b""
        self._changes = self._changes + 1 if name == self._changed else 1
        self._changed = name
        is_novel = _NOVEL.fullmatch(name.lower()) is not None and name.lower() not in self._header_sets.places
        if is_novel and self._changes >= CHANGES and len(self._cuts) < MOST_CUTS:
            self._cuts.append((name.lower(), b"\r\n%b: " % name))
            self._changes = 0

    def _finds_cuts(self, head: bytes) -> bool:
        """Whether it has further varying fields; they are cut out from now on."""
        names = [line.partition(b": ")[0] for line in head.split(b"\r\n")[1:]]
        found = [(name.lower(), b"\r\n%b: " % name) for name in names if name.lower() in self._header_sets.each_time]
        new = [cut for cut in dict.fromkeys(found) if cut not in self._cuts]
        if not new or len(self._cuts) + len(new) > MOST_CUTS:
            return False
        self._cuts += new
        return True


def _without_referer(rest: bytes) -> tuple[bytes, bytes | None]:
    for beginning in _REFERERS:
        before, hit, after = rest.partition(beginning)
        if hit:
            referer, end, after = after.partition(b"\r")
            return before + end + after, referer
    return rest, None


class _Values:
    """Checks values with a parser that stays within a field: `feed` raises `HttpParserError` for a byte that no field
    value may have, or one that ends it; then it has to `begin` again. Values must not contain a CR."""

    __slots__ = ("feed",)

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Resets the parser to within a field."""
        self.feed: Callable[[bytes], None] = _in_a_field().feed_data


def _in_a_field() -> Any:
    parser = httptools.HttpRequestParser(object())
    parser.feed_data(b"GET / HTTP/1.1\r\nCookie: ours=1; ")
    return parser


class _Fields:
    """Parses the fields of one head."""

    def __init__(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._is_kept = False

    def read(self, head: bytes) -> list[tuple[bytes, bytes]] | None:
        """Names in lower case, and values; None when the head is not complete, or the connection would close after
        it."""
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
        self._parser = None  # a reference cycle
