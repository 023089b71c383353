"""Cookies that we mint, and those that other languages do by what the docs say."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from proxy.errors import OperatorError
from proxy.model import Visitor
from proxy.settings import Settings
from proxy.visitors.visitor import Cookies
from tests.visitors.test_visitor import ANNA, COOKIES, NOW, ROOT, SECRET, header


def test_a_new_visitor_is_random_and_recognised() -> None:
    visitor, set_cookie = COOKIES.new_visitor(NOW + 0.75)
    other, _ = COOKIES.new_visitor(NOW)
    assert re.fullmatch("[0-9a-f]{32}", visitor.id) and visitor.id != other.id
    assert COOKIES.read(set_cookie.partition(b";")[0], NOW) == visitor


def test_many_new_visitors_of_a_second_differ_and_each_is_recognised() -> None:
    given = [COOKIES.new_visitor(NOW + 7) for _ in range(100)]
    assert len({visitor.id for visitor, _ in given}) == 100
    assert all(COOKIES.read(cookie.partition(b";")[0], NOW + 7) == visitor for visitor, cookie in given)


def test_the_cookies_are_locked_to_the_host_and_hidden_from_scripts() -> None:
    session = COOKIES.visitor_cookie("anna", NOW)
    assert session.partition(b"; ")[2] == b"Path=/; HttpOnly; SameSite=Lax; Secure"
    assert session.startswith(b"__Host-tb_v=v1.")
    assert COOKIES.segment_cookie("anna", ["VIP"], NOW, 60).endswith(b"; Secure; Max-Age=60")


def test_a_persistent_cookie_says_how_long() -> None:
    persistent = Cookies.from_settings(Settings(secret=SECRET, visitor_cookie="persistent", visitor_cookie_days=2))
    assert persistent.visitor_cookie("anna", NOW).endswith(b"; Max-Age=172800")


def test_only_the_demo_does_without_the_prefix() -> None:
    demo = Cookies(SECRET, is_demo=True)
    cookie = demo.visitor_cookie("anna", NOW)
    assert cookie.startswith(b"tb_v=") and b"Secure" not in cookie
    assert demo.read(cookie.partition(b";")[0], NOW).id == "anna"


def test_the_settings_say_how_long_segments_count() -> None:
    cookies = Cookies.from_settings(Settings(secret=SECRET, segment_cookie_seconds=10))
    sent = header(ANNA, cookies.segments_pair("anna", ["VIP"], NOW))
    assert cookies.read(sent, NOW + 9).segments and not cookies.read(sent, NOW + 10).segments


def test_what_does_not_fit_is_refused_when_minted() -> None:
    with pytest.raises(OperatorError, match="more than 512"):
        COOKIES.segments_pair("anna", [f"segment number {number}" for number in range(40)], NOW)
    with pytest.raises(OperatorError, match="cannot be a visitor id"):
        COOKIES.visitor_pair("anna@example.com", NOW)


# -- other languages


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_example_in_the_documentation_mints_cookies_we_read() -> None:
    example = re.search(r"```js\n(.*?)```", (ROOT / "docs/cookies.md").read_text(), re.DOTALL)
    assert example is not None
    call = f'\nconsole.log(cookies("{SECRET}", "anna", ["Läufer im Trail", "VIP"], {int(NOW)}));'
    node = subprocess.run(["node", "-e", example[1] + call], capture_output=True, text=True, check=True, timeout=20)
    visitor = COOKIES.read(node.stdout.strip().encode(), NOW)
    assert visitor == Visitor("anna", NOW, frozenset({"VIP", "Läufer im Trail"}))
