"""The lines of the access log: one JSON object for each request.

A line is joined from parts that are kept ready as bytes: the client, the request, what the answer's fields say. That
takes a tenth of the time of encoding the whole line. Its law: whatever anybody sends, a line is one JSON object and a
line end; every value that is not ours is encoded.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from proxy.http.client import LONGEST_HOPS, Networks, client_of
from proxy.http.message import OwnFields, Question, Request
from proxy.memo import make_room
from proxy.model import Headers
from proxy.visitors.pending import NOTHING_MORE, ServedFrom, ServedPage

MOST_CLIENTS = 10_000
MOST_LEADS = 1_000
_OURS = b"\r\ncache-status: tailorbird; "
_LENGTH = b"\r\ncontent-length: "
_HIT = b',"status":200,"ms":0.000,"bytes":'
_END = b"}\n"
_BEACONS = b"/_tb/g/"
_SECRET = re.compile(rb"([?&](?:__tb|writeKey|api_secret)=)[^&#]+")
"""Previews and keys of event sources, which some can name in the address alone."""

LoggedRequest = Request | tuple[Question, OwnFields, str]
"""A request; or its question, its own fields beside it, and the client's address."""
Line = tuple[float, bytes]
"""The time of a request (Unix seconds), and its line."""


class Lines:
    """Formats lines. `trusted` proxies are believed which client they forward for."""

    def __init__(self, trusted: Networks) -> None:
        self._trusted = trusted
        self._clients: dict[str | tuple[str, bytes], bytes] = {}
        self._leads: dict[bytes, bytes] = {}
        self._second, self._beginning = -1, b""
        process = os.getpid()
        self._ms = [b'%03dZ","process":%d,"client":' % (ms, process) for ms in range(1_000)]

    def joined(self, noted: Sequence[Line | ServedPage]) -> bytes:
        """These lines, and those of these pages, in this order."""
        pieces: list[bytes] = []
        last, moment = -1, b""
        clients = self._clients.get
        for one in noted:
            if len(one) == 2:
                pieces.append(one[1])
                continue
            at, _, source, _, sent, own, client = one
            if (ms := int(at * 1_000)) != last:
                last, moment = ms, self._of_moment(ms)
            before, after = source.line or self._line_of(source)
            if own:
                before = b"".join((before[: -len(_HIT)], _of_own(own.get), _HIT))
            whose = clients(client) or self._of_client(client, own, source.question.fields)
            pieces += moment, whose, before, b"%d" % (sent.length if sent else 0), after
        return b"".join(pieces)

    def _line_of(self, source: ServedFrom) -> tuple[bytes, bytes]:
        """The parts of a hit's line between its client and its length, and behind that."""
        before = (source.question.line or _of_question(source.question)) + _HIT
        source.line = before, self._leads.get(source.head) or self._of_lead(source.head)
        return source.line

    def of(
        self,
        at: float,
        asked: LoggedRequest,
        status: int,
        head: Headers | bytes,
        seconds: float = 0.0,
        waited: float = 0.0,
        *,
        is_whole: bool = True,
    ) -> bytes:
        """The line of an answer to a request that came `at` Unix seconds and took `seconds`, from its head to the last
        byte written, `waited` of them for the origin to begin its answer. `head`: the fields, or their lines, or the
        beginning of the answer. One that broke off, or whose client left, is not whole."""
        lines = b"\r\n%b\r\n" % _lines(head).partition(b"\r\n\r\n")[0]
        length = _said(lines, _LENGTH)
        return b"".join(
            (
                self._of_moment(int(at * 1_000)),
                *self._parts(asked),
                b',"status":%d,"ms":%.3f' % (status, max(0.0, seconds) * 1_000),
                b',"origin_ms":%.3f' % (waited * 1_000) if waited else b"",
                b',"bytes":%d' % int(length) if length.isdigit() else b"",
                _cache(_said(lines, _OURS)),
                b"" if is_whole else b',"whole":false',
                _END,
            )
        )

    def _parts(self, asked: LoggedRequest) -> tuple[bytes, bytes, bytes]:
        """The client, the request, and its own fields that are logged."""
        if not isinstance(asked, Request):
            question, own, peer = asked
        elif asked.question is not None:
            question, own, peer = asked.question, dict(asked.own), asked.client
        else:
            return self._of_client(asked.client, {}, asked.headers), _of_request(asked), _of_own(asked.get)
        client = self._clients.get(peer) or self._of_client(peer, own, question.fields)
        return (
            client,
            question.line or _of_question(question),
            b"" if len(own) == (b"cookie" in own) else _of_own(own.get),
        )

    def _of_moment(self, ms: int) -> bytes:
        """The beginning of a line, at Unix milliseconds."""
        second, ms = divmod(ms, 1_000)
        if second != self._second:
            beginning = time.strftime('{"time":"%Y-%m-%dT%H:%M:%S.', time.gmtime(second))
            self._second, self._beginning = second, beginning.encode()
        return self._beginning + self._ms[ms]

    def _of_client(self, peer: str, own: OwnFields, fields: Headers) -> bytes:
        hops = own.get(b"x-forwarded-for", b"")
        if self._trusted and not 0 < len(hops) <= LONGEST_HOPS:
            return _json(client_of(peer, (*fields, *own.items()), self._trusted)[0])
        key = (peer, hops) if self._trusted else peer
        known = self._clients.get(key)
        if known is None:
            make_room(self._clients, MOST_CLIENTS)
            said = client_of(peer, ((b"x-forwarded-for", hops),), self._trusted)[0]
            known = self._clients[key] = _json(said)
        return known

    def _of_lead(self, lead: bytes) -> bytes:
        make_room(self._leads, MOST_LEADS)
        known = self._leads[lead] = _cache(_said(b"\r\n" + lead, _OURS)) + _END
        return known


def beside_cookies(own: OwnFields) -> OwnFields:
    """A request's own fields without cookies, which are not logged, and long."""
    if len(own) == (b"cookie" in own):
        return NOTHING_MORE
    return {name: value for name, value in own.items() if name != b"cookie"}


def _of_question(question: Question) -> bytes:
    question.line = _of_request(question.request({}, ""))
    return question.line


def _of_request(request: Request) -> bytes:
    named = b',"method":%b,"host":%b,"target":%b' % (
        *(_json(said.decode("latin-1")) for said in (request.method, request.host, _unsecret(request.target))),
    )
    referer = _unsecret(request.get(b"referer") or b"")
    return named + _member(b"referer", referer) + _member(b"user_agent", request.get(b"user-agent"))


def _unsecret(address: bytes) -> bytes:
    """Without what opens something to whoever reads it, and without what a beacon says of a visitor."""
    if address.startswith(_BEACONS):
        return address.partition(b"?")[0]
    return _SECRET.sub(rb"\1...", address) if b"?" in address else address


def _of_own(get: Callable[[bytes], bytes | None]) -> bytes:
    return _member(b"request_id", get(b"x-request-id")) + _member(b"traceparent", get(b"traceparent"))


def _lines(head: Headers | bytes) -> bytes:
    return head if isinstance(head, bytes) else b"\r\n".join(map(b": ".join, head))


@lru_cache(maxsize=1_024)
def _cache(said: bytes) -> bytes:
    return _member(b"cache", said)


def _said(lines: bytes, what: bytes) -> bytes:
    """The value behind `what` in its line; of several, the last: earlier ones are of caches before us (RFC 9211 2)."""
    _, found, rest = lines.rpartition(what)
    return rest.partition(b"\r")[0] if found else b""


def _member(name: bytes, value: bytes | None) -> bytes:
    """A JSON member; empty without a value."""
    return b',"%b":%b' % (name, _json(value.decode("utf-8", "replace"))) if value else b""


_encoded = msgspec.json.Encoder().encode


def _json(text: str) -> bytes:
    """The text as JSON in ASCII: a terminal takes U+009B, too, for the beginning of an order."""
    encoded = _encoded(text)
    return encoded if encoded.isascii() else json.dumps(text).encode()
