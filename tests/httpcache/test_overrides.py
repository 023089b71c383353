from __future__ import annotations

import pytest

from proxy.httpcache.overrides import OWN_FIELD, CacheOverrides, CookieRoles, names_pattern
from proxy.httpcache.policy import may_store
from proxy.httpcache.stored import CacheOptions, directives_and_lifetime
from proxy.model import Headers

HTML: Headers = ((b"content-type", b"text/html"),)
CHOICES = CacheOptions(targeted_fields=(b"surrogate-control",))


def may_keep(overrides: CacheOverrides, *fields: tuple[bytes, bytes], status: int = 200) -> tuple[str, float]:
    """The verdict on an answer with these fields, and its lifetime."""
    kept = overrides.stored_headers((*HTML, *fields), status, 0.0, CHOICES)
    choices = overrides.with_own_field(CHOICES)
    verdict = may_store((), status, overrides.without_vary_cookie(kept), 0.0, choices)
    return verdict.reason, directives_and_lifetime(status, kept, 0.0, choices)[1].seconds


FIVE_MINUTES = CacheOverrides(fresh_seconds=300)
OPEN = CacheOverrides(fresh_seconds=300, cookies=CookieRoles(own=("sessionid",)), dropped_cookies=("csrf*",))


@pytest.mark.parametrize(
    ("overrides", "fields", "expected"),
    [
        (CacheOverrides(), (), ("no-lifetime", 0)),
        (FIVE_MINUTES, (), ("storable", 300)),
        (FIVE_MINUTES, ((b"cache-control", b"max-age=9"),), ("storable", 300)),
        (FIVE_MINUTES, ((b"surrogate-control", b"max-age=9"),), ("storable", 300)),
        (FIVE_MINUTES, ((b"cache-control", b"private"),), ("private", 300)),
        (FIVE_MINUTES, ((b"cache-control", b"no-store"),), ("no-store", 300)),
        (
            CacheOverrides(fresh_seconds=300, overruled=frozenset({"private"})),
            ((b"cache-control", b"private"),),
            ("storable", 300),
        ),
        (
            CacheOverrides(overruled=frozenset({"private"})),
            ((b"cache-control", b"private, max-age=9"),),
            ("storable", 9),
        ),
        (CacheOverrides(overruled=frozenset({"private"})), ((b"cache-control", b"private"),), ("no-lifetime", 0)),
        (FIVE_MINUTES, ((b"vary", b"Cookie"),), ("vary-cookie", 300)),
        (OPEN, ((b"vary", b"Cookie, Accept-Language"),), ("storable", 300)),
        (OPEN, ((b"vary", b"*"),), ("vary-any", 300)),
        (OPEN, ((b"set-cookie", b"csrftoken=1; Path=/"),), ("storable", 300)),
        (OPEN, ((b"set-cookie", b"csrftoken=1"), (b"set-cookie", b"other=1")), ("set-cookie", 300)),
    ],
)
def test_overrides_count_as_if_the_origin_sent_them(
    overrides: CacheOverrides, fields: Headers, expected: tuple[str, float]
) -> None:
    assert may_keep(overrides, *fields) == expected


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_overridden_lifetime_is_for_status_200_only(status: int) -> None:
    assert may_keep(FIVE_MINUTES, status=status) == ("no-lifetime", 0)


@pytest.mark.parametrize(("said", "expected"), [(b"", "no-lifetime"), (b"no-cache", "no-validator")])
def test_overrides_do_not_apply_to_an_event_stream(said: bytes, expected: str) -> None:
    overrides = CacheOverrides(fresh_seconds=300, overruled=frozenset({"no-cache"}))
    fields = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", said))
    kept = overrides.stored_headers(fields, 200, 0.0, CHOICES)
    assert kept == fields
    assert may_store((), 200, kept, 0.0, overrides.with_own_field(CHOICES)).reason == expected


def test_stale_times_and_stricter_directives_are_kept() -> None:
    overrides = CacheOverrides(fresh_seconds=60, stale_while_revalidate=30, stale_if_error=3600)
    kept = overrides.stored_headers(((b"cache-control", b'must-revalidate, private="x-a"'),), 200, 0.0, CHOICES)
    said = b'max-age=60, stale-while-revalidate=30, stale-if-error=3600, private="x-a"'
    assert dict(kept)[b"tailorbird-cache-control"] == said


def test_the_origins_cache_control_for_browsers_stays() -> None:
    fields = ((b"cache-control", b"no-cache"), (b"vary", b"Cookie"))
    kept = OPEN.stored_headers(fields, 200, 0.0, CHOICES)
    assert kept[:2] == fields


@pytest.mark.parametrize(
    ("overrides", "query", "expected"),
    [
        (CacheOverrides(), b"a=1&utm_source=x", b"a=1&utm_source=x"),
        (CacheOverrides(ignored_parameters=("utm_*", "gclid")), b"a=1&utm_source=x&gclid=2&b", b"a=1&b"),
        (CacheOverrides(only_parameters=("page", "sort")), b"sort=up&x=1&page=2", b"sort=up&page=2"),
        (CacheOverrides(only_parameters=()), b"x=1", b""),
        (CacheOverrides(ignored_parameters=("*",)), b"x=1", b""),
    ],
)
def test_only_parameters_that_count_are_kept_by(overrides: CacheOverrides, query: bytes, expected: bytes) -> None:
    assert overrides.significant_query(query) == expected


def test_cookies_have_roles() -> None:
    roles = CookieRoles(own=("session*",), key=("currency",), ignored=("seen_*",))
    assert roles.makes_own(b"sessionid") and not roles.makes_own(b"currency")
    assert roles.is_settled(b"currency") and roles.is_settled(b"seen_banner") and not roles.is_settled(b"other")
    assert roles.varying_names == {b"cookie;currency"}
    request = ((b"cookie", b"sessionid=1; currency=EUR"), (b"cookie", b"x=y"))
    assert roles.cookie_field(request) == ((b"cookie", b"currency=EUR"),)
    assert roles.cookie_field(((b"cookie", b"currency=EUR; currency=USD"),)) == ()


def test_a_star_at_the_end_of_a_name_matches_any_ending() -> None:
    pattern = names_pattern(["a.b*", "c"])
    assert pattern.fullmatch(b"a.bc") and pattern.fullmatch(b"c")
    assert not pattern.fullmatch(b"axbc") and not pattern.fullmatch(b"cc") and not names_pattern([]).fullmatch(b"")


def test_the_origins_targeted_fields_count_unless_overridden() -> None:
    ours = (b"tailorbird-cache-control", b"max-age=7")
    assert may_keep(CacheOverrides(cookies=CookieRoles()), ours) == ("storable", 7)
    assert may_keep(FIVE_MINUTES, ours) == ("storable", 300)


def test_needless_cookies_do_not_reach_visitors_and_are_not_stored() -> None:
    sent = ((b"set-cookie", b"csrftoken=1; Path=/"), (b"x-csrf", b"csrftoken=1"), (b"set-cookie", b"sessionid=2"))
    assert OPEN.needless_cookies(sent) == (b"csrftoken=1; Path=/",)
    stored = OPEN.stored_headers((*HTML, *sent), 200, 0.0, CHOICES)
    assert stored[:-1] == (*HTML, *sent[1:])


def test_what_was_stored_is_evaluated_again_without_the_field_of_ours() -> None:
    for status, left in ((200, HTML), (404, (*HTML, (OWN_FIELD, b"max-age=1")))):
        assert FIVE_MINUTES.without_own_field((*HTML, (OWN_FIELD, b"max-age=1")), status) == left
    assert CacheOverrides().without_own_field(((OWN_FIELD, b"a"),), 200) == ((OWN_FIELD, b"a"),)


@pytest.mark.parametrize(("said", "is_kept"), [(b"private, max-age=9, must-revalidate", True), (b"max-age=9", False)])
def test_must_revalidate_stays_with_the_lifetime_that_the_origin_gave(said: bytes, is_kept: bool) -> None:
    overruling = CacheOverrides(overruled=frozenset({"private"}))
    (value,) = [value for name, value in stored_by(overruling, said) if name == OWN_FIELD]
    assert (b"must-revalidate" in value) == is_kept
    (value,) = [value for name, value in stored_by(FIVE_MINUTES, said) if name == OWN_FIELD]
    assert b"must-revalidate" not in value


def stored_by(overrides: CacheOverrides, cache_control: bytes) -> Headers:
    return overrides.stored_headers((*HTML, (b"cache-control", cache_control)), 200, 0.0, CHOICES)
