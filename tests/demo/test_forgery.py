from __future__ import annotations

import pytest
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from proxy.demo.forgery import MAX_FORM_BYTES, Origin, Tokens, must_refuse, origin_of, read_form


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, "unknown"),
        ({"sec-fetch-site": "same-origin"}, "own"),
        ({"sec-fetch-site": "same-site"}, "foreign"),
        ({"sec-fetch-site": "cross-site"}, "foreign"),
        ({"sec-fetch-site": "cross-site", "origin": "https://shop.test"}, "foreign"),
        ({"origin": "https://shop.test"}, "own"),
        ({"origin": "https://SHOP.test"}, "own"),
        ({"origin": "https://evil.test"}, "foreign"),
        ({"origin": "https://shop.test.evil.test"}, "foreign"),
        ({"origin": "null"}, "foreign"),
        ({"origin": "https://www.shop.test", "x-forwarded-host": "www.shop.test"}, "own"),
        ({"origin": "http://localhost:8080", "forwarded": 'for=1.2.3.4;host="localhost:8080";proto=http'}, "own"),
        ({"origin": "https://evil.test", "forwarded": "host=www.shop.test"}, "foreign"),
    ],
)
def test_the_browser_says_whose_page_sent_a_form(headers: dict[str, str], origin: Origin) -> None:
    assert origin_of(Headers({"host": "shop.test", **headers})) == origin


@pytest.mark.parametrize(
    ("origin", "token", "is_genuine", "shared_refused", "private_refused"),
    [
        ("own", "", False, False, True),
        ("own", "right", True, False, False),
        ("own", "wrong", False, True, True),
        ("unknown", "", False, True, True),
        ("unknown", "right", True, False, False),
        ("foreign", "", False, True, True),
        ("foreign", "right", True, True, True),
    ],
)
def test_a_shared_form_needs_one_proof_and_a_private_form_the_token(
    origin: Origin, token: str, is_genuine: bool, shared_refused: bool, private_refused: bool
) -> None:
    assert must_refuse(origin, token, is_genuine, from_shared_page=True) == shared_refused
    assert must_refuse(origin, token, is_genuine, from_shared_page=False) == private_refused


def test_a_token_is_good_for_its_session_and_its_shop_only() -> None:
    tokens = Tokens("secret")
    assert tokens.is_genuine(tokens.of("anna"), "anna")
    assert not tokens.is_genuine(tokens.of("anna"), "ben")
    assert not tokens.is_genuine("", "anna")
    assert not tokens.is_genuine("é", "anna")
    assert not Tokens("other").is_genuine(tokens.of("anna"), "anna")


def posted(body: bytes, content_type: str = "application/x-www-form-urlencoded") -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


async def test_a_form_is_read() -> None:
    assert await read_form(posted(b"product=A+1&quantity=&x=%C3%A9")) == {"product": "A 1", "quantity": "", "x": "é"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=" + b"x" * MAX_FORM_BYTES, "application/x-www-form-urlencoded", 413),
        (b"&".join([b"a=1"] * 100), "application/x-www-form-urlencoded", 400),
        (b"a=\xff", "application/x-www-form-urlencoded; charset=utf-8", 400),
    ],
)
async def test_what_is_no_small_plain_form_is_refused(body: bytes, content_type: str, status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        await read_form(posted(body, content_type))
    assert refused.value.status_code == status
