"""HeaderSets: the fields that a browser sends with each request alike, read and judged once.

Between two requests of a browser only the request line, the page one comes from and a few fields that say another thing
each time differ: cookies, and what proxies on the way add. Cut out of the bytes, they leave what was seen before, byte
for byte: a *header set*, whose fields need not be told apart and judged again. And many ask the same page by the same
header set: that is a *question*, found by one look-up.

Its law: the quick reading gives what the ordinary one gives, or nothing. Whatever is unusual (a body, an upgrade, a
condition on the connection, a field twice) is no header set. And what was cut out is not taken on trust: the same
parser reads it, strictly, in the midst of a field where it stood (`_Values`). So all that comes is read by it, what is
known once, what is not each time (half a microsecond of a head of 2.7 KB; to read that whole takes one, with its fields
12)."""

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

SHARE = 1 / 32
"""Of `cache_bytes`, for the header sets of clients of one kind, and for their questions; there are two kinds at
most."""
MOST_CUTS = 24
LONGEST_LINE = 2_000

EACH_TIME = frozenset(
    b"cookie if-none-match if-modified-since x-forwarded-for x-real-ip x-client-ip true-client-ip cf-connecting-ip "
    b"cf-ray x-request-id x-request-start x-correlation-id x-amzn-trace-id x-cloud-trace-context traceparent "
    b"tracestate b3 x-b3-traceid x-b3-spanid x-b3-parentspanid".split()
)
"""What is another thing with each request, and no part of a header set. `Forwarded` may say the scheme, which is
one."""

_HEADER_SET_BYTES, _FIELD_BYTES = 400, 110
"""What a header set takes beside its bytes, which it holds twice, and what a field of it does. Measured."""

_LINE = re.compile(rb"(GET|HEAD) (/[!\"$-~]*) HTTP/1\.1")
_COOKIE = (b"cookie", b"\r\nCookie: ")
_REFERERS = b"\r\nReferer: ", b"\r\nreferer: "
_FIRST = b"!"
"""Of what may be the first of a value: what is less is none, or a blank."""
_END = b"\r\n\r\n"
_UNUSUAL = frozenset(b"referer content-length transfer-encoding expect upgrade if-match if-unmodified-since".split())


class Known:
    """HeaderSets and questions of clients of one kind, by their bytes, questions without the empty line at their end.
    None: judged, and no header set."""

    def __init__(self, cache_bytes: int) -> None:
        self.header_sets: Memo[bytes, HeaderSet | None] = Memo(int(SHARE * cache_bytes))
        self.questions: Memo[bytes, Question] = Memo(int(SHARE * cache_bytes))


class HeaderSets:
    """What one worker has learned of its clients."""

    def __init__(self, incoming: Incoming, settings: Settings) -> None:
        self._incoming = incoming
        self._codings = page_codings(settings)
        self._trusted = networks(settings.trusted_proxies)
        # Where a proxy names the country, that is a part of the header set.
        self.each_time = EACH_TIME - {settings.country_header.lower().encode()}
        self._unusual = _UNUSUAL | self.each_time
        self.most_fields = settings.max_fields
        self._cache_bytes = settings.cache_bytes
        self._by_kind: dict[tuple[str, bool], Known] = {}
        self.longest = min(settings.max_request_line_bytes, settings.max_field_bytes, settings.max_head_bytes)
        self.values = _Values()

    def of(self, peer: str, scheme: str) -> Reader:
        """Reads what comes on one connection."""
        # What a header set means depends on whether its Forwarded fields are believed.
        kind = scheme, is_trusted(peer, self._trusted)
        known = self._by_kind.get(kind)
        if known is None:
            known = self._by_kind[kind] = Known(self._cache_bytes)
        return Reader(self, known, peer, scheme)

    def learn(self, known: Known, rest: bytes, peer: str, scheme: str) -> None:
        """Judges a head without its line and what is another thing each time, once for all that are like it."""
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

    __slots__ = ("_cuts", "_header_sets", "_known", "_last", "_longest", "_peer", "_questions", "_scheme", "_values")

    def __init__(self, header_sets: HeaderSets, known: Known, peer: str, scheme: str) -> None:
        self._header_sets = header_sets
        self._known = known
        self._questions = known.questions.known
        self._values = header_sets.values
        self._longest = header_sets.longest
        self._peer = peer
        self._scheme = scheme
        self._last = b""
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
        """The same, whatever is cut out and wherever it stands."""
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
        # What was cut out where the head ends would leave its end elsewhere.
        if len(own) > question.room or not data.endswith(_END):
            return None
        return question, own

    def _question(self, head: bytes) -> Question | None:
        """What a head without cookies asks, if it is a usual line, a referer or none, and a header set."""
        end = head.find(b"\r\n")
        match = _LINE.fullmatch(head[:end]) if end <= LONGEST_LINE else None
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
        """Learns what came twice in a row: who says something new each time has no header sets."""
        if rest == self._last and rest not in self._known.header_sets.known:
            self._header_sets.learn(self._known, rest, self._peer, self._scheme)
        self._last = rest

    def _finds_cuts(self, head: bytes) -> bool:
        """Whether there are more fields in it that are another thing each time. They are cut out from now on."""
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
    """Tells whether values could stand in a head: a parser that is in the midst of a field for good. To `feed` it what
    has no CR raises `HttpParserError` for what a field may not have, or what ends it; then it has to `begin` again."""

    __slots__ = ("feed",)

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """In the midst of a field."""
        self.feed: Callable[[bytes], None] = _in_a_field().feed_data


def _in_a_field() -> Any:
    parser = httptools.HttpRequestParser(object())
    parser.feed_data(b"GET / HTTP/1.1\r\nCookie: ours=1; ")
    return parser


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
