"""Holes, through the gateway: what one visitor's page holds, no other's does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest

from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.page.holes import Fill, FillKind, Hole, IfMissing
from proxy.page.tokens import ALPHABET, unmasked
from proxy.rulebook.policy import PagePolicy, Policy
from proxy.serve.hole_filling import _random
from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import HTML, Got, Site, answering, published, shown

SECRET = "s" * 32
TOKEN = Hole("input[name=csrfmiddlewaretoken]", Fill(FillKind.DJANGO_TOKEN, "csrftoken"), "value")
OPEN = CacheOverrides(fresh_seconds=60, cookies=CookieRoles(), dropped_cookies=("csrftoken",))
FORM = b'<div data-slot="home.hero">d</div><form><input name=csrfmiddlewaretoken value="%b"></form>'


def numbers() -> Iterator[bytes]:
    return (b"%032d" % number for number in count())


def policy(*holes: Hole, overrides: CacheOverrides = OPEN) -> Policy:
    return Policy((PagePolicy("/*", overrides, holes),))


@asynccontextmanager
async def shop(one: Policy, page: bytes = FORM, *fields: bytes):  # type: ignore[no-untyped-def]
    """A shop whose page has a new token, and sets a new cookie, each time."""
    tokens = numbers()

    def say(seen: Seen) -> bytes:
        if seen.target == b"/part":
            return ok(b"part of " + (seen.get(b"cookie") or b"nobody"), HTML, b"Set-Cookie: basket=1")
        token = next(tokens)
        body = page.replace(b"%b", token)
        set_cookie = b"Set-Cookie: csrftoken=%b; expires=Thu, 01 Jan 2099 00:00:00 GMT; Path=/; Secure" % token
        return ok(body, HTML, b"Vary: Cookie", set_cookie, *(field.replace(b"%b", token) for field in fields))

    publication = replace(published(shown("Hello")), policy=one)
    async with Origin(answering(say)) as origin, Site(origin.url, publication=publication) as site:
        yield origin, site


def token_of(got: Got) -> str:
    found = re.search(rb'name=csrfmiddlewaretoken value="(\w*)"', got.body)
    assert found
    return found[1].decode()


async def test_each_visitors_form_has_a_token_of_their_own_secret() -> None:
    async with shop(policy(TOKEN)) as (origin, site):
        for letter in "abc":
            got = await site.get(b"/", (b"cookie", b"csrftoken=" + letter.encode() * 32))
            assert unmasked(token_of(got)) == letter * 32
            assert b"Hello" in got.body
        assert got["cache-status"] == "tailorbird; hit; ttl=60; detail=personalised"
        assert (got["cache-control"], got["set-cookie"]) == ("private, no-cache", "")
        again = await site.get(b"/", (b"cookie", b"csrftoken=" + b"c" * 32))
        assert token_of(again) != token_of(got)
    # Two that were compared; nobody's cookie went along.
    assert [seen.get(b"cookie") for seen in origin.requests] == [None, None]


async def test_a_visitor_without_the_cookie_asks_the_origin() -> None:
    async with shop(policy(TOKEN)) as (_, site):
        await site.get(b"/", (b"cookie", b"csrftoken=" + b"a" * 32))
        got = await site.get(b"/")
        assert got["cache-status"].startswith("tailorbird; fwd=bypass; detail=hole")
        assert token_of(got) == got["set-cookie"].partition("=")[2][:32] == f"{2:032}"
        forged = await site.get(b"/", (b"cookie", b"csrftoken=none-of-djangos"))
        assert "detail=hole" in forged["cache-status"]
        twice = await site.get(b"/", (b"cookie", b"csrftoken=%b; csrftoken=%b" % (b"a" * 32, b"b" * 32)))
        assert "detail=hole" in twice["cache-status"]


async def test_a_visitor_without_the_cookie_may_be_given_one_as_the_origin_gives_it() -> None:
    made = Hole(TOKEN.selector, replace(TOKEN.fill, if_missing=IfMissing.MAKE), "value")
    async with shop(policy(made)) as (_, site):
        first, second = await site.get(b"/"), await site.get(b"/")
    for got in (first, second):
        secret = re.fullmatch(r"csrftoken=(\w{32}); Path=/; Secure", got["set-cookie"])
        assert secret and unmasked(token_of(got)) == secret[1]
    assert "hit" in second["cache-status"]
    assert first["set-cookie"] != second["set-cookie"]


async def test_a_visitor_without_the_cookie_may_find_nothing_there() -> None:
    name = Hole("b", Fill(FillKind.COOKIE, "name", if_missing=IfMissing.EMPTY))
    async with shop(policy(name), b"<p>Hello <b>%b</b></p>") as (_, site):
        assert b"<b></b>" in (await site.get(b"/")).body
        got = await site.get(b"/", (b"cookie", b"name=%3Ci%3EAnna"))
    assert b"<b>&lt;i&gt;Anna</b>" in got.body


async def test_a_nonce_is_new_for_each_answer_and_the_same_in_head_and_page() -> None:
    page = b'<script nonce="%b">1</script><style nonce="%b"></style>'
    hole = Hole("[nonce]", Fill(FillKind.NONCE), "nonce")
    async with shop(policy(hole), page, b"Content-Security-Policy: script-src 'nonce-%b'") as (_, site):
        nonces = set()
        for _ in range(3):
            got = await site.get(b"/", (b"accept-encoding", b"gzip"))
            written = re.findall(rb'nonce="([^"]+)"', got.body)
            assert len(written) == 2 and len(set(written)) == 1
            assert got["content-security-policy"] == f"script-src 'nonce-{written[0].decode()}'"
            nonces.add(written[0])
    assert len(nonces) == 3


async def test_a_nonce_that_a_confirmation_brings_is_nobodys_either() -> None:
    policies = (b"Content-Security-Policy: script-src 'nonce-%b'" % number for number in numbers())

    def say(seen: Seen) -> bytes:
        nonce = next(policies)
        if seen.get(b"if-none-match"):
            return b"HTTP/1.1 304 Not Modified\r\n" + nonce + b"\r\n\r\n"
        return ok(
            b'<script nonce="%b">1</script>' % nonce.partition(b"nonce-")[2].strip(b"'"), HTML, nonce, b'ETag: "1"'
        )

    one = policy(Hole("[nonce]", Fill(FillKind.NONCE), "nonce"))
    publication = replace(published(), policy=one)
    async with Origin(answering(say)) as origin, Site(origin.url, publication=publication) as site:
        await site.get(b"/")
        site.now += 61
        got = await site.get(b"/")
        assert "fwd-status=304" in got["cache-status"]
    (written,) = re.findall(rb'nonce="([^"]+)"', got.body)
    assert got["content-security-policy"] == f"script-src 'nonce-{written.decode()}'"


async def test_a_part_is_fetched_as_the_visitor_and_its_cookies_are_passed_on() -> None:
    hole = Hole("#cart", Fill(FillKind.FETCH, "/part"))
    own = replace(OPEN, cookies=CookieRoles(ignored=("basket",)))
    async with shop(policy(hole, overrides=own), b"<div id=cart>%b</div>") as (origin, site):
        await site.get(b"/")
        for basket in (b"1", b"2"):
            got = await site.get(b"/", (b"cookie", b"basket=" + basket))
            assert b"<div id=cart>part of basket=%b</div>" % basket in got.body
            assert got["set-cookie"] == "basket=1"
        assert [seen.target for seen in origin.requests].count(b"/") == 2


async def test_a_page_that_fails_to_be_decided_still_has_its_holes_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(policy(TOKEN)) as (_, site):
        cookie = (b"cookie", b"csrftoken=" + SECRET.encode())
        await site.get(b"/", cookie)
        broken = replace(published(shown("Hello")), policy=policy(TOKEN), fragments={"variant 0": object()})
        site.gateway.publish(broken)
        got = await site.get(b"/", cookie)
    assert b">d</div>" in got.body
    assert unmasked(token_of(got)) == SECRET


@pytest.mark.parametrize("coding", [b"gzip", b"identity"])
async def test_a_head_and_both_codings_are_answered(coding: bytes) -> None:
    async with shop(policy(TOKEN)) as (_, site):
        cookie = (b"cookie", b"csrftoken=" + SECRET.encode())
        got = await site.get(b"/", cookie, (b"accept-encoding", coding))
        head = await site.get(b"/", cookie, (b"accept-encoding", coding), method=b"HEAD")
    assert unmasked(token_of(got)) == SECRET
    assert (head.body, head["content-length"]) == (b"", got["content-length"])


# -- includes


async def test_a_part_is_asked_with_the_cookie_that_a_hole_beside_it_is_given() -> None:
    made = replace(TOKEN, fill=replace(TOKEN.fill, if_missing=IfMissing.MAKE))
    part = Hole("#cart", Fill(FillKind.FETCH, "/part"))
    async with shop(policy(made, part), FORM + b'<p id="cart"></p>') as (_, site):
        got = await site.get(b"/")
        cookie = re.search(r"csrftoken=(\w+)", got["set-cookie"])
        assert cookie and unmasked(token_of(got)) == cookie[1]
        assert b"part of csrftoken=" + cookie[1].encode() in got.body


def test_what_is_made_by_chance_is_of_any_letter() -> None:
    assert len(_random(32)) == 32 and _random(32) != _random(32)
    assert set(_random(20_000)) == set(ALPHABET)
