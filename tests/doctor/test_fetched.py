from __future__ import annotations

from dataclasses import replace

import pytest

from tests.doctor.test_checkup import HEALTHY, with_field


@pytest.mark.parametrize(
    ("kind", "body", "charset"),
    [
        (b"text/html; charset=UTF-8", b"", "utf-8"),
        (b"text/html", b"<meta charset=iso-8859-1>", "iso-8859-1"),
        (b"text/html", b"<p>", ""),
    ],
)
def test_the_charset_is_what_the_head_says_or_else_the_page(kind: bytes, body: bytes, charset: str) -> None:
    assert replace(with_field(b"content-type", kind), body=body).charset == charset


def test_a_field_that_stands_there_twice_is_joined() -> None:
    page = replace(HEALTHY, headers=((b"vary", b"a"), (b"vary", b"b")))
    assert (page.get(b"vary"), page.all(b"vary"), page.get(b"etag")) == ("a, b", [b"a", b"b"], "")
