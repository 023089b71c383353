"""Plain answers, read quickly: a head that came in one piece, with Content-Length or `Transfer-Encoding: chunked`. Most
answers are like that, and reading them so costs a third.

Its law: this reads as the strict parser (`answer.py`), or gives None. Anything unusual is left to the strict one:
another version, another framing, a field about the connection, a byte that no field may have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from proxy.model import Headers, HeadShape

MOST_BYTES = 8 * 1024
MOST_FIELDS = 100
CHUNKED = -1
"""Stands for the length of a chunked body, which is not known in advance."""
_KNOWN_BYTES = 128
"""Longer header lines are not cached: they seldom come twice."""

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [\t -~]*")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CODING = b"transfer-encoding"
_FRAMING = frozenset({b"content-length", _CODING})
_OF_THE_CONNECTION = frozenset(b"connection proxy-connection transfer-encoding upgrade".split())
_LAST = b"connection", b"close"
_USUAL = frozenset({(b"connection", b"keep-alive"), _LAST, (_CODING, b"chunked")})
_WITHOUT_BODY = frozenset({204, 304})

Field = tuple[bytes, bytes]


class Plain(NamedTuple):
    """A head read: `body_at` is the offset of the body, `length` its size or `CHUNKED`. `headers` is None where the
    head is of a known `shape`, with `values`. `is_last`: the origin closes the connection after it."""

    status: int
    headers: Headers | None
    body_at: int
    length: int
    shape: HeadShape | None = None
    values: Sequence[bytes] = ()
    is_last: bool = False

    def sized(self, body: bytes | memoryview) -> bytes:
        """The line that says how long the whole body is, where that came in chunks; b"" where the head says it."""
        return b"content-length: %d\r\n" % len(body) if self.length == CHUNKED else b""


def read(data: bytes) -> Plain | None:
    """The head that `data` begins with; None when it is not whole, or not plain."""
    end = data.find(b"\r\n\r\n", 0, MOST_BYTES)
    if end < 0:
        return None
    line, *lines = data[:end].split(b"\r\n")
    status = _status(line)
    headers = tuple([(_known(line) if len(line) <= _KNOWN_BYTES else _field(line)) for line in lines])
    if status is None or None in headers or len(headers) > MOST_FIELDS:
        return None
    framing = [field for field in headers if field is not None and field[0] in _FRAMING]
    length = _length(framing[0]) if len(framing) == 1 else None
    if length is None:
        return None
    fields = [field for field in headers if field is not None]
    is_last = any(name == _LAST[0] and value.lower() == _LAST[1] for name, value in fields)
    return Plain(status, tuple(fields), end + 4, length, is_last=is_last)


def _length(framing: Field) -> int | None:
    name, value = framing
    if name == _CODING:
        return CHUNKED
    return int(value) if _LENGTH.fullmatch(value) else None


@lru_cache(maxsize=64)
def _status(line: bytes) -> int | None:
    match = _STATUS.fullmatch(line)
    status = int(match[1]) if match else 0
    return status if status and status not in _WITHOUT_BODY else None


def _field(line: bytes) -> Field | None:
    match = _FIELD.fullmatch(line)
    if match is None:
        return None
    name, value = match[1].lower(), match[2]
    is_usual = name not in _OF_THE_CONNECTION or (name, value.lower()) in _USUAL
    return (name, value) if is_usual and not value.endswith((b" ", b"\t")) else None


_known = lru_cache(maxsize=4_096)(_field)
