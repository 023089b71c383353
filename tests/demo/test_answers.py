from __future__ import annotations

import pytest
from starlette.requests import Request

from proxy.demo import answers


def request(if_none_match: str = "") -> Request:
    headers = [(b"if-none-match", if_none_match.encode())] if if_none_match else []
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


ETAG = answers.cacheable(request(), b"page").headers["etag"]


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [
        ("", 200),
        (ETAG, 304),
        (f"W/{ETAG}", 304),
        (f'"a", {ETAG}', 304),
        ("*", 304),
        ('"other"', 200),
        (ETAG.strip('"'), 200),
    ],
)
def test_a_known_etag_is_answered_304(if_none_match: str, status: int) -> None:
    answer = answers.cacheable(request(if_none_match), b"page")
    assert answer.status_code == status
    assert answer.body == (b"page" if status == 200 else b"")


def test_other_bytes_have_another_etag() -> None:
    assert answers.cacheable(request(), b"page 2").headers["etag"] != ETAG


def test_a_private_answer_has_no_validator_a_shared_cache_could_use() -> None:
    answer = answers.private(b"cart")
    assert answer.headers["cache-control"] == "private, no-store"
    assert "etag" not in answer.headers


def test_after_a_post_nothing_is_stored() -> None:
    answer = answers.see_other("/cart")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
    assert answer.headers["cache-control"] == "private, no-store"
