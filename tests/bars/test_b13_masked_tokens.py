"""A shop like stock Django: no word about keeping, `Vary: Cookie`, a cookie with every page, a masked forgery token in
every form. By default nothing is kept, and the reason is told. With the policy that `doctor` proposes, pages are kept,
and a hundred visitors' forms all succeed, each by a token of their own.
"""

from __future__ import annotations

import asyncio
import os
import re
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from click.testing import CliRunner

from proxy.cli.doctor import command
from tests.wire.behind import Behind
from tests.wire.django import DjangoShop, secret_of
from tests.wire.origin import Origin

VISITORS = 100
ROUNDS = 20 if os.environ.get("BAR_FULL") else 2
PAGES = ["/contact", "/newsletter", "/contact?utm_source=mail"]
RULES = {
    "a.rules.yaml": "rules:\n  - name: Sale\n    slot: home.hero\n    show: {banner: {title: The sale is on}}\n",
    "slots.yaml": "slots:\n  home.hero: {}\n",
}


class Visitor:
    """A browser with a cookie jar of its own."""

    def __init__(self, client: httpx.AsyncClient, *, has_been_here: bool) -> None:
        self._client = client
        self._has_been_here = has_been_here
        self.cookies: dict[str, str] = {}
        self.secrets: set[str] = set()
        self.hits = 0

    async def sends_a_form(self, path: str) -> None:
        """Opens the page, reads the token in its form, and sends it."""
        if self._has_been_here and not self.cookies:
            await self._opens("/account")  # which nobody keeps: the shop itself gives them their cookie
        page = await self._opens(path)
        self.hits += "; hit" in page.headers["cache-status"]
        assert "The sale is on" in page.text
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w*)"', page.text)
        assert secret_of(token) == self.cookies["csrftoken"]
        self.secrets.add(secret_of(token))
        form = urlencode({"csrfmiddlewaretoken": token, "message": "hello"})
        answer = await self._client.post(path, content=form, headers=self._fields)
        assert answer.status_code == 302, answer.text

    async def _opens(self, path: str) -> httpx.Response:
        answer = await self._client.get(path, headers={**self._fields, "accept": "text/html"})
        for value in answer.headers.get_list("set-cookie"):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(value).items()}
        assert answer.status_code == 200
        return answer

    @property
    def _fields(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}


@pytest.mark.bar("B13")
async def test_by_default_nothing_is_kept_and_the_reason_is_told(tmp_path: Path) -> None:
    async with Origin(DjangoShop()) as origin, Behind(origin.url, RULES, tmp_path) as shop:
        for _ in range(3):
            answer = await shop.client.get("/contact")
            assert answer.headers["cache-status"] == "tailorbird; fwd=bypass; detail=set-cookie"
        assert shop.tailorbird.metrics.get("tailorbird_pages_not_kept_total", "set-cookie") == 1


@pytest.mark.bar("B13")
async def test_with_the_policy_that_doctor_proposes_every_visitors_form_succeeds_by_their_own_token(
    tmp_path: Path,
) -> None:
    django = DjangoShop()
    async with Origin(django) as origin, Behind(origin.url, RULES, tmp_path) as shop:
        options = [f"{origin.url}/contact", "--rules", str(shop.rules), "--path", "/*", "--write"]
        said = await asyncio.to_thread(CliRunner().invoke, command, options)
        assert said.exit_code == 0, said.output
        # What the operator adds: an account's pages are nobody else's, campaigns and forms change nothing.
        account = "pages:\n  - path: /account*\n    store: no\n"
        rest = '  - path: "/*"\n    query: {ignore: [utm_*]}\n    forms change it: no\n'
        policy = (shop.rules / "cache.yaml").read_text()
        shop.write("cache.yaml", policy.replace("pages:\n", account).replace('  - path: "/*"\n', rest))
        async with asyncio.timeout(20):
            while "stored" not in (await shop.client.get("/contact")).headers["cache-status"]:
                await asyncio.sleep(0.05)  # until the folder is read again
        made_before = django.pages

        crowd = [Visitor(shop.client, has_been_here=number % 2 == 0) for number in range(VISITORS)]
        for turn in range(ROUNDS):
            await asyncio.gather(*(one.sends_a_form(PAGES[turn % len(PAGES)]) for one in crowd))

    assert len(django.accepted) == VISITORS * ROUNDS
    assert django.refused == []
    secrets = [secret for one in crowd for secret in one.secrets]
    assert len(secrets) == len(set(secrets)) == VISITORS  # nobody's is another's, and each keeps theirs
    hits = sum(one.hits for one in crowd)
    pages = django.pages - made_before - VISITORS // 2  # without the pages of accounts
    print(f"B13: {len(django.accepted)} of {VISITORS * ROUNDS} forms accepted, none refused; "
          f"{hits} of {VISITORS * ROUNDS} pages from memory, {pages} asked of the shop")  # fmt: skip
    assert pages <= 2  # two addresses, the first of which is in memory; the second was fetched twice, to compare
