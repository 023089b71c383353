from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.diagnostics import Finding
from proxy.doctor.fetched import FetchedPage, Level
from proxy.doctor.proposal import Copies, Proposal, is_in_place, policy_line, proposal_lines, proposed
from proxy.model import Headers
from proxy.page.tokens import masked
from proxy.rulebook.cachefile import read_policy
from proxy.rulebook.policy import Policy
from proxy.rulebook.read import read_yaml
from proxy.settings import Settings

PAGE = b"<!doctype html>\n<p>%b</p><form>%b</form>"
KEPT = ((b"cache-control", b"max-age=60"),)


def page_of(body: bytes, *fields: tuple[bytes, bytes]) -> FetchedPage:
    headers: Headers = ((b"content-type", b"text/html; charset=utf-8"), *fields)
    return FetchedPage("/c", is_https=False, status=200, headers=headers, body=body, now=0.0, settings=Settings())


def copies(one: FetchedPage, other: FetchedPage | None = None, known: FetchedPage | None = None) -> Copies:
    return Copies(one, other or one, known, "/c")


def policy_of(pages: str) -> Policy:
    findings: list[Finding] = []
    root = read_yaml("cache.yaml", "pages:\n" + pages, findings)
    assert root is not None
    policy = read_policy(root, findings)
    assert not [one for one in findings if not one.is_warning]
    return policy


def as_read(proposal: Proposal) -> None:
    """The proposal's text, read again, says what the proposal says."""
    policy = policy_of(proposal.text)
    if not proposal.unsolved:
        assert policy.pages[0].holes == proposal.policy.holes
        assert policy.pages[0].overrides.fresh_seconds == proposal.policy.overrides.fresh_seconds
        assert policy.pages[0].overrides.cookies == proposal.policy.overrides.cookies
    else:
        assert not policy.pages[0].is_kept


def proposal_for(*args: FetchedPage) -> Proposal:
    made = proposed(copies(*args))
    assert made is not None
    as_read(made)
    return made


def test_a_page_that_is_the_same_for_everybody_and_says_so_needs_none() -> None:
    one = copies(page_of(PAGE, *KEPT))
    assert proposed(one) is None
    assert [line.level for line in proposal_lines(one, None)] == [Level.OK]


def test_of_a_page_that_says_so_and_is_new_each_time_only_the_place_is_reported() -> None:
    one = copies(page_of(PAGE % (b"1", b""), *KEPT), page_of(PAGE % (b"2", b""), *KEPT))
    assert proposed(one) is None
    (line,) = proposal_lines(one, None)
    assert (line.level, "differ at html > body > p, line 2" in line.says) == (Level.WARN, True)


def test_a_lifetime_is_proposed_for_a_page_without_one() -> None:
    made = proposal_for(page_of(PAGE))
    assert (made.policy.overrides.fresh_seconds, made.policy.holes) == (60, ())
    assert "the page is kept" in next(proposal_lines(copies(page_of(PAGE)), made)).says


def test_a_page_that_says_nothing_of_keeping_is_never_kept_for_who_is_logged_in() -> None:
    assert "cookies:\n" in proposal_for(page_of(PAGE)).text
    assert proposal_for(page_of(PAGE, *KEPT, (b"vary", b"Accept, Cookie"))).policy.overrides.fresh_seconds is None


def test_a_token_is_filled_from_the_cookie_that_it_follows_from() -> None:
    secrets = [("a" * 32, "b" * 32), ("c" * 32, "d" * 32)]
    pages = []
    for secret, mask in secrets:
        field = b'<input name="csrfmiddlewaretoken" value="%b">' % masked(secret, mask).encode()
        cookie = (b"set-cookie", b"csrftoken=%b; Path=/" % secret.encode())
        pages.append(page_of(PAGE % (b"", field), (b"vary", b"Cookie"), cookie))
    made = proposal_for(*pages)
    assert "fill: django token from csrftoken" in made.text and "without cookie: make one" in made.text
    assert "own: [sessionid, messages]" in made.text


def test_a_token_that_is_the_cookie_is_filled_with_it_and_never_made() -> None:
    pages = [
        page_of(PAGE % (b"", b"<input name=form_key value=%b>" % key), *KEPT, (b"set-cookie", b"form_key=" + key))
        for key in (b"abcdefgh", b"ijklmnop")
    ]
    made = proposal_for(*pages)
    assert "fill: cookie form_key" in made.text and "without cookie" not in made.text
    assert made.policy.overrides.fresh_seconds is None


def test_a_token_that_follows_from_no_cookie_keeps_the_page_each_visitors_own() -> None:
    pages = [
        page_of(PAGE % (b"", b"<input name=authenticity_token value=%b>" % key), *KEPT) for key in (b"abc", b"def")
    ]
    made = proposal_for(*pages)
    assert made.unsolved == ("the page cannot be kept: csrf-token at html > body > form > input@value, line 2",)
    assert "store: no" in made.text


def test_a_page_that_is_each_visitors_own_is_left_out_by_its_parameters() -> None:
    form = b"<input name=authenticity_token value=abc>"
    page = replace(page_of(PAGE % (b"", form), *KEPT), query="route=account/login")
    made = proposed(Copies(page, page, None, "/*"))
    assert made is not None
    policy = policy_of(made.text)
    assert policy.of(b"/c", b"lang=en&route=account%2Flogin") and not policy.of(b"/c", b"route=home")


def test_for_a_token_that_the_shop_could_answer_alone_that_way_is_reported() -> None:
    field = b"<input name=authenticity_token value=%b>"
    pages = [
        page_of(PAGE % (b"", field % key), *KEPT, (b"vary", b"Cookie"), (b"set-cookie", b"_shop_session=x" + key))
        for key in (b"abcdefgh", b"ijklmnop")
    ]
    made = proposal_for(*pages)
    assert "# Where the shop answers the bare token of whoever asks, at /csrf say" in made.text
    told_as_comment = [
        line.removeprefix("    # ") for line in made.text.partition("instead of that:\n")[2].splitlines()
    ]
    (policy,) = policy_of("  - path: /c\n" + "".join(f"    {line}\n" for line in told_as_comment)).pages
    assert policy.holes[0].fill.source == "/csrf"
    assert policy_line(copies(*pages), policy) == (
        Level.OK,
        "policy",
        'by cache.yaml, for "/c", the page is kept',
        "",
    )
    changing = [page_of(page.body + b"<p>%d" % number, *page.headers[1:]) for number, page in enumerate(pages)]
    assert proposal_for(*changing).with_help is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("    store: no\n", 'by cache.yaml, for "/c", every visitor asks the shop'),
        ("    fresh: 1 minute\n    cookies: {own: [sid]}\n    drop set-cookie: [sid]\n", "the page is kept"),
        (
            "    fresh: 1 minute\n    cookies: {ignore: [sid]}\n    drop set-cookie: [sid]\n",
            "with its own cookies it diff",
        ),
        ("    fresh: 1 minute\n    cookies: {own: [sid]}\n", "is not enough: set-cookie"),
        ("    fresh: 1 minute\n    drop set-cookie: [sid]\n", "is not enough: vary-cookie"),
    ],
)
def test_what_a_policy_in_the_folder_makes_of_the_page_is_reported(said: str, expected: str) -> None:
    fields = ((b"vary", b"Cookie"), (b"set-cookie", b"sid=1"))
    stranger, known = page_of(PAGE % (b"Hello", b""), *fields), page_of(PAGE % (b"Hello Anna", b""), *fields)
    (policy,) = policy_of("  - path: /c\n" + said).pages
    line = policy_line(copies(stranger, stranger, known), policy)
    assert expected in line.says
    assert (line.level is Level.WARN) == bool(line.fix) == ("not enough" in line.says)


def test_an_id_that_is_made_up_each_time_may_be_anybodys() -> None:
    pages = copies(*(page_of(PAGE % (b"<i id=i%d>" % number, b""), *KEPT) for number in (1, 2)))
    (said,) = proposal_lines(pages, proposed(pages))
    assert "say `compare: no` of the page" in said.fix
    (compared, anybodys) = (
        policy_line(pages, policy_of("  - path: /c\n    fresh: 1 minute\n" + more).pages[0])
        for more in ("", "    compare: no\n")
    )
    assert (compared.level, compared.fix, anybodys.level) == (Level.WARN, said.fix, Level.OK)
    secret = PAGE % (b"", b"<input name=authenticity_token value=abc>")
    policy = policy_of("  - path: /c\n    fresh: 1 minute\n    compare: no\n").pages[0]
    assert "csrf-token" in policy_line(copies(page_of(secret, *KEPT)), policy).says


def test_a_nonce_becomes_a_hole() -> None:
    pages = [
        page_of(b"<script nonce=%b>1</script>" % nonce, (b"content-security-policy", b"script-src 'nonce-%b'" % nonce))
        for nonce in (b"abcdefgh", b"ijklmnop")
    ]
    assert 'find: "[nonce]"' in proposal_for(*pages).text
    left = [page_of(one.body + one.body.replace(b"<script nonce=", b"<p data-n="), *one.headers[1:]) for one in pages]
    assert proposal_for(*left).unsolved == ("the page cannot be kept: hole-elsewhere at the page, line 1",)


def test_a_meta_element_that_tells_the_nonce_to_scripts_becomes_a_hole_too() -> None:
    pages = [
        page_of(
            b"<meta name=csp-nonce content=%b><meta name=made content=here><script nonce=%b>1</script>"
            % (2 * (nonce,)),
            (b"content-security-policy", b"script-src 'nonce-%b'" % nonce),
        )
        for nonce in (b"abcdefgh", b"ijklmnop")
    ]
    found = proposal_for(*pages)
    assert not found.unsolved
    assert [hole.selector for hole in found.policy.holes] == ["[nonce]", "meta[name=csp-nonce]"]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ((b"1", b"2"), "two fetches differ at"),
        ((b"1", b"1", b"2"), "with its own cookies it differs at"),
        ((b"1<!-- 0.1 s -->", b"1<!-- 0.2 s -->", b"2<!-- 0.3 s -->"), "with its own cookies it differs at"),
    ],
)
def test_what_is_new_each_time_or_for_each_visitor_keeps_the_page_their_own(
    texts: tuple[bytes, ...], reason: str
) -> None:
    pages = [page_of(PAGE % (text, b""), (b"set-cookie", b"basket=1")) for text in texts]
    assert proposal_for(*pages).unsolved[0].startswith(reason)


def test_what_the_shop_says_itself_is_overruled_by_people_only() -> None:
    page = page_of(PAGE, (b"cache-control", b"private, no-store"))
    made = proposal_for(page)
    assert "# despite: [private, no-store]" in made.text
    line = next(proposal_lines(copies(page), made))
    assert line.says == "with the policy below the page still is each visitor's own: no-store"
    assert line.fix.endswith("add `despite: [private, no-store]`")


def test_what_stands_in_the_folder_is_not_proposed_again() -> None:
    page = page_of(PAGE, (b"cache-control", b"private, no-store"), (b"set-cookie", b"PHPSESSID=1"))
    made = proposal_for(page)
    (standing,) = policy_of(made.text.replace("path: /c", "path: /*")).pages
    assert is_in_place(made, standing) and not is_in_place(made, replace(standing, is_kept=False))
    line = policy_line(copies(page), standing)
    assert "is not enough: no-store" in line.says and line.fix.endswith("add `despite: [private, no-store]`")


def test_cookies_that_mean_somebody_make_their_own_page() -> None:
    made = proposal_for(page_of(PAGE, (b"set-cookie", b"PHPSESSID=1"), (b"set-cookie", b"a b=1")))
    assert "own: [PHPSESSID]\n    drop set-cookie: [PHPSESSID]\n" in made.text
