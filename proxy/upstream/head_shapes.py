"""Head shapes: what an origin sends with each answer alike is parsed once.

Two of its answers differ only in a few values: the date, the length, the ETag. When these are cut out of the head, the
rest is the same as before, byte for byte: a *shape*, whose fields need not be parsed and checked again.
`serve/header_sets.py` does the same on the client's side.

Its law: this reads as the strict parser (`answer.py`), or gives None. Shapes are learned only from plain heads, and
what is cut out is checked: no value may have a byte that a plain one may not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from proxy.memo import make_room
from proxy.model import HeadShape
from proxy.model.head_shape import FieldPattern
from proxy.upstream import plain
from proxy.upstream.plain import Plain

MOST_SHAPES = 2_000
LONGEST = 2_000
"""Bytes of a shape. To learn one takes 0.5 us and 12 bytes of memory for each: who asks for long addresses that a shop
repeats in a field (`Location`) would have it learn nothing else."""
MOST_SEEN = 200
MOST_RECENT = 4
MOST_CUTS = 24

COOKIE = b"set-cookie"
EACH_TIME = frozenset(
    b"date content-length etag last-modified expires age keep-alive set-cookie server-timing "
    b"content-security-policy content-security-policy-report-only "
    b"request-id fly-request-id cf-ray traceparent tracestate "
    b"x-varnish x-timer x-cache-hits x-cloud-trace-context x-debug-token-link "
    b"ratelimit-remaining ratelimit-reset ratelimit report-to".split()
)
OF_ITS_KIND = re.compile(rb"x-.*(?:id|token|time|ms|latency|duration|timestamp|remaining|reset)")
"""What is another thing with each answer (of a policy, its nonce), and no part of a shape: nobody looks into it there,
but for the Domain of a cookie, which is always the same. And what is so by how platforms name their own fields."""


_END = b"\r\n\r\n"
_LENGTH = rb"([0-9]{1,15})"
_VALUE = rb"(?![ \t])([\t -~\x80-\xff]*)(?<![ \t])"
"""As `plain.py` takes it, but for an empty one. A whole head is matched in half a microsecond."""
_DOMAIN = re.compile(rb";[ \t]*domain[ \t]*=[^;\r]*;?", re.IGNORECASE)
"""What `http/returning.py` looks into: of a cookie it is part of the shape."""
_BEFORE = rb"(?![ \t])((?:[\t -:<-~\x80-\xff]++|;(?![ \t]*(?i:domain)[ \t]*=))*+)"
_AFTER = rb"([\t -~\x80-\xff]*)(?<![ \t])"
_WITHOUT = _BEFORE + rb"(?<![ \t])"
"""Of a cookie: what stands before its Domain and after it; and one without."""


_TAKEN = {b"content-length": _LENGTH, COOKIE: _WITHOUT}


class _Known(NamedTuple):
    """A learned shape: a pattern for its heads, with a group for each varying value; the body's length, or which value
    gives it; and whether the connection closes."""

    shape: HeadShape
    head: re.Pattern[bytes]
    length: int
    length_at: int | None
    is_last: bool

    def read(self, data: bytes) -> Plain | None:
        """The head that `data` begins with, if it is of this shape."""
        match = self.head.match(data)
        if match is None or match.end() > plain.MOST_BYTES:
            return None
        values = match.groups()
        length = self.length if self.length_at is None else int(values[self.length_at])
        return Plain(self.shape.status, None, match.end(), length, self.shape, values, self.is_last)


class HeadShapes:
    """The shapes learned of one origin. The latest are tried first, which saves a third of the time; then shapes are
    looked up by the constant parts of heads."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], _Known] = {}
        self._recent: list[_Known] = []
        self._seen: dict[tuple[bytes, ...], None] = {}
        self._cuts: list[bytes] = []  # how the fields begin that are another thing each time, as the origin writes them

    def read(self, data: bytes) -> Plain | None:
        """As `plain.read`; the fields of a head of a known shape are built only when somebody reads them."""
        return self.known(data) or self._learned(data[: data.find(_END, 0, plain.MOST_BYTES) + len(_END)])

    def known(self, data: bytes) -> Plain | None:
        """The head that `data` begins with, if it is of a known shape."""
        for one in self._recent:
            head = one.read(data)
            if head is not None:
                return head
        end = data.find(_END, 0, plain.MOST_BYTES)
        found = None if end < 0 else self._known.get(_common(data[: end + len(_END)], self._cuts))
        if found is None:
            return None
        self._recent = [found, *(one for one in self._recent if one is not found)][:MOST_RECENT]
        return found.read(data)

    def _learned(self, data: bytes) -> Plain | None:
        """Reads a head of no known shape, and learns the shape when it comes a second time."""
        head = plain.read(data)
        if head is None or head.status >= 500:  # errors are not to be usual
            return head
        self._find_cuts(data)
        common = _common(data, self._cuts)
        if sum(map(len, common)) > LONGEST:
            return head
        if common in self._seen and (known := _known(head, common)).read(data) is not None:
            make_room(self._known, MOST_SHAPES)
            self._known[common] = known
        make_room(self._seen, MOST_SEEN)
        self._seen[common] = None
        return head

    def _find_cuts(self, head: bytes) -> None:
        """Finds varying fields in it, which are cut out from now on."""
        names = [line.partition(b": ")[0] for line in head.split(b"\r\n")[1:]]
        cuts = [b"\r\n%b: " % name for name in names if is_each_time(name.lower())]
        new = [cut for cut in dict.fromkeys(cuts) if cut not in self._cuts]
        self._cuts += new[: MOST_CUTS - len(self._cuts)]


def is_each_time(name: bytes) -> bool:
    """Whether the field of this name (lower case) varies from answer to answer."""
    return name in EACH_TIME or OF_ITS_KIND.fullmatch(name) is not None


def _common(head: bytes, cuts: Sequence[bytes]) -> tuple[bytes, ...]:
    """The parts before, between and after the varying values."""
    parts, start = [], 0
    for at, is_cookie in sorted([(at + len(cut), _is_cookie(cut)) for cut in cuts for at in _places(head, cut)]):
        parts.append(head[start:at])
        start = head.find(b"\r", at)
        domain = _DOMAIN.search(head, at, start) if is_cookie else None
        if domain is not None and domain.end() < start:
            parts.append(domain[0])
        elif domain is not None:
            start = domain.start()
    return (*parts, head[start:])


def _places(head: bytes, cut: bytes) -> Iterator[int]:
    """Its offsets: one, except for cookies."""
    at = head.find(cut)
    while at >= 0:
        yield at
        at = head.find(cut, at + 1) if _is_cookie(cut) else -1


def _is_cookie(cut: bytes) -> bool:
    return cut[2:-2].lower() == COOKIE


def _known(head: Plain, common: tuple[bytes, ...]) -> _Known:
    """The shape of all heads with these constant parts."""
    fields: list[tuple[bytes, FieldPattern]] = list(head.headers or ())
    lines, pattern, length_at = 0, b"", None
    for number, (part, behind) in enumerate(pairwise(common)):
        lines += part.count(b"\r\n")
        name, said = fields[lines - 1]
        begun = said if isinstance(said, tuple) else (b"",)
        fields[lines - 1] = name, (*begun, behind.partition(b"\r")[0])
        pattern += re.escape(part) + _value(name, part, behind)
        length_at = number if name == b"content-length" else length_at
    whole = re.compile(pattern + re.escape(common[-1]))
    return _Known(HeadShape(head.status, fields), whole, head.length, length_at, head.is_last)


def _value(name: bytes, before: bytes, behind: bytes) -> bytes:
    """The pattern of the value between these parts."""
    if behind.startswith(b";"):
        return _BEFORE
    return _AFTER if before.startswith(b";") and before.find(b"\r") < 0 else _TAKEN.get(name, _VALUE)
