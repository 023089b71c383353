"""A form counts only when one of our own pages sent it."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from starlette.requests import Request

from proxy.errors import RequestError
from proxy.studio.forms import MAX_BYTES, NOBODY, author_of, form_of

OURS = {"host": "studio.example:8081", "origin": "http://studio.example:8081"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def request(headers: Mapping[str, str], body: bytes = b"") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    fields = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/pause", "headers": fields}, receive)


async def test_a_form_of_ours_is_read() -> None:
    body = b"what=rule&name=Winter+%3Csale%3E&empty="
    assert await form_of(request(OURS | FORM, body)) == {"what": "rule", "name": "Winter <sale>", "empty": ""}


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "http://studio.example",
        "http://studio.example:8081.evil.example",
        "http://[studio.example:8081",
    ],
)
async def test_a_form_that_a_foreign_page_sent_is_refused(origin: str | None) -> None:
    headers = {"host": OURS["host"], **FORM, **({"origin": origin} if origin else {})}
    with pytest.raises(RequestError) as refusal:
        await form_of(request(headers, b"what=everything"))
    assert refusal.value.status == 403


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"what=everything", 415),
        ({}, b"what=everything", 415),
        (FORM, b"x" * (MAX_BYTES + 1), 413),
        (FORM, b"\xff=\xff", 400),
    ],
)
async def test_what_is_no_form_is_refused(headers: Mapping[str, str], body: bytes, status: int) -> None:
    with pytest.raises(RequestError) as refusal:
        await form_of(request(OURS | headers, body))
    assert refusal.value.status == status


@pytest.mark.parametrize(
    ("authorization", "author"),
    [
        ("Basic " + base64.b64encode("Mia Jänsen:token".encode()).decode(), "Mia Jänsen"),
        ("Basic " + base64.b64encode(b":token").decode(), NOBODY),
        ("Basic !!", NOBODY),
        ("Basic \u00e9", NOBODY),
        ("Bearer token", NOBODY),
        ("", NOBODY),
    ],
)
def test_the_sender_is_the_name_before_the_token(authorization: str, author: str) -> None:
    assert author_of(request({"authorization": authorization})) == author
