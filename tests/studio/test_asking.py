"""Whom a request of the admin listener is about."""

from __future__ import annotations

import pytest

from proxy.errors import RequestError
from proxy.studio.asking import visitor_in


def test_a_visitor_is_named_in_the_body() -> None:
    assert visitor_in(b'{"visitor": "anna"}') == "anna"


@pytest.mark.parametrize("body", [b"{}", b'{"visitor": "anna", "all": true}', b"anna"])
def test_what_names_nobody_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError) as refused:
        visitor_in(body)
    assert refused.value.status == 400
