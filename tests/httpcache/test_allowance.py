from __future__ import annotations

import pytest

from proxy.httpcache.allowance import Allowance, CookieRoles, names_pattern
from proxy.httpcache.policy import may_store
from proxy.httpcache.stored import Choices, judged
from proxy.model import Headers

HTML: Headers = ((b"content-type", b"text/html"),)
CHOICES = Choices(targeted_fields=(b"surrogate-control",))


def may_keep(allowance: Allowance, *fields: tuple[bytes, bytes], status: int = 200) -> tuple[str, float]:
    """The verdict on an answer with these fields, and its lifetime."""
    kept = allowance.kept((*HTML, *fields), status, 0.0, CHOICES)
    choices = allowance.choices(CHOICES)
    verdict = may_store(b"GET", (), status, allowance.judged_by(kept), 0.0, choices)
    return verdict.reason, judged(status, kept, 0.0, choices)[1].seconds


FIVE_MINUTES = Allowance(fresh=300)
OPEN = Allowance(fresh=300, cookies=CookieRoles(own=("sessionid",)), dropped_cookies=("csrf*",))


@pytest.mark.parametrize(
    ("allowance", "fields", "expected"),
    [
        (Allowance(), (), ("no-lifetime", 0)),
        (FIVE_MINUTES, (), ("storable", 300)),
        (FIVE_MINUTES, ((b"cache-control", b"max-age=9"),), ("storable", 300)),
        (FIVE_MINUTES, ((b"surrogate-control", b"max-age=9"),), ("storable", 300)),
        (FIVE_MINUTES, ((b"cache-control", b"private"),), ("private", 300)),
        (FIVE_MINUTES, ((b"cache-control", b"no-store"),), ("no-store", 300)),
        (Allowance(fresh=300, despite=frozenset({"private"})), ((b"cache-control", b"private"),), ("storable", 300)),
        (Allowance(despite=frozenset({"private"})), ((b"cache-control", b"private, max-age=9"),), ("storable", 9)),
        (Allowance(despite=frozenset({"private"})), ((b"cache-control", b"private"),), ("no-lifetime", 0)),
        (FIVE_MINUTES, ((b"vary", b"Cookie"),), ("vary-cookie", 300)),
        (OPEN, ((b"vary", b"Cookie, Accept-Language"),), ("storable", 300)),
        (OPEN, ((b"vary", b"*"),), ("vary-any", 300)),
        (OPEN, ((b"set-cookie", b"csrftoken=1; Path=/"),), ("storable", 300)),
        (OPEN, ((b"set-cookie", b"csrftoken=1"), (b"set-cookie", b"other=1")), ("set-cookie", 300)),
    ],
)
def test_what_an_operator_says_counts_as_if_the_origin_said_it(
    allowance: Allowance, fields: Headers, expected: tuple[str, float]
) -> None:
    assert may_keep(allowance, *fields) == expected


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_lifetime_is_for_pages_that_were_found(status: int) -> None:
    assert may_keep(FIVE_MINUTES, status=status) == ("no-lifetime", 0)


@pytest.mark.parametrize(("said", "expected"), [(b"", "no-lifetime"), (b"no-cache", "no-validator")])
def test_a_stream_of_events_is_no_page(said: bytes, expected: str) -> None:
    allowance = Allowance(fresh=300, despite=frozenset({"no-cache"}))
    fields = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", said))
    kept = allowance.kept(fields, 200, 0.0, CHOICES)
    assert kept == fields
    assert may_store(b"GET", (), 200, kept, 0.0, allowance.choices(CHOICES)).reason == expected


def test_stale_times_and_what_is_stricter_go_along() -> None:
    allowance = Allowance(fresh=60, while_renewing=30, if_down=3600)
    kept = allowance.kept(((b"cache-control", b'must-revalidate, private="x-a"'),), 200, 0.0, CHOICES)
    said = b'max-age=60, stale-while-revalidate=30, stale-if-error=3600, private="x-a"'
    assert dict(kept)[b"tailorbird-cache-control"] == said


def test_the_origins_own_word_to_visitors_stays() -> None:
    fields = ((b"cache-control", b"no-cache"), (b"vary", b"Cookie"))
    kept = OPEN.kept(fields, 200, 0.0, CHOICES)
    assert kept[:2] == fields


@pytest.mark.parametrize(
    ("allowance", "query", "expected"),
    [
        (Allowance(), b"a=1&utm_source=x", b"a=1&utm_source=x"),
        (Allowance(ignored_parameters=("utm_*", "gclid")), b"a=1&utm_source=x&gclid=2&b", b"a=1&b"),
        (Allowance(only_parameters=("page", "sort")), b"sort=up&x=1&page=2", b"sort=up&page=2"),
        (Allowance(only_parameters=()), b"x=1", b""),
        (Allowance(ignored_parameters=("*",)), b"x=1", b""),
    ],
)
def test_only_parameters_that_count_are_kept_by(allowance: Allowance, query: bytes, expected: bytes) -> None:
    assert allowance.query(query) == expected


def test_cookies_have_roles() -> None:
    roles = CookieRoles(own=("session*",), key=("currency",), ignored=("seen_*",))
    assert roles.makes_own(b"sessionid") and not roles.makes_own(b"currency")
    assert roles.is_settled(b"currency") and roles.is_settled(b"seen_banner") and not roles.is_settled(b"other")
    assert roles.varying_names == {b"cookie;currency"}
    request = ((b"cookie", b"sessionid=1; currency=EUR"), (b"cookie", b"x=y"))
    assert roles.fields(request) == ((b"cookie", b"currency=EUR"),)
    assert roles.fields(((b"cookie", b"currency=EUR; currency=USD"),)) == ()


def test_a_star_ends_a_name_and_nothing_else_does() -> None:
    pattern = names_pattern(["a.b*", "c"])
    assert pattern.fullmatch(b"a.bc") and pattern.fullmatch(b"c")
    assert not pattern.fullmatch(b"axbc") and not pattern.fullmatch(b"cc") and not names_pattern([]).fullmatch(b"")


def test_what_an_origin_says_to_us_alone_counts_where_the_operator_says_nothing() -> None:
    ours = (b"tailorbird-cache-control", b"max-age=7")
    assert may_keep(Allowance(cookies=CookieRoles()), ours) == ("storable", 7)
    assert may_keep(FIVE_MINUTES, ours) == ("storable", 300)
