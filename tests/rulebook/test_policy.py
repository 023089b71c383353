from __future__ import annotations

import pytest

from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.page.holes import Fill, FillKind, Hole
from proxy.rulebook.policy import NO_POLICY, PagePolicy, Policy

POLICY = Policy((PagePolicy("/c/new"), PagePolicy("/c/*"), PagePolicy("/caf\u00e9")))


@pytest.mark.parametrize(
    ("path", "pattern"),
    [(b"/c/new", "/c/new"), (b"/c/", "/c/*"), (b"/c/newer", "/c/*"), (b"/caf%C3%A9", "/caf\u00e9"), (b"/", None)],
)
def test_the_first_pattern_that_fits_counts(path: bytes, pattern: str | None) -> None:
    for _ in range(2):  # looked up, then remembered
        page = POLICY.of(path)
        assert (page.pattern if page else None) == pattern


@pytest.mark.parametrize(
    ("path", "query", "pattern"),
    [
        (b"/index.php", b"language=en&route=checkout%2Fcart", "/index.php?route=checkout/*"),
        (b"/en", b"route=account/login", "/*?route=account/*"),
        (b"/index.php", b"route=product", "/*"),
        (b"/index.php", b"", "/*"),
        (b"/other.php", b"route=checkout/cart", "/*"),
        (b"/en", b"%72oute=account/login", "/*?route=account/*"),
        (b"/en", b"a&preview=1", "/*?preview"),
        (b"/en", b"preview", "/*?preview"),
        (b"/en", b"q=R%26D+x", "/*?q=R%26D+x"),
    ],
)
def test_parameters_of_a_pattern_are_asked_for(path: bytes, query: bytes, pattern: str) -> None:
    patterns = "/index.php?route=checkout/*", "/*?route=account/*", "/*?preview", "/*?q=R%26D+x", "/*"
    policy = Policy(tuple(map(PagePolicy, patterns)))
    for _ in range(2):
        page = policy.of(path, query)
        assert page is not None and page.pattern == pattern


def test_without_a_policy_nothing_is_said_of_any_page() -> None:
    assert NO_POLICY.of(b"/") is None


def test_cookies_that_holes_are_filled_from_make_no_difference_to_the_page() -> None:
    token = Hole("input", Fill(FillKind.DJANGO_TOKEN, "csrftoken"), "value")
    page = PagePolicy("/", CacheOverrides(cookies=CookieRoles(own=("sessionid",))), holes=(token,))
    assert page.cookies is not None
    assert page.cookies.is_settled(b"csrftoken") and not page.cookies.is_settled(b"other")
    assert PagePolicy("/", holes=(token,)).cookies is None


def test_the_same_policy_read_again_is_the_same() -> None:
    POLICY.of(b"/c/new")
    assert Policy(POLICY.pages) == POLICY


def test_what_a_hole_fetches_is_each_visitors_own_unless_a_policy_is_for_that_very_path() -> None:
    token = Hole("input", Fill(FillKind.FETCH, "/csrf?form=1"), "value")
    everything = PagePolicy("/*", holes=(token,))
    policy, exact = Policy((everything,)), Policy((PagePolicy("/csrf"), everything))
    for path, is_kept in ((b"/csrf", False), (b"/%63srf", False), (b"/csrfs", True)):
        page = policy.of(path)
        assert page is not None and page.is_kept is is_kept
    page = exact.of(b"/csrf")
    assert page is not None and page.is_kept
