from __future__ import annotations

import string

import pytest

from proxy.page.markup import Markup
from proxy.page.tokens import (
    ALPHABET,
    FIELDS,
    METAS,
    django_secret,
    masked,
    meta_nonce_in,
    session_in,
    token_in,
    unmasked,
)

SECRET = "abcdefghijklmnopqrstuvwxyzABCD09"


def test_a_token_is_twice_as_long_as_its_secret_and_begins_with_its_mask() -> None:
    # What Django 5.2's `_mask_cipher_secret` gives for this secret and mask.
    assert masked(SECRET, "a" * 32) == "a" * 32 + SECRET
    assert masked("a" * 31 + "9", "b" * 31 + "9") == "b" * 31 + "9" + "b" * 31 + "8"


@pytest.mark.parametrize("mask", ["Z" * 32, "0123456789abcdefghijklmnopqrstuv"])
def test_a_token_gives_its_secret_back(mask: str) -> None:
    assert unmasked(masked(SECRET, mask)) == SECRET


def test_a_cookie_holds_the_secret_plain_or_masked_or_is_none_of_djangos() -> None:
    assert string.ascii_letters + string.digits == ALPHABET
    assert django_secret(SECRET) == SECRET
    assert django_secret(masked(SECRET, "Q" * 32)) == SECRET
    assert django_secret("") is django_secret("short") is django_secret("-" * 32) is None


@pytest.mark.parametrize("name", FIELDS)
def test_a_token_is_known_by_its_name(name: str) -> None:
    assert token_in(Markup(b'<form><input type=hidden name="%b" value="x"></form>' % name.encode())) is not None


@pytest.mark.parametrize("name", METAS)
def test_a_token_in_the_head_is_known_by_its_name(name: str) -> None:
    place = token_in(Markup(b'<head>\n<meta name="%b" content="x"></head>' % name.encode()))
    assert str(place) == "html > head > meta@content, line 2"


@pytest.mark.parametrize(
    "body",
    [b"<p>csrfmiddlewaretoken</p>", b'<input name=_token value="">', b"<!-- <input name=_token value=x> -->", b""],
)
def test_what_is_no_token_is_none(body: bytes) -> None:
    assert token_in(Markup(body)) is None


def test_a_policy_in_the_page_may_name_a_nonce() -> None:
    policy = b'<meta http-equiv="Content-Security-Policy" content="script-src \'nonce-abc\'">'
    assert meta_nonce_in(Markup(policy)) is not None
    assert meta_nonce_in(Markup(b"<p>write 'nonce-abc' in your policy</p>")) is None


@pytest.mark.parametrize(
    ("body", "set_cookie", "line"),
    [
        (b"<p>\n<a href='/cart;jsessionid=1E'>", b"", 2),
        (b"<a href='/cart?sid=6qgcpar26fc3mnnl'>", b'sid="6qgcpar26fc3mnnl"; Path=/', 1),
        (b"<a href='/cart?sid=6qgcpar26fc3mnnl'>", b"sid=another2another2", None),
        (b"<a href='?currency=EUR'>", b"currency=EUR", None),
    ],
)
def test_a_session_id_is_what_a_cookie_of_the_answer_says(body: bytes, set_cookie: bytes, line: int | None) -> None:
    found = session_in(body, [set_cookie])
    assert (found.line if found else None) == line
