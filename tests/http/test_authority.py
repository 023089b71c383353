"""A Host that is not one goes nowhere; an origin's address is said as HTTP says it."""

from __future__ import annotations

import pytest

from proxy.errors import OperatorError, RequestError
from proxy.http.authority import address_of, host_names, valid_host


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        (b"shop.example", b"shop.example"),
        (b"SHOP.Example:8080", b"shop.example:8080"),
        (b"localhost", b"localhost"),
        (b"127.0.0.1:8080", b"127.0.0.1:8080"),
        (b"my_shop-1:80", b"my_shop-1:80"),
        (b"shop.example:65535", b"shop.example:65535"),
        (b"a.".join([b""] * 127) + b"a", b"a.".join([b""] * 127) + b"a"),  # of 253 characters
        (b"[::1]:8080", b"[::1]:8080"),
        (b"[2001:DB8::1]", b"[2001:db8::1]"),
        (b"xn--bcher-kva.example", b"xn--bcher-kva.example"),
    ],
)
def test_a_well_formed_host_is_lower_cased(sent: bytes, canonical: bytes) -> None:
    assert valid_host(sent) == canonical


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b" ",
        b"a b",
        b"a,b",
        b"a/b",
        b"a@b",
        b"user:pass@shop.example",
        b"a?b",
        b"a#b",
        b"a%20b",
        b"a\\b",
        b"a\tb",
        b"a\0",
        b"shop.example\r\nX: y",
        b"shop.example\n",
        b"shop.example.",
        b".shop.example",
        b"shop..example",
        b"-shop.example",
        b"shop.example:",
        b"shop.example:0",
        b"shop.example:65536",
        b"a.".join([b""] * 127) + b"ab",
        b"shop.example:8080:1",
        b"shop.example:+80",
        b"shop.example:8 0",
        b"[::1",
        b"::1",
        b"[::1]x",
        b"[1.2.3.4]",
        b"[:::]",
        b"[::1%25eth0]",
        b"http://shop.example",
        b"//shop.example",
        b"sh\xc3\xb6p.example",
        b"a" * 64 + b".example",
        b".".join([b"abcdefg"] * 40),
        b"<script>",
        b"{host}",
        b"*",
        b"shop.example;x",
    ],
)
def test_what_is_not_a_host_is_refused(sent: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        valid_host(sent)
    assert caught.value.status == 400


def test_a_host_that_is_not_served_is_misdirected() -> None:
    served = ("Shop.example", "www.shop.example:8080")
    assert valid_host(b"shop.EXAMPLE:81", served) == b"shop.example:81"
    assert valid_host(b"www.shop.example:8080", served) == b"www.shop.example:8080"
    for other in (b"www.shop.example", b"evil.example", b"shop.example.evil.example"):
        with pytest.raises(RequestError) as caught:
            valid_host(other, served)
        assert caught.value.status == 421


@pytest.mark.parametrize(
    ("url", "authority", "port"),
    [
        ("https://shop.example", b"shop.example", 443),
        ("https://shop.example:8443/", b"shop.example:8443", 8443),
        ("http://SHOP.example:80", b"shop.example", 80),
        ("http://[::1]:8000", b"[::1]:8000", 8000),
        ("https://bücher.example", b"xn--bcher-kva.example", 443),
        ("https://STRAßE.example", b"xn--strae-oqa.example", 443),  # `strasse.example` is somebody else's
    ],
)
def test_an_origins_address_is_said_without_its_schemes_own_port(url: str, authority: bytes, port: int) -> None:
    address = address_of(url)
    assert (address.authority, address.port) == (authority, port)
    assert str(address) == url[: url.index(":")] + "://" + authority.decode()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://[::1", "is not a URL"),
        ("http://shop.example:99999", "is not a URL"),
        ("shop.example", "is not a web address"),
        ("ftp://shop.example", "is not a web address"),
        ("https://", "is not a web address"),
        ("https://anna:secret@shop.example", "is not a web address"),
        ("https://shop.example/shop", "has a path"),
        ("https://shop.example/?a", "has a path"),
        ("https://shop.example#a", "has a path"),
    ],
)
def test_an_origin_that_is_no_scheme_and_host_is_refused_with_its_setting(url: str, problem: str) -> None:
    with pytest.raises(OperatorError, match=problem) as caught:
        address_of(url, "image_origin")
    assert "TAILORBIRD_IMAGE_ORIGIN" in str(caught.value) and caught.value.help


def test_a_name_that_no_host_field_can_say_is_refused_as_a_setting() -> None:
    assert host_names(("shop.example", "www.shop.example:8080")) == ("shop.example", "www.shop.example:8080")
    with pytest.raises(OperatorError) as caught:
        host_names(("münchen.example",))
    assert caught.value.help == "write xn--mnchen-3ya.example"
    with pytest.raises(OperatorError, match="shop/home` is not a host"):
        host_names(("shop.example", "shop/home"))
