"""Only who is trusted is believed about who asks."""

from __future__ import annotations

import pytest

from proxy.errors import OperatorError
from proxy.http.client import Customers, client_of, is_shared, is_trusted, networks, peer_address
from proxy.model import Headers

TRUSTED = networks(["10.0.0.0/8", "2001:db8::/32"])


def chain(value: bytes, *more: tuple[bytes, bytes]) -> Headers:
    return ((b"x-forwarded-for", value), *more)


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("203.0.113.9", chain(b"192.0.2.1"), "203.0.113.9"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", chain(b"192.0.2.1"), "192.0.2.1"),
        ("10.0.0.1", chain(b"6.6.6.6, 192.0.2.1, 10.0.0.2"), "192.0.2.1"),
        ("10.0.0.1", (*chain(b"6.6.6.6"), *chain(b"192.0.2.1")), "192.0.2.1"),
        ("10.0.0.1", chain(b"10.0.0.3, 10.0.0.2"), "10.0.0.3"),
        ("10.0.0.1", chain(b"192.0.2.1:4711"), "192.0.2.1"),
        ("10.0.0.1", chain(b"[2001:db9::1]:443"), "2001:db9::1"),
        ("10.0.0.1", chain(b"192.0.2.1, nonsense"), "10.0.0.1"),
        ("10.0.0.1", chain(b"192.0.2.1,"), "10.0.0.1"),
        ("::ffff:10.0.0.1", chain(b"192.0.2.1"), "192.0.2.1"),
        ("10.0.0.1", chain(b"::ffff:192.0.2.1"), "192.0.2.1"),
        ("2001:db8::7", chain(b"192.0.2.1"), "192.0.2.1"),
        ("10.0.0.1", ((b"forwarded", b'for=192.0.2.1;proto=https, for="[2001:db8::1]:99"'),), "192.0.2.1"),
        ("10.0.0.1", ((b"forwarded", b'for=192.0.2.1, for=10.0.0.2;host="a, for=6.6.6.6"'),), "192.0.2.1"),
        ("10.0.0.1", chain(b"192.0.2.1", (b"forwarded", b"for=6.6.6.6")), "192.0.2.1"),
        ("", chain(b"192.0.2.1"), ""),
    ],
)
def test_hops_are_believed_from_the_right_up_to_the_first_stranger(peer: str, headers: Headers, client: str) -> None:
    assert client_of(peer, headers, TRUSTED)[0] == client


@pytest.mark.parametrize(
    ("peer", "headers", "scheme"),
    [
        ("203.0.113.9", ((b"x-forwarded-proto", b"https"),), "http"),
        ("10.0.0.1", ((b"x-forwarded-proto", b"https"),), "https"),
        ("10.0.0.1", ((b"x-forwarded-proto", b"http, HTTPS"),), "https"),
        ("10.0.0.1", ((b"forwarded", b"for=192.0.2.1;proto=https"),), "https"),
        ("10.0.0.1", ((b"x-forwarded-proto", b"javascript"),), "http"),
    ],
)
def test_a_scheme_is_believed_of_the_trusted_only(peer: str, headers: Headers, scheme: str) -> None:
    assert client_of(peer, headers, TRUSTED)[1] == scheme


def test_no_proxy_is_trusted_unless_named() -> None:
    assert not is_trusted("127.0.0.1", ())
    assert client_of("127.0.0.1", chain(b"192.0.2.1"), ()) == ("127.0.0.1", "http")


def test_a_trusted_proxy_that_is_no_address_is_refused_with_help() -> None:
    with pytest.raises(OperatorError, match=r"`cdn\.example`"):
        networks(["10.0.0.0/8", "cdn.example"])


@pytest.mark.parametrize(
    ("peer", "headers", "customer"),
    [
        ("203.0.113.9", chain(b"192.0.2.1"), "203.0.113.9"),
        ("2001:db9::7", (), "2001:db9::/64"),
        ("10.0.0.1", chain(b"6.6.6.6, 192.0.2.1"), "192.0.2.1"),
        ("10.0.0.1", chain(b"2001:db9::1"), "2001:db9::/64"),
        ("10.0.0.1", (), ""),
        ("127.0.0.1", chain(b"192.0.2.1"), ""),
        ("", (), ""),
    ],
)
def test_who_is_counted_is_whoever_a_trusted_proxy_names_and_no_proxy_itself(
    peer: str, headers: Headers, customer: str
) -> None:
    customers = Customers(TRUSTED)
    assert [customers.of(peer, headers), customers.of(peer, iter(headers))] == [customer, customer]


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.9", "::1", "10.0.0.7", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "fe80::1%eth0"],
)
def test_addresses_of_private_networks_are_many_clients(address: str) -> None:
    assert is_shared(address, ())


@pytest.mark.parametrize("address", ["203.0.113.9", "172.32.0.1", "2001:db8::1"])
def test_an_address_of_the_internet_is_one_client_unless_it_is_a_trusted_proxy(address: str) -> None:
    assert not is_shared(address, ())
    assert is_shared(address, networks([address]))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (("::ffff:192.0.2.7", 443), "192.0.2.7"),
        (("192.0.2.7", 443), "192.0.2.7"),
        (("2001:db8::ffff:1", 443), "2001:db8::ffff:1"),
        (None, ""),
    ],
)
def test_who_connects_to_a_socket_of_both_families_is_known_by_the_ipv4_address(
    name: tuple[str, int] | None, address: str
) -> None:
    assert peer_address(name) == address
