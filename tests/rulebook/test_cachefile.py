from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.diagnostics import Finding
from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.page.holes import HOLE_FILLS, Fill, FillKind, Hole, IfMissing
from proxy.rulebook.cachefile import COOKIES, FILE, HOLE, PAGE, QUERY, read_policy
from proxy.rulebook.policy import PagePolicy, Policy
from proxy.rulebook.read import read_yaml
from tests.rulebook.conftest import Publish

WHOLE = """pages:
  - path: /account*
    store: no
  - path: /*
    fresh: 5 minutes
    while renewing: 30 seconds
    if down: 1 hour
    despite: [private, no-cache]
    cookies:
      own: [sessionid]
      key: currency
      ignore: [seen_*]
    query:
      ignore: [utm_*, gclid]
    drop set-cookie: [csrftoken]
    includes: yes
    compare: no
    holes:
      - find: input[name=csrfmiddlewaretoken]
        attribute: value
        fill: django token from csrftoken
        without cookie: make one
      - find: "#cart"
        fill: fetch /fragments/cart
        otherwise: Cart
"""


def read(text: str) -> tuple[Policy, list[Finding]]:
    findings: list[Finding] = []
    root = read_yaml("cache.yaml", text, findings)
    assert root is not None
    return read_policy(root, findings), findings


RECIPES = re.findall(
    r"```yaml\n(pages:\n.*?)```", (Path(__file__).parents[2] / "docs/origins.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_a_recipe_of_the_guide_may_be_copied_as_it_stands(recipe: str) -> None:
    policy, findings = read(recipe)
    assert policy.pages and not findings


def test_the_guide_has_recipes() -> None:
    assert len(RECIPES) > 4


def test_what_says_nothing_as_it_stands_is_reported() -> None:
    holes = "holes: [{find: b, fill: nothing, otherwise: x}, {find: b, fill: fetch /a, otherwise: x}]"
    _, findings = read(f"pages:\n  - path: /a\n    store: no\n    fresh: 1 hour\n    compare: no\n    {holes}")
    assert [(one.code, one.what, one.is_warning) for one in findings] == [
        ("L13", '"fresh" changes nothing here', True),
        ("L13", '"compare" changes nothing here', True),
        ("L13", '"otherwise" changes nothing here', True),
    ]


@pytest.mark.parametrize(
    ("said", "is_passed_on"),
    [("store: no, slots: no", True), ("slots: no", False), ("store: no, slots: no, includes: yes", False)],
)
def test_pages_without_slots_are_passed_on_where_nothing_else_is_filled(said: str, *, is_passed_on: bool) -> None:
    policy, findings = read(f"pages: [{{path: /a, {said}}}]")
    assert policy.pages[0].is_passed_on is is_passed_on
    assert [(one.code, one.what) for one in findings] == (
        [] if is_passed_on else [("L13", '"slots" changes nothing here')]
    )


def test_a_whole_file() -> None:
    policy, findings = read(WHOLE)
    token = Fill(FillKind.DJANGO_TOKEN, "csrftoken", if_missing=IfMissing.MAKE)
    cart = Fill(FillKind.FETCH, "/fragments/cart", default_text="Cart")
    overrides = CacheOverrides(
        fresh_seconds=300,
        stale_while_revalidate=30,
        stale_if_error=3600,
        overruled=frozenset({"private", "no-cache"}),
        cookies=CookieRoles(("sessionid",), ("currency",), ("seen_*",)),
        ignored_parameters=("utm_*", "gclid"),
        dropped_cookies=("csrftoken",),
    )
    assert not findings
    assert policy.pages == (
        PagePolicy("/account*", is_kept=False),
        PagePolicy(
            "/*",
            overrides,
            (Hole("input[name=csrfmiddlewaretoken]", token, "value"), Hole("#cart", cart)),
            is_compared=False,
            has_includes=True,
        ),
    )


@pytest.mark.parametrize(
    ("line", "what", "help"),
    [
        ("fersh: 5 minutes", 'I do not know "fersh" in a page', 'did you mean "fresh"?'),
        ("fresh: 5 min", '"fresh" cannot be "5 min"', "write: 5 minutes"),
        ("store: maybe", '"store" cannot be "maybe"', "write one of: yes, no"),
        ("despite: privat", '"despite" cannot be "privat"', 'did you mean "private"?'),
        ("cookies: {key: [a*]}", '"key" cannot be "a*"', "write the whole name of a cookie"),
        ("cookies: {own: [a b]}", '"own" cannot be "a b"', "write a cookie's name"),
        ("cookies: {won: [a]}", 'I do not know "won" in a part about cookies', 'did you mean "own"?'),
        ("query: {olny: [a]}", 'I do not know "olny" in a query', 'did you mean "only"?'),
        ("holes: [{find: '[', fill: nothing}]", "`[` is not a CSS selector", "write one like"),
        ("holes: [{find: a, fill: cookei x}]", '"fill" cannot be "cookei x"', "did you mean"),
        ("holes: [{find: a, fill: cookie}]", '"fill" cannot be "cookie"', "write it like: cookie form_key"),
        ("holes: [{find: a, fill: fetch //x}]", '"fill" cannot be "fetch //x"', "write it like: fetch /"),
        ("holes: [{find: a, fill: fetch /_tb/x}]", '"fill" cannot be "fetch /_tb/x"', "write it like: fetch /"),
        ("holes: [{find: a, fill: fresh nonce x}]", '"fill" cannot be "fresh nonce x"', "write it like: fresh nonce"),
        ("holes: [{find: a}]", 'this hole has no "fill"', 'add "fill:"'),
        ("holes: [{find: a, fill: nothing, attribute: a b}]", '"attribute" cannot be "a b"', "write the name"),
        ("holes: [{find: a, fill: nothing, without cookie: make one}]", '"without cookie" cannot be', "remove"),
        ("holes: [{find: a, fill: cookie x, without cookie: make}]", '"without cookie" cannot be', "did you mean"),
    ],
)
def test_what_is_wrong_is_reported_with_its_place_and_how_to_mend_it(line: str, what: str, help: str) -> None:
    _, findings = read(f"pages:\n  - path: /\n    {line}\n")
    assert len(findings) == 1
    assert findings[0].what.startswith(what) and findings[0].help.startswith(help)
    assert findings[0].place.line == 3


def test_a_path_begins_with_a_slash() -> None:
    _, findings = read("pages:\n  - path: sale\n")
    assert [(finding.code, finding.place.line) for finding in findings] == [("R304", 2)]


@pytest.mark.parametrize("paths", [("/c/*", "/c/new"), ("/*", "/c/*"), ("/a", "/a")])
def test_a_part_that_never_counts_is_reported(paths: tuple[str, str]) -> None:
    _, findings = read("pages:\n  - path: {}\n    store: no\n  - path: {}\n    store: yes\n".format(*paths))
    assert [(finding.code, finding.place.line) for finding in findings] == [("R701", 4)]
    _, findings = read("pages:\n  - path: /c/*\n    store: no\n  - path: /*\n    store: yes\n")
    assert not findings


def test_parameters_make_a_pattern_narrower() -> None:
    narrow, wide = "  - path: /en?route=account/*\n    store: no\n", "  - path: /en\n    store: yes\n"
    assert not read("pages:\n" + narrow + wide)[1]
    assert [finding.code for finding in read("pages:\n" + wide + narrow)[1]] == ["R701"]
    assert [finding.code for finding in read("pages:\n" + narrow + narrow)[1]] == ["R701"]
    policy, _ = read("pages:\n  - path: /caf%C3%A9?q=R%26D\n    store: no\n")
    assert (policy.pages[0].path, policy.pages[0].parameters) == ("/caf\u00e9", (("q", "R&D"),))


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ("fresh: 5 minutes", ["L11"]),
        ("fresh: 5 minutes\n    cookies: {ignore: ['*']}", []),
        ("fresh: 5 minutes\n    store: no", ["L13"]),
        ("if down: 5 minutes", []),
    ],
)
def test_a_lifetime_that_forgets_who_is_logged_in_is_doubted(lines: str, codes: list[str]) -> None:
    _, findings = read(f"pages:\n  - path: /c/*\n    {lines}\n")
    assert [finding.code for finding in findings] == codes
    assert all(finding.is_warning for finding in findings)


def test_an_address_that_answers_when_there_is_news_may_take_its_time() -> None:
    policy, findings = read("pages:\n  - path: /news\n    store: no\n    wait: 1 minute\n")
    assert not findings
    assert policy.pages[0].wait_seconds == 60


@pytest.mark.parametrize(
    ("lines", "code", "help"),
    [
        ("store: no\n    wait: 0 seconds", "R304", "write a time from 1 second to 1 hour, as 1 minute"),
        ("store: no\n    wait: 2 hours", "R304", "write a time from 1 second to 1 hour, as 1 minute"),
        ("store: no\n    wait: 60s", "R304", "write: 60 seconds"),
        ("store: no\n    wait: long", "R304", "write a number and seconds, minutes, hours or days, as 5 minutes"),
        ("store: no\n    waits: 1 minute", "R101", 'did you mean "wait"?'),
        (
            "wait: 1 minute",
            "R703",
            "add `store: no`; where the whole shop is slow, set TAILORBIRD_FIRST_BYTE_TIMEOUT_MS instead",
        ),
    ],
)
def test_a_wait_that_cannot_be_is_reported(lines: str, code: str, help: str) -> None:
    _, (finding,) = read(f"pages:\n  - path: /news\n    {lines}\n")
    assert (finding.code, str(finding.help)) == (code, help)


def test_a_part_without_a_path_is_reported_once() -> None:
    _, findings = read("pages:\n  - {fresh: 1 minute}\n")
    assert [finding.code for finding in findings] == ["R103"]


def test_every_word_says_what_stands_behind_it_and_every_example_is_understood() -> None:
    assert all(word.help for word in (*FILE, *PAGE, *COOKIES, *QUERY, *HOLE))
    for row in HOLE_FILLS:
        policy, findings = read(f"pages:\n  - path: /\n    holes:\n      - find: a\n        fill: {row.example}\n")
        assert not findings
        assert policy.pages[0].holes[0].fill.kind is row.kind


def test_the_folder_is_checked_with_it_and_published_with_it(publish: Publish) -> None:
    good = publish("rules: []", **{"cache.yaml": WHOLE}).publication
    assert good is not None and len(good.policy.pages) == 2
    bad = publish("rules: []", **{"cache.yaml": "pages:\n  - path: /\n    fresh: soon\n"})
    assert bad.publication is None
    assert str(bad.findings[0].place) == "cache.yaml:3"


@pytest.mark.parametrize("attribute", ["href", "OnClick", "style", "src", "formaction"])
def test_a_cookie_may_not_say_what_is_run_or_followed(attribute: str) -> None:
    hole = "pages: [{path: /, holes: [{find: a, attribute: %s, fill: %s}]}]"
    assert [finding.code for finding in read(hole % (attribute, "cookie x"))[1]] == ["R702"]
    assert not read(hole % (attribute, "fetch /x"))[1]
