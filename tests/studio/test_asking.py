"""Whom a request of the admin listener is about."""

from __future__ import annotations

import pytest

from proxy.errors import RequestError
from proxy.studio.asking import visitor_in


def test_a_visitor_is_named_in_the_body() -> None:
    assert visitor_in("application/json; charset=utf-8", b'{"visitor": "anna"}') == "anna"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b'{"visitor": "anna"}', 415),
        ("application/json", b"{}", 400),
        ("application/json", b'{"visitor": "anna", "all": true}', 400),
        ("application/json", b"anna", 400),
    ],
)
def test_what_names_nobody_is_refused(content_type: str, body: bytes, status: int) -> None:
    with pytest.raises(RequestError) as refused:
        visitor_in(content_type, body)
    assert refused.value.status == status
