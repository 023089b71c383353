"""Every answer says when it was made."""

from __future__ import annotations

import pytest

from proxy.httpcache.stored import http_date
from proxy.upstream.dates import dated

THEN = b"date: Sat, 28 Nov 2026 18:00:00 GMT\r\n"


@pytest.mark.parametrize("lines", [THEN, b"etag: 1\r\n" + THEN, THEN + b"etag: 1\r\n"])
def test_the_origins_date_stays(lines: bytes) -> None:
    assert dated(lines) == lines


@pytest.mark.parametrize("lines", [b"", b"etag: 1\r\n", b"x-date: then\r\n", b"etag: date: 1\r\n"])
def test_without_one_it_is_now(lines: bytes) -> None:
    before, _, now = dated(lines).removesuffix(b"\r\n").rpartition(b"date: ")
    assert before == lines
    assert http_date(now) is not None
