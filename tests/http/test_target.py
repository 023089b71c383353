from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.http.message import Request
from proxy.http.target import changed_by, is_for_the_origin, kept_as, key_of, sought, why_never_shared
from proxy.httpcache.directives import NONE, Directives
from proxy.httpcache.overrides import CacheOverrides
from proxy.rulebook.policy import PagePolicy, Policy


def asking(*headers: tuple[bytes, bytes], method: bytes = b"GET") -> Request:
    return Request(method, b"/c/shoes", b"page=2", b"shop.example", headers, "https")


OWN = b"https://shop.example/c/shoes?page=2"


def test_the_key_is_the_whole_address() -> None:
    assert key_of(asking()) == OWN


@pytest.mark.parametrize("name", [b"location", b"content-location"])
@pytest.mark.parametrize(
    ("value", "also"),
    [
        (b"/cart", b"https://shop.example/cart"),
        (b"cart", b"https://shop.example/c/cart"),
        (b"../cart?x#top", b"https://shop.example/cart?x"),
        (b"//shop.example/cart", b"https://shop.example/cart"),
        (b"https://shop.example/cart", b"https://shop.example/cart"),
        (b"HTTPS://Shop.Example/%7ecart/./%c3%a9", b"https://shop.example/~cart/%C3%A9"),
        (b"https://shop.example", b"https://shop.example/"),
        (b"https://shop.example:443/cart", b"https://shop.example/cart"),
        (b"https://shop.example:80/cart", None),
        (b"http://shop.example/cart", None),
        (b"https://other.example/cart", None),
        (b"https://shop.example.evil/cart", None),
        (b"http://[", None),
    ],
)
def test_a_change_puts_its_address_out_of_date_and_what_it_names_on_the_same_host(
    name: bytes, value: bytes, also: bytes | None
) -> None:
    changed = changed_by(asking(method=b"POST"), 201, ((name, value),))
    assert changed == {OWN} | ({also} if also else set())


@pytest.mark.parametrize(
    ("method", "status", "changes"),
    [
        (b"POST", 200, True),
        (b"DELETE", 303, True),
        (b"M-SEARCH", 204, True),
        (b"POST", 404, False),
        (b"POST", 500, False),
        (b"PROPPATCH", 207, True),
        (b"OPTIONS", 200, False),
        (b"PROPFIND", 207, False),
        (b"QUERY", 200, False),
        (b"REPORT", 200, False),
        (b"SEARCH", 200, False),
    ],
)
def test_only_an_unsafe_method_that_succeeds_changes_something(method: bytes, status: int, changes: bool) -> None:
    assert bool(changed_by(asking(method=method), status, ())) is changes


@pytest.mark.parametrize(
    ("headers", "wishes", "is_stored", "why"),
    [
        ((), NONE, False, ""),
        ((), Directives(no_store=True), True, "no-store"),
        (((b"range", b"bytes=0-1"),), NONE, False, "range"),
        (((b"range", b"bytes=0-1"),), NONE, True, ""),
        (((b"if-match", b'"a"'),), NONE, True, "condition"),
        (((b"if-none-match", b'"a"'),), NONE, False, ""),
    ],
)
def test_some_requests_are_only_the_visitors_own(
    headers: tuple[tuple[bytes, bytes], ...], wishes: Directives, is_stored: bool, why: str
) -> None:
    request = asking(*headers)
    assert why_never_shared(request, wishes, is_stored=is_stored) == why
    assert is_for_the_origin(request) is (why == "condition")


def test_an_operator_may_say_that_forms_change_nothing_and_which_parameters_count() -> None:
    page = PagePolicy("/*", CacheOverrides(ignored_parameters=("utm_*",)))
    request = Request(b"POST", b"/contact", b"utm_source=x&a=1", b"shop.example", (), scheme="https")
    assert changed_by(request, 200, (), Policy((page,))) == {b"https://shop.example/contact?a=1"}
    assert changed_by(request, 200, (), Policy((replace(page, is_changed_by_forms=False),))) == set()


@pytest.mark.parametrize("name", [b"location", b"content-location"])
def test_what_a_change_names_is_out_of_date_as_it_is_kept(name: bytes) -> None:
    pages = PagePolicy("/contact"), PagePolicy("/*", CacheOverrides(ignored_parameters=("utm_*",)))
    request = Request(b"POST", b"/contact", b"", b"shop.example", (), scheme="https")
    changed = changed_by(request, 303, ((name, b"/thanks?utm_source=x&order=1"),), Policy(pages))
    assert changed == {b"https://shop.example/contact", b"https://shop.example/thanks?order=1"}


@pytest.mark.parametrize("name", [b"location", b"content-location"])
def test_a_page_that_forms_leave_alone_is_left_alone_also_by_those_that_lead_back_to_it(name: bytes) -> None:
    pages = PagePolicy("/cart*", is_kept=False), PagePolicy("/*", is_changed_by_forms=False)
    for path in (b"/cart/add", b"/c/shoes"):  # of which the first is not kept
        request = Request(b"POST", path, b"", b"shop.example", (), scheme="https")
        assert changed_by(request, 303, ((name, b"/c/shoes?added=7"),), Policy(pages)) == set()


def test_what_is_sought_is_by_the_parameters_that_count_and_asked_for_by_them() -> None:
    request = Request(b"GET", b"/c", b"utm_source=x&a=1", b"shop.example", (), scheme="https")
    policy = PagePolicy("/*", CacheOverrides(ignored_parameters=("utm_*",)))
    found = sought(request, policy)
    assert (found.key, found.shared.target, found.policy) == (b"https://shop.example/c?a=1", b"/c?a=1", policy)
    assert sought(request, None).shared is request
    assert request.query == b"utm_source=x&a=1"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        (b"/c/shoes?page=2&utm_source=x", b"/c/shoes?page=2"),
        (b"https://shop.example/c/shoes?utm_source=x", b"https://shop.example/c/shoes"),
        (b"/c/shoes", b"/c/shoes"),
        (b"/other?utm_source=x", b"/other?utm_source=x"),
    ],
)
def test_an_address_that_is_purged_is_meant_as_its_page_is_kept(address: bytes, kept: bytes) -> None:
    policy = Policy((PagePolicy("/c/*", CacheOverrides(ignored_parameters=("utm_*",))),))
    assert kept_as(address, policy) == kept
