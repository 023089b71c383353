from __future__ import annotations

import pytest

from proxy.http.message import Request
from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.rulebook.policy import PagePolicy
from proxy.serve.personal import Personal

PERSONAL = Personal(["_ga*", "_fbp", "a.b*"])


def asked(*fields: tuple[bytes, bytes]) -> Request:
    return Request(b"GET", b"/", b"", b"shop.example", fields)


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (b"", False),
        (b"_ga=1; _ga_XYZ=2; _fbp=3", False),
        (b"__Host-tb_v=x; __Host-tb_s=y", False),
        (b"tb_v=x; TB_S=y", False),
        (b"session=1", True),
        (b"_ga=1; session=1", True),
        (b"_fbp2=1", True),
        (b"x_ga=1", True),
        (b"axb=1", True),
        (b"a.bc=1", False),
        (b"nameless", True),
        (b"; ;", False),
        (b"_ga=session=1", False),
    ],
)
def test_only_cookies_that_may_matter_make_a_request_personal(cookie: bytes, expected: bool) -> None:
    assert PERSONAL.is_personal(asked((b"accept", b"*/*"), (b"cookie", cookie))) is expected


def test_a_cookie_that_mattered_before_matters_again_and_no_other_that_looks_like_it() -> None:
    personal = Personal(["_ga*"])
    cookies = (b"_ga=1; sid=1", b"_ga=1; sid=2", b"sid=3", b"_ga=1;sid", b"_ga=sid=1", b"_ga=1; sid2=1", b"_ga=; _gb=1")
    expected = [True, True, True, True, False, True, True]
    for _ in range(2):
        assert [personal.is_personal(asked((b"cookie", cookie))) for cookie in cookies] == expected


def test_each_line_of_cookies_counts() -> None:
    assert PERSONAL.is_personal(asked((b"cookie", b"_ga=1"), (b"cookie", b"session=1")))


def test_credentials_make_a_request_personal() -> None:
    assert PERSONAL.is_personal(asked((b"authorization", b"Basic x")))
    assert not PERSONAL.is_personal(asked())


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (b"", ""),
        (b"_ga=1; tb_v=x; currency=EUR; seen_1=y", ""),
        (b"session=1", "cookies"),
        (b"currency=EUR; unheard_of=1", "cookies"),
        (b"_fbp=1", "cookies"),
    ],
)
def test_where_an_operator_says_what_cookies_are_any_other_makes_a_request_its_visitors_own(
    cookie: bytes, expected: str
) -> None:
    roles = CookieRoles(own=("session", "_fbp", "tb_*"), key=("currency",), ignored=("seen_*",))
    policy = PagePolicy("/*", CacheOverrides(cookies=roles))
    assert PERSONAL.why_own(policy, ((b"cookie", cookie),)) == expected


def test_a_page_that_is_not_to_be_kept_is_its_visitors_own() -> None:
    assert PERSONAL.why_own(PagePolicy("/*", is_kept=False), ()) == "policy"
    assert PERSONAL.why_own(PagePolicy("/*"), ((b"cookie", b"session=1"),)) == ""
