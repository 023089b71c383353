"""`tailorbird preview` prints a link that the proxy takes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from proxy.visitors.context import request_of
from proxy.visitors.persona import Persona
from proxy.visitors.preview import Preview, Tokens
from tests.cli.desk import RULES, Desk

SECRET = "a-secret-for-tests-long-enough"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, TAILORBIRD_SECRET=SECRET)


def preview_of(link: str) -> Preview:
    token = link.strip().partition("__tb=")[2].encode()
    cookie = request_of("/")
    cookie.headers = ((b"cookie", b"__Host-tb_p=" + token),)
    preview = Tokens(SECRET).preview_in(cookie, time.time())
    assert preview is not None
    return preview


def test_it_says_who_when_and_what(desk: Desk) -> None:
    desk.save(RULES + "segments: {VIP: {}}\n")
    who = ["--segment", "VIP", "--country", "no", "--device", "phone"]
    options = ["--draft", *who, "--at", "2026-11-25T12:00+00:00", "--for", "5min"]
    code, link = desk.say("preview", "https://shop.example/sale?a=1", *options)
    assert (code, link.startswith("https://shop.example/sale?a=1&__tb=v1.")) == (0, True)
    preview = preview_of(link)
    assert preview.draft == "draft"
    assert preview.persona == Persona("", ("VIP",), 1_795_608_000.0, {"country": "NO", "device": "phone"})
    assert 290 < preview.exp - time.time() <= 300


def test_a_link_to_another_host_than_the_shops_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TAILORBIRD_SECRET=SECRET, TAILORBIRD_ALLOWED_HOSTS="shop.example")
    desk.save(RULES)
    assert desk.say("preview", "https://shop.example/", "--draft")[0] == 0
    code, output = desk.say("preview", "https://shop.test/", "--draft")
    assert (code, "`shop.test` is no host of the shop" in output) == (2, True)


def test_a_segment_that_no_rule_file_has_is_refused(desk: Desk) -> None:
    desk.save(RULES + "segments: {VIP: {}}\n")
    code, output = desk.say("preview", "https://shop.example/", "--draft", "--segment", "VPI")
    assert (code, 'there is no segment `VPI`; did you mean "VIP"?' in output) == (2, True)


def test_it_may_be_the_visitor_of_a_test_on_a_version(desk: Desk) -> None:
    desk.publish(RULES)
    preview = preview_of(desk.say("preview", "https://shop.example", "--version", "1", "--as", "Dutch")[1])
    assert (preview.draft, preview.persona) == ("1", Persona(case="Dutch"))


def test_a_folder_is_named_by_its_whole_path(desk: Desk) -> None:
    preview = preview_of(desk.say("preview", "https://shop.example/", "--draft", str(desk.rules))[1])
    assert preview.draft == str(desk.rules.resolve())


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["/sale"], "is not the whole address"),
        (["https://shop.example/", "--for", "2h"], "no time up to an hour"),
        (["https://shop.example/", "--for", "soon"], "no time up to an hour"),
        (["https://shop.example/", "--as", "Duthc"], 'did you mean "Dutch"?'),
        (["https://shop.example/", "--draft", "/no/such/folder"], "there is no folder"),
        (["https://shop.example/", "--country", "UK"], "not the two letters of a country"),
    ],
)
def test_what_makes_no_sense_is_reported(desk: Desk, arguments: list[str], problem: str) -> None:
    code, output = desk.say("preview", *arguments)
    assert (code, problem in output) == (2, True)


def test_a_draft_with_mistakes_gives_no_link(desk: Desk) -> None:
    desk.save(RULES.replace("NL, BE", "NL, UK"))
    code, output = desk.say("preview", "https://shop.example/", "--draft")
    assert (code, "R304" in output, "__tb" in output) == (1, True, False)


def test_without_a_key_there_is_no_link(tmp_path: Path) -> None:
    code, output = Desk(tmp_path, TAILORBIRD_SECRET="").say("preview", "https://shop.example/")
    assert (code, "TAILORBIRD_SECRET" in output) == (1, True)


def test_a_path_is_enough_where_a_setting_says_where_the_shop_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILORBIRD_SHOP_URL", "https://shop.example")
    assert desk.say("preview", "/sale", "--draft")[1].startswith("https://shop.example/sale?__tb=")
